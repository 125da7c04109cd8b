// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * One WebSocket to a relay: from the attempt to its end, whatever the environment's implementation
 * does. Programs use `peote-net.js`, which is built on this.
 * @module
 */

import { bytesOf } from './peote-net-check.js';
import { PeoteError } from './peote-net-event.js';
import { after } from './peote-net-time.js';
import { Decoder } from './peote-net-wire.js';

/** @typedef {import('./peote-net-wire.js').Unit} Unit */

/**
 * What was wrong with a connection: `unreachable` never came about (browsers do not tell why),
 * `timeout` neither in time; `closed` was ended by the other side or the network; `silent` said
 * nothing for the silence limit; `no-answer` did not answer a command in time; `not-a-relay` said
 * what a relay does not say.
 * @typedef {'unreachable' | 'timeout' | 'closed' | 'silent' | 'no-answer' | 'not-a-relay'}
 *   LossReason
 */

/**
 * What a connection tells. Nothing comes during a call, and nothing after `lost` or {@link
 * Connection.close}.
 * @typedef {object} Heard
 * @property {() => void} opened
 * @property {(unit: Unit) => void} unit
 * @property {(reason: LossReason, code: number, error: unknown) => void} lost with WebSocket's
 *   code, and what the environment threw, if it did
 */

/**
 * How often silence is looked at in the time of its limit. It is noticed by a quarter of the limit
 * later.
 */
const TICKS = 4;
/** How many milliseconds after an error the connection is over, if nothing says so. */
const ERROR_GRACE = 1_000;
/** The code where WebSocket has none. */
const ABNORMAL = 1006;
/**
 * The longest message: with the 14 bytes of the longest frame head 65,536 bytes, because more ends
 * some relays.
 */
const MAX_MESSAGE = 65_536 - 14;

/** One connection, or the attempt to get it. */
export class Connection {
  #socket;
  #heard;
  /** Milliseconds; may be changed. */
  silenceLimit;
  #isOpen = false;
  #isOver = false;
  #handed = 0;
  /** The first byte of the next command has been sent. */
  #hasBegun = false;
  /** Of silence. */
  #ticks = 0;
  #capabilities = 0;
  /** @type {() => void} stops the time limit of the attempt, or the next tick */
  #stop;
  /** @type {() => void} stops the time in which `close` has to follow an error */
  #stopError = () => {};

  /**
   * @param {new (url: string) => WebSocket} constructor
   * @param {string} url
   * @param {{ connectTimeout: number, silenceLimit: number }} limits milliseconds
   * @param {Heard} heard
   * @throws {unknown} what the constructor throws
   */
  constructor(constructor, url, limits, heard) {
    this.#heard = heard;
    this.silenceLimit = limits.silenceLimit;
    const socket = new constructor(url);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    const decoder = new Decoder();
    // A socket that has been given up says nothing any more.
    const mine = (/** @type {(event: any) => void} */ act) => (/** @type {any} */ event) => {
      if (!this.#isOver) act(event);
    };
    socket.onopen = mine(() => this.#opened());
    socket.onmessage = mine((event) => this.#received(decoder, event?.data));
    socket.onclose = mine((event) => this.#lose(this.#isOpen ? 'closed' : 'unreachable', event?.code));
    // `close` follows at once, in all implementations but a few; without a listener, some throw.
    socket.onerror = mine(() => {
      this.#stopError();
      this.#stopError = after(ERROR_GRACE, () => this.#lose(this.#isOpen ? 'closed' : 'unreachable'));
    });
    this.#stop = after(limits.connectTimeout, () => this.#lose('timeout'));
  }

  /** Bytes that wait to be sent. Not every implementation tells. */
  get bufferedAmount() {
    const amount = Number(this.#socket.bufferedAmount);
    return amount > 0 ? amount : 0;
  }

  /** Bytes that have been handed over to be sent. */
  get handed() {
    return this.#handed;
  }

  /** The relay's announcement (section 11.1), 0 before and without it. */
  get capabilities() {
    return this.#capabilities;
  }

  /**
   * Has the relay say its announcement, which it does when the first byte has come: that of the
   * command that comes next, whatever that will be.
   */
  begin() {
    if (this.#handed > 0 || this.#hasBegun) return;
    this.send(Uint8Array.of(0));
    this.#hasBegun = true;
  }

  /**
   * Sends bytes, in several messages if there are many: their boundaries mean nothing.
   * @param {Uint8Array} bytes
   * @throws {PeoteError} `not-open`: the implementation cannot send any more, and the connection is
   *   lost
   */
  send(bytes) {
    const first = this.#hasBegun ? 1 : 0;
    this.#hasBegun = false;
    try {
      for (let at = first; at < bytes.length; at += MAX_MESSAGE) {
        this.#socket.send(/** @type {Uint8Array<ArrayBuffer>} */ (bytes.subarray(at, at + MAX_MESSAGE)));
      }
    } catch (cause) {
      queueMicrotask(() => this.#lose('closed', ABNORMAL, cause));
      throw new PeoteError('not-open', 'the connection to the relay has just been lost', { cause });
    }
    this.#handed += bytes.length - first;
  }

  /** Ends the connection, once what waits has been sent. */
  close() {
    this.#isOver = true;
    this.#stop();
    this.#stopError();
    try {
      this.#socket.close();
    } catch {
      // It cannot be more over than it is.
    }
  }

  #opened() {
    this.#isOpen = true;
    this.#watch();
    this.#heard.opened();
  }

  /**
   * @param {Decoder} decoder
   * @param {unknown} data
   */
  #received(decoder, data) {
    this.#ticks = 0;
    const bytes = bytesOf(data);
    if (!bytes) {
      const error = typeof data === 'string' ? undefined : new TypeError('this WebSocket does not give what comes as an ArrayBuffer');
      return this.#lose('not-a-relay', 1003, error);
    }
    for (const unit of decoder.push(bytes)) {
      if (unit.kind === 'keepalive') this.#capabilities = unit.capabilities ?? this.#capabilities;
      this.#heard.unit(unit);
      // A listener may have closed the link.
      if (this.#isOver) return;
    }
  }

  /**
   * Counts silence in ticks rather than by the clock: a page that was suspended wakes up to one
   * late tick, and to what has come meanwhile.
   */
  #watch() {
    this.#stop();
    const tick = () => {
      this.#ticks += 1;
      // Bit 7: silence means nothing.
      if (this.#ticks > TICKS && this.#capabilities < 128) return this.#lose('silent');
      this.#stop = after(this.silenceLimit / TICKS, tick);
    };
    this.#stop = after(this.silenceLimit / TICKS, tick);
  }

  /**
   * @param {LossReason} reason
   * @param {unknown} [code]
   * @param {unknown} [error]
   */
  #lose(reason, code, error) {
    if (!this.#isOver) this.#heard.lost(reason, typeof code === 'number' ? code : ABNORMAL, error);
  }
}
