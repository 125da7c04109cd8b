// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * What people are called, and which names look the same: the same rules as in the terminal's `chat`
 * (examples/src/chat/nick.rs), by the same tables of Unicode. The browser's own are of whatever
 * version it is, and names have to mean the same on both sides.
 * @module
 */

import { CLASSES, DECOMPOSED, MARKS, PROTOTYPES, UNSEEN } from './chat-names-data.js';

/** The longest name, in characters. */
export const MAX_NICK = 24;

/**
 * Each digit stands for five bits of a number, the lowest first; the second half of them says that
 * there are more.
 */
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * The numbers of a table.
 * @param {string} text
 */
function numbers(text) {
  const all = [];
  let number = 0;
  let scale = 1;
  for (const each of text) {
    const digit = DIGITS.indexOf(each);
    // The end of a line.
    if (digit < 0) continue;
    number += (digit % 32) * scale;
    scale *= 32;
    if (digit < 32) {
      all.push(number);
      [number, scale] = [0, 1];
    }
  }
  return all;
}

/**
 * Runs of characters with something in common: first, one behind the last, and what it is.
 * @param {string} table
 * @param {boolean} hasValues
 */
function runs(table, hasValues) {
  const all = numbers(table);
  /** @type {[start: number, end: number, value: number][]} */
  const made = [];
  let end = 0;
  for (let at = 0; at < all.length; at += hasValues ? 3 : 2) {
    const start = end + all[at];
    end = start + all[at + 1];
    made.push([start, end, hasValues ? all[at + 2] : 1]);
  }
  return made;
}

/**
 * The value of a character, 0 if it is in none of the runs.
 * @param {ReturnType<typeof runs>} all
 * @param {number} code
 */
function valueIn(all, code) {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle][1] <= code) low = middle + 1;
    else high = middle;
  }
  const run = all[low];
  return run && run[0] <= code ? run[2] : 0;
}

/**
 * What takes the place of characters.
 * @param {string} table
 */
function replacements(table) {
  const all = numbers(table);
  /** @type {Map<number, number[]>} */
  const made = new Map();
  for (let at = 0, code = 0; at < all.length; ) {
    code += all[at];
    const count = all[at + 1];
    at += 2;
    const by = [];
    for (let before = code; by.length < count; at += 1) {
      before += all[at] % 2 === 0 ? all[at] / 2 : -(all[at] + 1) / 2;
      by.push(before);
    }
    made.set(code, by);
  }
  return made;
}

const unseen = runs(UNSEEN, false);
const marks = runs(MARKS, false);
const classes = runs(CLASSES, true);
const decomposed = replacements(DECOMPOSED);
const prototypes = replacements(PROTOTYPES);

/** @param {string} text */
const codes = (text) => Array.from(text, (character) => character.codePointAt(0) ?? 0);

/**
 * The number of characters, as the limits count them: code points.
 * @param {string} text
 */
export function characters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * What is wrong with a name; `undefined`: nothing. 1 to 24 characters that can be seen, none of
 * them a space, the first one neither a `/` nor a mark that belongs to a character before it.
 * @param {string} nick
 */
export function wrongNick(nick) {
  const length = characters(nick);
  if (length < 1 || length > MAX_NICK) return `a name has 1 to ${MAX_NICK} characters`;
  if (codes(nick).some((code) => valueIn(unseen, code))) return 'a name has neither spaces nor invisible characters';
  if (nick.startsWith('/')) return 'a name does not begin with /';
  if (valueIn(marks, codes(nick)[0])) return 'a name does not begin with a mark that belongs to another character';
  return undefined;
}

/**
 * The same name with a number behind it, cut so that it is no longer than a name may be.
 * @param {string} nick
 * @param {number} number
 */
export function numbered(nick, number) {
  const suffix = `-${number}`;
  return [...nick].slice(0, MAX_NICK - suffix.length).join('') + suffix;
}

/**
 * The skeleton of a name after UTS #39: equal for names that look the same. It is for comparing,
 * not for showing.
 * @param {string} nick one that is not wrong
 */
export function shapeOf(nick) {
  const parts = ordered(codes(nick).flatMap(decompose));
  return String.fromCodePoint(...ordered(parts.flatMap((code) => prototypes.get(code) ?? [code])));
}

/** @param {number} code */
function decompose(code) {
  const syllable = code - 0xac00;
  if (syllable < 0 || syllable >= 11_172) return decomposed.get(code) ?? [code];
  // Hangul: 28 endings to a vowel, 21 vowels to a beginning.
  const ending = syllable % 28;
  const parts = [0x1100 + Math.floor(syllable / 588), 0x1161 + Math.floor((syllable % 588) / 28)];
  return ending === 0 ? parts : [...parts, 0x11a7 + ending];
}

/**
 * Marks at one character in the order of their classes, as normalization has them.
 * @param {number[]} parts
 */
function ordered(parts) {
  const all = parts.map((code) => ({ code, rank: valueIn(classes, code) }));
  for (let start = 0; start < all.length; start += 1) {
    let end = start;
    while (end < all.length && all[end].rank !== 0) end += 1;
    if (end - start > 1) all.splice(start, end - start, ...all.slice(start, end).sort((one, other) => one.rank - other.rank));
    start = end;
  }
  return all.map(({ code }) => code);
}
