// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Arguments and options: each is looked at once, before anything is done with it. A wrong kind is a
 * `TypeError` that names the argument, a number out of range a `RangeError`. Programs use
 * `peote-net.js`, which is built on this.
 * @module
 */

/**
 * What can be sent: text, which goes as UTF-8, or the bytes of a buffer or view, in the order in
 * which they lie in memory. Buffers and views may be shared ones and those of other realms (frames,
 * `node:vm`). They are copied during the call.
 * @typedef {string | ArrayBufferLike | ArrayBufferView} Sendable
 */

/** @type {(value: unknown) => unknown} throws for all that is no `ArrayBuffer`, of whatever realm */
const lengthOfBuffer = lengthGetter(ArrayBuffer);
/** @type {((value: unknown) => unknown) | undefined} the same; pages have the constructor only when they are cross-origin isolated */
const lengthOfShared = typeof SharedArrayBuffer === 'function' ? lengthGetter(SharedArrayBuffer) : undefined;

/** @param {Function} constructor */
function lengthGetter(constructor) {
  const { get } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(constructor.prototype, 'byteLength'));
  return (/** @type {unknown} */ value) => /** @type {() => unknown} */ (get).call(value);
}

/**
 * @param {((value: unknown) => unknown) | undefined} lengthOf
 * @param {unknown} value
 */
function passes(lengthOf, value) {
  try {
    lengthOf?.(value);
    return lengthOf !== undefined;
  } catch {
    return false;
  }
}

/**
 * The bytes of a buffer or view of any realm, not copied; `undefined`: it is neither.
 * @param {unknown} value
 * @returns {Uint8Array | undefined}
 * @throws {TypeError} its buffer is detached
 */
export function bytesOf(value) {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const isBuffer = passes(lengthOfBuffer, value) || passes(lengthOfShared, value);
  return isBuffer ? new Uint8Array(/** @type {ArrayBufferLike} */ (value)) : undefined;
}

/**
 * The bytes of what is to be sent.
 * @param {unknown} value
 * @param {string} name of the argument
 * @returns {Uint8Array}
 * @throws {TypeError} it is of another kind, or its buffer is detached
 */
export function toBytes(value, name) {
  if (typeof value === 'string') return new TextEncoder().encode(value);
  let bytes;
  try {
    bytes = bytesOf(value);
  } catch (cause) {
    throw new TypeError(`${name}: its buffer is detached (it was transferred), so there is nothing to read`, { cause });
  }
  if (!bytes) throw wrongKind(name, 'a string, an ArrayBuffer, a typed array or a DataView', value);
  return bytes;
}

/**
 * @param {string} name of the argument
 * @param {string} wanted
 * @param {unknown} value
 */
export function wrongKind(name, wanted, value) {
  return new TypeError(`${name}: ${wanted} is wanted, not ${describe(value)}`);
}

/** @param {unknown} value */
function describe(value) {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'bigint') return `the BigInt ${value}n`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  return `an object of the kind ${Object.prototype.toString.call(value).slice(8, -1)}`;
}

/**
 * Options, as they are given: an object whose properties have known names. `undefined` stands for
 * none.
 * @template {object} T
 * @param {unknown} value
 * @param {string} name of the argument
 * @param {readonly (keyof T & string)[]} known
 * @param {string} [wanted]
 * @returns {Partial<T>}
 * @throws {TypeError} it is no object, or there is no such option
 */
export function optionsOf(value, name, known, wanted = 'an object') {
  if (value === undefined) return {};
  const kind = typeof value === 'object' ? Object.prototype.toString.call(value) : '';
  if (value === null || (kind !== '[object Object]' && kind !== '[object Module]')) throw wrongKind(name, wanted, value);
  const unknown = Object.keys(/** @type {object} */ (value)).find((key) => !known.some((each) => each === key));
  if (unknown !== undefined) {
    throw new TypeError(`${name}.${unknown}: there is no such option; there are ${known.join(', ')}`);
  }
  return /** @type {Partial<T>} */ (value);
}

/**
 * A number; the value by default where `value` is `undefined`.
 * @param {unknown} value
 * @param {string} name of the argument
 * @param {number} byDefault
 * @param {(value: number) => boolean} [isRight] any number is, if it is not given
 * @param {string} [range] in words
 * @returns {number}
 * @throws {TypeError} it is no number
 * @throws {RangeError} it is out of range; `NaN` always is
 */
export function numberOf(value, name, byDefault, isRight = () => true, range = '') {
  if (value === undefined) return byDefault;
  if (typeof value !== 'number') throw wrongKind(name, 'a number', value);
  if (!isRight(value)) throw new RangeError(`${name}: ${range} is wanted, not ${value}`);
  return value;
}

/**
 * Milliseconds above 0; `Infinity` is allowed.
 * @param {unknown} value
 * @param {string} name of the argument
 * @param {number} byDefault
 */
export function millisOf(value, name, byDefault) {
  return numberOf(value, name, byDefault, (millis) => millis > 0, 'a number of milliseconds above 0');
}

/**
 * Milliseconds from 0 on, 0 by default.
 * @param {unknown} value
 * @param {string} name of the argument
 */
export function millisOrNone(value, name) {
  return numberOf(value, name, 0, (millis) => millis >= 0 && millis < Infinity, 'a number of milliseconds from 0 on');
}

/**
 * One of a few words.
 * @template {string} T
 * @param {unknown} value
 * @param {string} name of the argument
 * @param {readonly T[]} words the first one is what `undefined` stands for
 * @returns {T}
 * @throws {TypeError} it is none of them
 */
export function wordOf(value, name, words) {
  if (value === undefined) return words[0];
  const word = words.find((each) => each === value);
  if (word === undefined) throw wrongKind(name, `one of ${words.map((each) => `'${each}'`).join(', ')}`, value);
  return word;
}

/**
 * A function; the value by default where `value` is `undefined`.
 * @template {Function | undefined} T
 * @param {unknown} value
 * @param {string} name of the argument
 * @param {T} byDefault
 * @param {string} [wanted]
 * @returns {T}
 * @throws {TypeError} it is no function
 */
export function functionOf(value, name, byDefault, wanted = 'a function') {
  if (value === undefined) return byDefault;
  if (typeof value !== 'function') throw wrongKind(name, wanted, value);
  return /** @type {T} */ (/** @type {unknown} */ (value));
}

/**
 * Something that can be called with `new`; the value by default where `value` is `undefined`.
 * @template {Function | undefined} T
 * @param {unknown} value
 * @param {string} name of the argument
 * @param {T} byDefault
 * @returns {T}
 * @throws {TypeError} it cannot
 */
export function constructorOf(value, name, byDefault) {
  const found = functionOf(value, name, byDefault, 'a constructor');
  try {
    // Asks without calling it.
    if (found !== undefined) Reflect.construct(Object, [], found);
  } catch {
    throw wrongKind(name, 'a constructor', found);
  }
  return found;
}

/**
 * A number that may be a user's; whether there is such a user is another question.
 * @param {unknown} value
 * @param {string} name of the argument
 * @returns {number}
 * @throws {TypeError} it is no number
 */
export function userOf(value, name) {
  if (typeof value !== 'number') throw wrongKind(name, "a user's number", value);
  return value;
}

/**
 * The address of a relay as text.
 * @param {unknown} value
 * @returns {string}
 * @throws {TypeError} it is neither text nor a `URL`, of whatever realm
 */
export function urlOf(value) {
  if (typeof value === 'string') return value;
  const href = typeof value === 'object' && value !== null ? /** @type {{ href?: unknown }} */ (value).href : undefined;
  if (typeof href !== 'string') throw wrongKind('url', 'a string or a URL', value);
  return href;
}
