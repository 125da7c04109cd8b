// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * What a link tells the relay about itself (docs/PROTOCOL.md, section 11.4). Programs use
 * `peote-net.js`, which is built on this.
 * @module
 */

import { functionOf, numberOf, toBytes } from './peote-net-check.js';
import { report } from './peote-net-time.js';
import { Command, Item, MAX_ITEMS, encodeCommand, fourBytes } from './peote-net-wire.js';

/** The most bytes of a program's name, and of a token. */
const MAX_PROGRAM = 64;
const MAX_TOKEN = 4096;
/**
 * The tag of the first command of a connection that says that a hello will come, and that 1 byte
 * has room until then; each one above stands for twice as many (section 11.5). From `MUCH` bytes on
 * it need not be said.
 */
const FIRST_TAG = 240;
const MUCH = 65_536;

/**
 * @typedef {object} HelloOptions
 * @property {number} [window] bytes that each party may have sent without that this program has
 *   taken them, 65,536 by default, 1024 to 268,435,455. A longer chunk comes alone; chunks above
 *   65,536 bytes need a window as large
 * @property {number} [keepalive] milliseconds between two keepalives of a relay that says nothing
 *   else, 5,000 to 86,400,000, in whole seconds; by default what the relay has. The relay may bound
 *   it
 * @property {string} [program] name and version of the program, for the relay's log; at most 64
 *   bytes
 * @property {string | Uint8Array | (() => string | Uint8Array)} [token] what the relay lets this
 *   program do, at most 4,096 bytes; a function is asked for it at each connection. Relays that
 *   know no hello do not get it
 */

/**
 * Reads the options.
 * @param {HelloOptions} options
 * @returns {{ window: number, firstTag: number, hasToken: boolean, commands: () => Uint8Array }}
 *   `commands` are those that say hello
 * @throws {TypeError} a wrong kind
 * @throws {RangeError} out of range, or too long
 */
export function helloOf({ window, keepalive, program, token }) {
  const isWindow = (/** @type {number} */ bytes) => Number.isInteger(bytes) && bytes >= 1024 && bytes < 2 ** 28;
  const size = numberOf(window, 'options.window', 65_536, isWindow, 'a whole number of bytes from 1,024 to 268,435,455');
  const isTime = (/** @type {number} */ millis) => millis >= 5_000 && millis <= 86_400_000;
  const seconds = Math.ceil(numberOf(keepalive, 'options.keepalive', 0, isTime, '5,000 to 86,400,000 milliseconds') / 1000);
  const name = program === undefined ? [] : toBytes(program, 'options.program');
  if (name.length > MAX_PROGRAM) throw new RangeError(`options.program: at most ${MAX_PROGRAM} bytes are wanted, not ${name.length}`);
  const tokenNow = typeof token === 'function' ? functionOf(token, 'options.token', token) : () => token ?? '';
  const tokenBytes = () => {
    const bytes = toBytes(tokenNow(), 'options.token');
    if (bytes.length > MAX_TOKEN) throw new RangeError(`options.token: at most ${MAX_TOKEN} bytes are wanted, not ${bytes.length}`);
    return bytes;
  };
  if (typeof token !== 'function') tokenBytes();
  const tokenOrNone = () => {
    try {
      return tokenBytes();
    } catch (error) {
      report(error);
      return new Uint8Array(0);
    }
  };

  const first = [Item.capabilities, 1, 1, Item.window, 4, ...fourBytes(size)];
  if (seconds > 0) first.push(Item.keepalive, 4, ...fourBytes(seconds));
  if (name.length > 0) first.push(Item.name, name.length, ...name);
  const commands = () => {
    const all = [...encodeCommand(Command.hello, 0, first)];
    const bytes = tokenOrNone();
    for (let at = 0; at < bytes.length; at += MAX_ITEMS - 2) {
      const part = bytes.subarray(at, at + MAX_ITEMS - 2);
      const kind = at + part.length < bytes.length ? Item.tokenPart : Item.token;
      all.push(...encodeCommand(Command.hello, 0, [kind, part.length, ...part]));
    }
    return Uint8Array.from(all);
  };
  const firstTag = size < MUCH ? FIRST_TAG + Math.floor(Math.log2(size)) : 1;
  return { window: size, firstTag, hasToken: token !== undefined, commands };
}
