// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Servers and users in one page, without a network and without a relay. Every channel is created at
 * once; its users are those that enter it on the same link, with the same calls and events as with a
 * relay. Whether a program runs offline or online is decided where its link is made:
 *
 * ```js
 * import { Link } from './peote-net.js';
 * import { Offline } from './peote-net-offline.js';
 * const link = new Link('offline:', { WebSocket: Offline });
 * const server = link.create('game');
 * server.simulate({ roundTrip: 80 }); // as over a line with lag
 * const user = link.enter('game');
 * ```
 * @module
 */

import { bytesOf } from './peote-net-check.js';
import { report } from './peote-net-time.js';
import { Command } from './peote-net-wire.js';

/** Commands 4 to 6 are known, and there are no keepalives (section 11.1). */
const ANNOUNCEMENT = [0, 4, 0, 255, 0x50, 0x87];
/** The endpoint takes part (section 11.4). */
const GREETING = [0, 5, 0, 3, 1, 1, 1];
const TOO_MANY = 1;
const IN_USE = 2;
const NOT_THERE = 1;

/** Stands in for a `WebSocket`, for the option of a link: a relay on which nobody else is. */
class OfflineSocket {
  binaryType = 'arraybuffer';
  bufferedAmount = 0;
  /** @type {((event: any) => void) | null} */
  onopen = null;
  /** @type {((event: any) => void) | null} */
  onmessage = null;
  /** @type {((event: any) => void) | null} */
  onclose = null;
  /** @type {((event: any) => void) | null} */
  onerror = null;
  #isOpen = true;
  /** @type {Map<number, string>} names of own channels by their numbers */
  #names = new Map();
  #next = 0;
  /** @type {number[]} the head of a unit, as far as it has come */
  #head = [];
  /** Bytes of data that are passed over: nobody is there. */
  #skip = 0;

  constructor() {
    queueMicrotask(() => {
      if (!this.#isOpen) return;
      this.onopen?.({});
      this.#say(ANNOUNCEMENT);
    });
  }

  /** @param {unknown} data */
  send(data) {
    const bytes = bytesOf(data) ?? new Uint8Array(0);
    for (let at = 0; at < bytes.length; ) {
      const passed = Math.min(this.#skip, bytes.length - at);
      this.#skip -= passed;
      at += passed;
      if (at < bytes.length) this.#take(bytes[at++]);
    }
  }

  close() {
    this.#isOpen = false;
  }

  /** @param {number} byte */
  #take(byte) {
    const head = this.#head;
    head.push(byte);
    const [first, second, , length] = head;
    if (first === 0) {
      if (head.length < 4 || head.length < 4 + length) return;
      this.#head = [];
      return this.#command(second, head[2], head.slice(4));
    }
    // A prefix of two bytes, then one data unit.
    const at = first === 1 ? 2 : 0;
    if (head.length <= at || (head[at] > 127 && head.length < at + 2)) return;
    this.#skip = head[at] > 127 ? (head[at] - 128) * 256 + head[at + 1] : head[at];
    this.#head = [];
  }

  /** @param {number} command @param {number} tag @param {readonly number[]} payload */
  #command(command, tag, payload) {
    const name = String(payload);
    if (command === Command.hello) this.#say(GREETING);
    if (command === Command.enter) this.#say([0, 3, tag, 1, NOT_THERE]);
    if (command === Command.delete) this.#names.delete(payload[0]);
    if (command !== Command.create) return;
    const names = [...this.#names.values()];
    const refused = names.length >= 128 ? TOO_MANY : names.includes(name) ? IN_USE : 0;
    if (refused) return this.#say([0, 3, tag, 1, refused]);
    while (this.#names.has(this.#next)) this.#next = (this.#next + 1) & 127;
    this.#names.set(this.#next, name);
    this.#say([0, 3, tag, 0, this.#next]);
    // Numbers are given out again late (section 1.3).
    this.#next = (this.#next + 1) & 127;
  }

  /** @param {readonly number[]} bytes */
  #say(bytes) {
    queueMicrotask(() => {
      try {
        if (this.#isOpen) this.onmessage?.({ data: Uint8Array.from(bytes).buffer });
      } catch (error) {
        report(error);
      }
    });
  }
}

/** For the option `WebSocket` of a link. */
export const Offline = /** @type {typeof WebSocket} */ (/** @type {unknown} */ (OfflineSocket));
