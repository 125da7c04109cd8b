// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Who is there: the users of an own channel, with data of the program's own. It is given back
 * exactly once: when the user is gone, or when the channel or the connection is.
 *
 * ```js
 * const players = new Users(server, (user, words) => ({ name: new TextDecoder().decode(words), score: 0 }), {
 *   gone: (user, player) => console.log(`${player.name} had ${player.score} points`),
 * });
 * server.on('message', ({ user }) => (players.get(user).score += 1));
 * for (const [user, { score }] of players) server.send(user, `${score}`);
 * ```
 * @module
 */

import { functionOf, optionsOf, wrongKind } from './peote-net-check.js';

/** @typedef {import('./peote-net-own.js').OwnChannel} OwnChannel */
/** @typedef {import('./peote-net-event.js').Reason} Reason */

/**
 * @template T
 * @typedef {object} UsersOptions
 * @property {(user: number, data: T, reason: Reason) => void} [gone] a user is gone, for whatever
 *   reason; `on-purpose` if the program has deleted the channel
 */

/**
 * The users of an own channel by their numbers.
 * @template T
 */
export class Users {
  /** @type {Map<number, T>} */
  #data = new Map();
  /** @type {UsersOptions<T>['gone']} */
  #gone;

  /**
   * Make it before the channel is open, and before listeners of the program's own: what they look
   * for is there then.
   * @param {OwnChannel} channel
   * @param {(user: number, words: Uint8Array) => T} make the data of a user that has entered, with
   *   what it said in front of the door
   * @param {UsersOptions<T>} [options]
   * @throws {TypeError} a wrong kind of argument
   */
  constructor(channel, make, options) {
    if (make === undefined) throw wrongKind('make', 'a function', make);
    const act = functionOf(make, 'make', make);
    /** @type {Partial<UsersOptions<T>>} */
    const { gone } = optionsOf(options, 'options', ['gone']);
    this.#gone = functionOf(gone, 'options.gone', undefined);
    channel.on('enter', ({ user, words }) => this.#data.set(user, act(user, words)));
    channel.on('leave', ({ user, reason }) => this.#remove(user, reason));
    channel.on('lost', ({ reason }) => this.#clear(reason));
    channel._atClose.add(() => this.#clear('on-purpose'));
  }

  /** How many there are. */
  get size() {
    return this.#data.size;
  }

  /** @param {number} user */
  has(user) {
    return this.#data.has(user);
  }

  /** The data of a user; `undefined` if it is not there. @param {number} user */
  get(user) {
    return this.#data.get(user);
  }

  /** Other data for a user that is there. @param {number} user @param {T} data */
  set(user, data) {
    if (this.#data.has(user)) this.#data.set(user, data);
    return this;
  }

  /** Numbers and data, in the order in which users came. */
  [Symbol.iterator]() {
    return this.#data[Symbol.iterator]();
  }

  /** @param {Reason} reason */
  #clear(reason) {
    for (const user of [...this.#data.keys()]) this.#remove(user, reason);
  }

  /** @param {number} user @param {Reason} reason */
  #remove(user, reason) {
    if (!this.#data.has(user)) return;
    const data = /** @type {T} */ (this.#data.get(user));
    this.#data.delete(user);
    this.#gone?.(user, data, reason);
  }
}
