// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * One party at the other end of a channel: the chunks that it sends, and the windows of both
 * directions (docs/PROTOCOL.md, section 11.6). Programs use `peote-net.js`, which is built on this.
 * @module
 */

import { Assembler, MAX_WINDOW } from './peote-net-wire.js';

/**
 * How a peer broke the rules: those of chunks, or `window`: it has sent more than it was granted.
 * @typedef {import('./peote-net-wire.js').Violation | 'window'} Violation
 */

/**
 * What a party has sent: a chunk, or in mode `data` bytes of the stream. `keep` says that the
 * program has not taken it yet, and returns what says that it has.
 * @typedef {{ data: Uint8Array, keep: () => () => void }} Message
 */

/** Bytes of mode `data` that may be sent while the window is not known (docs/PROTOCOL.md, 11.5). */
const UNKNOWN = 64;

/** The server of an entered channel, or a user of an own one. */
export class Party {
  /** @type {Assembler | undefined} none in mode `data` */
  #assembler;
  /** What may come beyond the window: one chunk with its length field, if nothing else is under way. */
  #beyond;
  #grant;
  #willBeRaised;
  #isMalicious = false;
  /** Its channel or membership has ended. */
  #isOver = false;

  /** What may be sent: 0 is no window at all. */
  #window = 0;
  #outstanding = 0;
  #hasAsked = false;
  /** @type {number | undefined} bytes that had no room in the window */
  #wanted;
  /** @type {import('./peote-net-local.js').Line | undefined} the way to it, if that is not the relay */
  line;
  /** Whether the relay passes over it in broadcasts to those that are ready. */
  isLeftOut = false;

  /** What it may send at once: 0 is no window at all. */
  #size = 0;
  /** Bytes in all: what has come, what was granted, what the program keeps. */
  #came = 0;
  #granted = 0;
  #kept = 0;
  /** It waits for each byte. */
  #isEager = false;
  /** What has come is being handed to the program. */
  #isBusy = false;

  /**
   * @param {number | undefined} maxChunk `undefined` in mode `data`
   * @param {(bytes: number) => void} grant sends a grant; 0 bytes ask for one
   * @param {() => boolean} willBeRaised whether the hello has been said, so that there will be a
   *   window if there is none
   */
  constructor(maxChunk, grant, willBeRaised) {
    this.#assembler = maxChunk === undefined ? undefined : new Assembler(maxChunk);
    this.#beyond = maxChunk === undefined ? 0 : maxChunk + 5;
    this.#grant = grant;
    this.#willBeRaised = willBeRaised;
  }

  /** How many bytes may be sent now; `undefined`: there is no window. */
  get window() {
    return this.#window === 0 ? undefined : Math.max(0, this.#window - this.#outstanding);
  }

  /** The most bytes that may ever be sent at once. */
  get largest() {
    return this.#window || Infinity;
  }

  /** Whether something had no room in the window, and there is none for it yet. */
  get isAwaited() {
    return this.#wanted !== undefined && !this.fits(this.#wanted);
  }

  /**
   * Both directions have windows from now on. Whether what had no room has it now.
   * @param {number} send bytes that may be sent
   * @param {number} size of the window for what comes
   * @param {number} [receive] bytes that may still come, as many as the window has by default
   */
  raise(send, size, receive = size) {
    this.#window = Math.max(send, 1);
    this.#size = size;
    this.#granted = this.#came - (size - receive);
    this.#pay();
    return this.isThere();
  }

  /**
   * Whether so many bytes may be sent now. A chunk goes whole, whatever its size, if nothing else
   * is under way.
   * @param {number} length
   */
  fits(length) {
    const size = this.#window || (this.#willBeRaised() ? UNKNOWN : Infinity);
    return length <= size - this.#outstanding || (this.#assembler !== undefined && this.#outstanding <= 0);
  }

  /** So many bytes had no room, and it is to be told when there is some. @param {number} length */
  await(length) {
    this.#wanted = length;
    this.ask();
  }

  /**
   * Something had no room. Asks for a grant if less than half of the window is used up, because the
   * other end keeps it back then.
   */
  ask() {
    if (this.#hasAsked || this.#outstanding <= 0 || this.#outstanding * 2 > this.#window) return;
    this.#hasAsked = true;
    this.#grant(0);
  }

  /** So many bytes are sent. They count from the hello on. @param {number} length */
  sent(length) {
    if (this.#window > 0 || this.#willBeRaised()) this.#outstanding += length;
  }

  /**
   * The party takes more. Whether what had no room has it now.
   * @param {number} bytes
   */
  granted(bytes) {
    if (this.#window === 0) return false;
    if (bytes === 0) {
      this.#isEager = true;
      this.#pay();
      return false;
    }
    this.#hasAsked = false;
    this.#outstanding -= bytes;
    if (this.#outstanding < 0) {
      // It began with the relay's window, in front of a hello. Its own is greater.
      this.#window = Math.min(this.#window - this.#outstanding, MAX_WINDOW);
      this.#outstanding = 0;
    }
    return this.isThere();
  }

  /**
   * Whether what had no room has it now. If the window has become larger and is still too small,
   * the rest may be kept back, and is asked for.
   */
  isThere() {
    if (this.#wanted === undefined) return false;
    if (!this.fits(this.#wanted)) {
      this.ask();
      return false;
    }
    this.#wanted = undefined;
    return true;
  }

  /**
   * What ends in this payload; a violation comes last. Whether the party is still meant is to be
   * looked at in between.
   * @param {Uint8Array} payload
   * @returns {Generator<Message | Violation, void>}
   */
  *push(payload) {
    this.#came += payload.length;
    this.#isBusy = true;
    try {
      if (this.#isMalicious || payload.length === 0) return;
      if (this.#size > 0 && this.#came - this.#granted > this.#size + this.#beyond) {
        this.#isMalicious = true;
        yield 'window';
        return;
      }
      for (const said of this.#assembler?.push(payload) ?? [payload.slice()]) {
        this.#isMalicious = typeof said === 'string';
        yield typeof said === 'string' ? said : { data: said, keep: () => this.#keep(said.length) };
      }
    } finally {
      this.#isBusy = false;
      this.#pay();
    }
  }

  /** There is nothing more to be granted or awaited. */
  end() {
    this.#isOver = true;
    this.#wanted = undefined;
  }

  /** @param {number} length */
  #keep(length) {
    this.#kept += length;
    return () => {
      this.#kept -= length;
      length = 0;
      this.#pay();
    };
  }

  /**
   * Grants what has been taken: at half a window, at once what the chunk needs that is being put
   * together, and everything to one that has asked.
   */
  #pay() {
    if (this.#size === 0 || this.#isOver || this.#isBusy) return;
    const { length = 0, count = 0 } = this.#isMalicious ? {} : (this.#assembler ?? {});
    // A chunk that is longer than the window has its own memory, or it could never be completed.
    const stored = length > this.#size ? 0 : count;
    const taken = this.#came - this.#granted - stored - this.#kept;
    const mayCome = this.#size - (this.#came - this.#granted);
    if (taken <= 0 || !(this.#isEager || taken * 2 >= this.#size || mayCome < length - count)) return;
    this.#granted += taken;
    this.#grant(taken);
    if (stored + this.#kept === 0) this.#isEager = false;
  }
}
