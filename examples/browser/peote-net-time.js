// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Delays of any length, and how long to wait before the next attempt. Programs use `peote-net.js`,
 * which is built on this.
 * @module
 */

import { functionOf, millisOf, numberOf, optionsOf } from './peote-net-check.js';

/** The longest delay of a timer; a longer one is over at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
/**
 * The shortest delay between two attempts, whatever the options say, so that none of them keeps a
 * processor or a relay busy.
 */
const SHORTEST_DELAY = 10;

/**
 * Calls `act` in so many milliseconds, however many that are; never, if they are infinite. Returns
 * what stops it.
 * @param {number} millis
 * @param {() => void} act
 * @returns {() => void}
 */
export function after(millis, act) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const wait = (/** @type {number} */ left) => {
    const now = Math.min(left, LONGEST_TIMER);
    timer = setTimeout(() => (left > now ? wait(left - now) : act()), now);
  };
  if (millis !== Infinity) wait(millis);
  return () => clearTimeout(timer);
}

/**
 * Delays double from a first to a greatest one, and each is shortened by up to `jitter`, evenly
 * distributed. They are short again once the relay has answered a command: that a connection was
 * accepted does not mean that the relay works. The delays for channels that are asked for again
 * follow the same rules. No delay is below 10 ms or above 2^31 - 1 ms (24.8 days).
 * @typedef {object} ReconnectOptions
 * @property {number} first milliseconds above 0, 250 by default
 * @property {number} greatest milliseconds above 0, 30,000 by default
 * @property {number} jitter 0 to 1, 0.5 by default
 * @property {number} attempts without an answer between them, a whole number, `Infinity` by
 *   default; then the link is closed, or the channel given up
 */

/** @type {readonly (keyof ReconnectOptions)[]} */
const RULES = ['first', 'greatest', 'jitter', 'attempts'];

/**
 * @param {unknown} value
 * @returns {ReconnectOptions | undefined} `undefined`: no attempt at all
 * @throws {TypeError} a wrong kind
 * @throws {RangeError} a number out of range
 */
export function reconnectRulesOf(value) {
  if (value === false) return undefined;
  const name = 'options.reconnect';
  /** @type {Partial<ReconnectOptions>} */
  const { first, greatest, jitter, attempts } = optionsOf(value, name, RULES, 'an object or false');
  const isShare = (/** @type {number} */ share) => share >= 0 && share <= 1;
  const isCount = (/** @type {number} */ count) => count === Infinity || (Number.isInteger(count) && count >= 0);
  return {
    first: millisOf(first, `${name}.first`, 250),
    greatest: millisOf(greatest, `${name}.greatest`, 30_000),
    jitter: numberOf(jitter, `${name}.jitter`, 0.5, isShare, 'a number from 0 to 1'),
    attempts: numberOf(attempts, `${name}.attempts`, Infinity, isCount, 'a whole number from 0 on, or Infinity,'),
  };
}

/**
 * Evenly distributed from 0 up to and without 1.
 * @param {unknown} value
 * @returns {() => number}
 * @throws {TypeError} it is no function
 */
export function randomOf(value) {
  const random = functionOf(value, 'options.random', Math.random);
  return () => {
    let number = NaN;
    try {
      number = random();
    } catch (error) {
      report(error);
    }
    // What is no such number must not make a delay of none.
    return number >= 0 && number < 1 ? number : 0;
  };
}

/**
 * Has an error of the program's own code seen as one that nobody caught, and goes on.
 * @param {unknown} error
 */
export function report(error) {
  queueMicrotask(() => {
    throw error;
  });
}

/** How far from the greatest delay a series of attempts is. */
export class Backoff {
  attempts = 0;
  /**
   * @param {ReconnectOptions | undefined} rules `undefined`: no attempt at all
   * @param {() => number} random
   */
  constructor(rules, random) {
    this.rules = rules;
    this.random = random;
  }

  /** Milliseconds to wait before the next attempt; `undefined`: there is none. */
  next() {
    const { rules, attempts } = this;
    if (!rules || attempts >= rules.attempts) return undefined;
    this.attempts += 1;
    const longest = Math.min(rules.greatest, rules.first * 2 ** attempts, LONGEST_TIMER);
    return Math.max(SHORTEST_DELAY, longest * (1 - rules.jitter * this.random()));
  }
}
