// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * What own and entered channels have in common. Programs use `peote-net.js`, which exports from
 * here what they need.
 * @module
 */

import { numberOf, optionsOf, toBytes, wordOf } from './peote-net-check.js';
import { PeoteError, Target } from './peote-net-event.js';
import { Party } from './peote-net-party.js';
import { Command, MAX_CHUNK_LIMIT, MAX_NAME, MAX_WORDS, encodeCommand, encodeData, encodedLength, lengthField } from './peote-net-wire.js';

/** @typedef {import('./peote-net-event.js').Reason} Reason */
/** @typedef {import('./peote-net-time.js').Backoff} Backoff */
/** @typedef {import('./peote-net-party.js').Violation} Violation */

/** What may be different at the next attempt, if the channel has been open before. */
const MAY_PASS = new Set(['name-in-use', 'no-such-channel', 'channel-full', 'connection-lost', 'server-silent', 'too-slow']);

/** What a relay keeps for each party at least, whatever its window (docs/PROTOCOL.md, 11.6). */
const LEAST_KEPT = 65_536;

export const NOTHING = new Uint8Array(0);

/**
 * What a link lets its channels do.
 * @typedef {object} Access
 * @property {(encode: () => Uint8Array, length: number) => void} send sends what `encode` makes,
 *   `length` bytes, or throws
 * @property {(command: Uint8Array) => void} end sends a short command, whatever waits; without a
 *   connection it is not needed
 * @property {() => { remove: boolean, block: boolean, flow: boolean }} capabilities of the relay
 * @property {() => boolean} canAsk whether users can be kept outside
 * @property {() => boolean} willBeRaised whether the hello has been said, and parties without a
 *   window will have one
 * @property {() => boolean} isGreeting whether the hello has been said and not been answered
 * @property {number} window of each party, for what comes
 * @property {(channel: Channel<any>) => void} forget the channel is not open any more, and not to
 *   be asked for
 * @property {(channel: Channel<any>, delay: number | undefined) => void} wait the channel is to be
 *   asked for again
 * @property {() => Backoff} backoff
 * @property {() => Promise<void>} room as `Link.room`
 */

/**
 * @typedef {object} ChannelOptions
 * @property {'chunks' | 'data' | 'rpc'} [mode] whole messages (the default), a stream whose cuts mean
 *   nothing, or remote procedure calls, for which `Rpc` of `peote-net-rpc.js` is made with the channel
 * @property {number} [maxChunk] the maximum chunk size in bytes, 32,768 by default. Server and
 *   users have to agree on it. Above 65,536 the link's `window` has to be as large
 * @property {'if-opened' | 'always' | 'never'} [retry] what to do when it is refused for a reason
 *   that may pass, or lost: ask again if it has been open before (the default), ask again in any
 *   case, or give it up
 */

/**
 * What both kinds of channels tell.
 *
 * - `open`: the relay has created or entered it; `again` if it was open before. Everything begins
 *   anew: users, and what was said.
 * - `refused`: the relay has refused it, or the channel's server, with its `words`.
 * - `lost`: it was open and is gone: the link is lost, or for a user the server or its connection.
 *
 * After `refused` and `lost` it is asked for again, if `retry` is true: `retryIn` ms later, or as
 * soon as there is a connection (`undefined`). Otherwise it is closed.
 * @typedef {{
 *   open: { again: boolean },
 *   refused: { reason: Reason, retry: boolean, retryIn: number | undefined, words: Uint8Array },
 *   lost: { reason: Reason, retry: boolean, retryIn: number | undefined },
 * }} ChannelEvents
 */

/** @type {readonly ['chunks', 'data', 'rpc']} */
const MODES = ['chunks', 'data', 'rpc'];
/** @type {readonly ['if-opened', 'always', 'never']} */
const RETRIES = ['if-opened', 'always', 'never'];
/** @type {readonly (keyof ChannelOptions)[]} */
const OPTIONS = ['mode', 'maxChunk', 'retry'];
/**
 * Of both kinds, so that programs can treat them alike: an entered one never tells `enter`, `knock`
 * or `leave`.
 */
const CHANNEL_EVENTS = ['open', 'refused', 'lost', 'knock', 'enter', 'leave', 'message', 'malicious', 'room'];

/**
 * What is said in front of a door, or behind it.
 * @param {import('./peote-net-check.js').Sendable | undefined} value
 * @param {string} name of the argument
 */
export function wordsOf(value, name) {
  const words = value === undefined ? NOTHING : toBytes(value, name).slice();
  if (words.length > MAX_WORDS) throw new PeoteError('too-long', `${name}: ${words.length} bytes of words; at most ${MAX_WORDS} are allowed`);
  return words;
}

/**
 * What own and entered channels have in common.
 * @template {ChannelEvents} Events
 * @extends {Target<Events>}
 */
export class Channel extends Target {
  /** @internal @type {'own' | 'entered'} */
  _kind = 'own';
  /** @internal @type {number | undefined} on this connection, while open */
  _number;
  /** @internal @type {Set<() => void>} to be called when the program ends it, which tells no event */
  _atClose = new Set();
  /** @internal @type {(() => void) | undefined} there while it waits for its time to be asked for again */
  _stopRetry;
  /** @internal what is said in front of the door */
  _words = NOTHING;
  /** @type {'waiting' | 'asked' | 'open' | 'closed'} */
  #state = 'waiting';
  #wasOpen = false;
  #retry;
  #backoff;
  #nameBytes;
  /** @type {Set<() => void>} to be called when a window has room, or nobody is there any more */
  #waitsForRoom = new Set();

  /**
   * @param {Access} access
   * @param {string | Uint8Array} name
   * @param {ChannelOptions | undefined} options
   * @param {readonly string[]} more options that this kind has
   * @internal
   */
  constructor(access, name, options, more) {
    super(/** @type {any} */ (CHANNEL_EVENTS));
    /** @internal */
    this._access = access;
    /** The name it was asked for with. */
    this.name = name;
    this.#nameBytes = toBytes(name, 'name').slice();
    if (this.#nameBytes.length > MAX_NAME) {
      throw new PeoteError('name-too-long', `a name of ${this.#nameBytes.length} bytes; at most ${MAX_NAME} are allowed`);
    }
    /** @type {any} */
    const known = [...OPTIONS, ...more];
    /** @type {Partial<ChannelOptions>} */
    const { mode, maxChunk, retry } = optionsOf(options, 'options', known);
    /** Whether messages are sent as chunks, or as data. */
    this.mode = wordOf(mode, 'options.mode', MODES);
    /** The maximum chunk size in bytes. */
    this.maxChunk = numberOf(maxChunk, 'options.maxChunk', 32_768);
    if (!Number.isInteger(this.maxChunk) || this.maxChunk < 1 || this.maxChunk > MAX_CHUNK_LIMIT) {
      throw new PeoteError('chunk-limit', `a maximum chunk size of ${this.maxChunk}; 1 to ${MAX_CHUNK_LIMIT} are allowed`);
    }
    // A chunk above its receiver's window may end the membership, if the receiver is slow.
    const most = Math.max(access.window, LEAST_KEPT);
    if (this.mode !== 'data' && this.maxChunk > most) {
      throw new PeoteError('chunk-limit', `a maximum chunk size of ${this.maxChunk}; a link with a window of ${access.window} bytes allows ${most}: raise the link's options.window`);
    }
    this.#retry = wordOf(retry, 'options.retry', RETRIES);
    this.#backoff = access.backoff();
  }

  /** What is sent is a message of remote procedure calls. @internal */
  _isCalling = false;

  /** `waiting` to be asked for, `asked` for, `open`, or `closed` for good. */
  get state() {
    return this.#state;
  }

  /** @param {Channel<any>} other @internal */
  _hasNameOf(other) {
    const [one, two] = [this.#nameBytes, other.#nameBytes];
    return one.length === two.length && one.every((byte, at) => byte === two[at]);
  }

  /** @param {(bytes: number) => void} grant @internal */
  _newParty(grant) {
    return new Party(this.mode === 'data' ? undefined : this.maxChunk, grant, this._access.willBeRaised);
  }

  /**
   * @param {readonly Party[]} parties all that hear it
   * @param {readonly number[] | undefined} head channel byte, and user byte if there is one;
   *   `undefined`: nobody hears it through the relay
   * @param {Uint8Array} bytes
   * @param {readonly number[]} [prefix] of a broadcast
   * @internal
   */
  _sendData(parties, head, bytes, prefix = []) {
    const field = this._check(bytes);
    const inAll = field.length + bytes.length;
    const full = parties.filter((party) => !party.fits(inAll));
    if (full.length > 0) this.#refuseToSend(full, inAll);
    if (head) this._access.send(() => encodeData(prefix, head, field, bytes), encodedLength(prefix, head, field, bytes));
    for (const party of parties) {
      party.sent(inAll);
      party.line?.data([...field], bytes);
    }
  }

  /** The length field for what is to be sent. @param {Uint8Array} bytes @internal */
  _check(bytes) {
    if (this.#state !== 'open') throw new PeoteError('not-open', 'the channel is not open');
    if (this.mode === 'rpc' && !this._isCalling) {
      throw new PeoteError('only-rpc', 'the channel has remote procedure calls and nothing else: use another channel');
    }
    if (bytes.length === 0) throw new PeoteError('empty', 'there is nothing to send');
    if (this.mode === 'data') return [];
    if (bytes.length > this.maxChunk) {
      throw new PeoteError('too-long', `a chunk of ${bytes.length} bytes; the channel's maximum is ${this.maxChunk}`);
    }
    return lengthField(bytes.length, this.maxChunk);
  }

  /**
   * @param {readonly Party[]} full
   * @param {number} length
   * @returns {never}
   */
  #refuseToSend(full, length) {
    const largest = Math.min(...full.map((party) => party.largest));
    if (this.mode === 'data' && length > largest) {
      throw new PeoteError('too-long', `${length} bytes at once; the window of the other end has ${largest}`);
    }
    for (const party of full) party.await(length);
    throw new PeoteError('would-block', 'the other end has not taken what was sent before; await room()');
  }

  /**
   * @param {readonly Party[]} parties
   * @internal
   */
  _windowOf(parties) {
    const windows = parties.flatMap(({ window }) => window ?? []);
    return windows.length > 0 ? Math.min(...windows) : undefined;
  }

  /**
   * @param {() => readonly Party[]} parties
   * @internal
   */
  async _roomFor(parties) {
    for (;;) {
      await this._access.room();
      const isGreeting = this._kind === 'own' && this._access.isGreeting();
      if (!isGreeting && !parties().some((party) => party.isAwaited)) return;
      await new Promise((resolve) => this.#waitsForRoom.add(() => resolve(undefined)));
    }
  }

  /** Something may be sent that had no room, or to fewer than before. @internal */
  _hasRoom() {
    for (const act of this.#waitsForRoom) act();
    this.#waitsForRoom.clear();
  }

  /** @param {number} tag @param {boolean} mayTalk whether words count @internal */
  _ask(tag, mayTalk) {
    this._asked();
    const words = mayTalk && this._words.length > 0 ? [...encodeCommand(Command.words, 0, this._words)] : [];
    const ask = encodeCommand(this._kind === 'own' ? Command.create : Command.enter, tag, this.#nameBytes);
    const command = Uint8Array.of(...words, ...ask);
    this._access.send(() => command, command.length);
  }

  /** The relay has answered the hello. @internal */
  _greeted() {}

  /** @internal */
  _asked() {
    this.#state = 'asked';
  }

  /**
   * @param {number | undefined} number `undefined`: of no meaning to the relay
   * @param {import('./peote-net-wire.js').Entered} [_entered]
   * @internal
   */
  _opened(number, _entered) {
    this._number = number;
    this.#state = 'open';
    this.#backoff.attempts = 0;
    const again = this.#wasOpen;
    this.#wasOpen = true;
    this.#tell('open', { again });
  }

  /** Refused, or gone. @param {Reason} reason @param {Uint8Array} [words] @internal */
  _ended(reason, words = NOTHING) {
    // Deleted or left before the answer, or not asked for yet and so not concerned.
    const was = this.#state;
    if (was === 'closed' || (was === 'waiting' && this.#retry !== 'never')) return;
    this._access.forget(this);
    this._number = undefined;
    this._cleared(reason);
    const mayRetry = this.#retry === 'always' || (this.#retry === 'if-opened' && this.#wasOpen);
    // After a loss it is asked for in any case when there is a connection, unless it never is.
    const afterLoss = (reason === 'link-lost' || reason === 'no-answer') && this.#retry !== 'never';
    const retryIn = !afterLoss && mayRetry && MAY_PASS.has(reason) ? this.#backoff.next() : undefined;
    const retry = afterLoss || retryIn !== undefined;
    this.#state = retry ? 'waiting' : 'closed';
    if (retry) this._access.wait(this, retryIn);
    if (was === 'open') this.#tell('lost', { reason, retry, retryIn });
    else this.#tell('refused', { reason, retry, retryIn, words });
    this._hasRoom();
  }

  /** Ends it without an event. @internal */
  _close() {
    const was = this.#state;
    const number = this._number;
    this.#state = 'closed';
    this._stopRetry?.();
    this._access.forget(this);
    this._number = undefined;
    this._cleared(undefined);
    for (const act of this._atClose) act();
    if (was === 'open' && number !== undefined) this._end(number);
    this._hasRoom();
  }

  /** Tells the relay that it is over. @param {number} number @internal */
  _end(number) {
    const command = encodeCommand(this._kind === 'own' ? Command.delete : Command.leave, 0, [number]);
    this._access.end(command);
  }

  /** @param {Reason | undefined} _reason `undefined`: the program has ended it @internal */
  _cleared(_reason) {}

  /**
   * @template {keyof ChannelEvents} Type
   * @param {Type} type
   * @param {ChannelEvents[Type]} fields
   */
  #tell(type, fields) {
    this._tell(type, /** @type {any} */ (fields));
  }
}
