// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Commands that wait for their answers, by their tags, with a time limit. Programs use
 * `peote-net.js`, which is built on this.
 * @module
 */

import { after } from './peote-net-time.js';

/**
 * How often the time of an answer is looked at in the time of its limit. A missing answer is
 * noticed by a quarter of the limit later.
 */
const TICKS = 4;
/** The greatest tag, and so the most commands that can wait (section 3.2). */
const MAX_TAG = 255;

/**
 * The commands of one link.
 * @template Asker
 */
export class Commands {
  #first;
  #tag;
  /** @type {Map<number, { asker: Asker, end: number, ticks: number }>} in the order in which they were sent */
  #waiting = new Map();
  #tickTime;
  #sent;
  #expired;
  #sentBefore = 0;
  /** @type {(() => void) | undefined} there while time is counted */
  #stop;

  /**
   * @param {number} timeout milliseconds that an answer may take
   * @param {() => number} sent how many bytes have left the socket
   * @param {() => void} expired an answer has not come in time
   * @param {number} firstTag the tag of the first command of a connection
   */
  constructor(timeout, sent, expired, firstTag) {
    this.#tickTime = timeout / TICKS;
    this.#sent = sent;
    this.#expired = expired;
    this.#first = firstTag;
    this.#tag = firstTag - 1;
  }

  /** Whether as many commands wait as can; the next answer makes room. */
  get isFull() {
    return this.#waiting.size >= MAX_TAG;
  }

  /**
   * A tag for the next command, which is about to be sent.
   * @param {Asker} asker
   * @param {number} end how many bytes have left the socket when the command begins to
   */
  add(asker, end) {
    do this.#tag = (this.#tag % MAX_TAG) + 1;
    while (this.#waiting.has(this.#tag));
    this.#waiting.set(this.#tag, { asker, end, ticks: 0 });
    if (!this.#stop) this.#watch();
    return this.#tag;
  }

  /**
   * An answer has come. Who asked; `undefined`: nobody with this tag.
   * @param {number} tag
   */
  take(tag) {
    const asker = this.#waiting.get(tag)?.asker;
    this.#waiting.delete(tag);
    return asker;
  }

  /** There will be no answers: the connection is over. */
  clear() {
    this.#waiting.clear();
    this.#tag = this.#first - 1;
    this.#stop?.();
    this.#stop = undefined;
  }

  #watch() {
    this.#sentBefore = this.#sent();
    const tick = () => {
      this.#stop = undefined;
      if (this.#waiting.size === 0) return;
      if (this.#count()) this.#expired();
      else this.#stop = after(this.#tickTime, tick);
    };
    this.#stop = after(this.#tickTime, tick);
  }

  /**
   * Counts a tick: time in which a command waits for what is sent before it, and that goes on, is
   * not counted. Whether the time of one is over.
   */
  #count() {
    const sent = this.#sent();
    const goesOn = sent > this.#sentBefore;
    this.#sentBefore = sent;
    let isOver = false;
    for (const command of this.#waiting.values()) {
      if (goesOn && sent < command.end) continue;
      command.ticks += 1;
      isOver ||= command.ticks > TICKS;
    }
    return isOver;
  }
}
