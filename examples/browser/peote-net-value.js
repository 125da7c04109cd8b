// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Typed values in bytes (docs/PROTOCOL.md, section 7): for messages of any kind, and for remote
 * procedure calls (`peote-net-rpc.js`).
 *
 * ```js
 * import { decode, encode, i16, list, string, tuple } from './peote-net-value.js';
 * const line = tuple(string, list(i16));
 * const bytes = encode(line, ['red', [1, -1]]);
 * const [colour, points] = decode(line, bytes);
 * ```
 * @module
 */

import { fourBytes } from './peote-net-wire.js';

/** What bytes are not a value of the type that was expected. */
export class ValueError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'ValueError';
  }
}

/**
 * A type of values.
 * @template T
 * @typedef {object} Type
 * @property {number} form what it is on the wire (section 8.5)
 * @property {number} least the fewest bytes that a value takes
 * @property {(writer: Writer, value: T) => void} write throws a `TypeError` or `RangeError` for
 *   what is no such value
 * @property {(reader: Reader) => T} read throws a {@link ValueError}
 */

/** The greatest length of strings, lists and maps (section 7.2). */
const MAX_LENGTH = 536_870_911;

/** FNV-1a, which forms and procedures are compared by. @param {ArrayLike<number>} bytes @param {number} [hash] */
export function feed(bytes, hash = 0x811c9dc5) {
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  return hash >>> 0;
}

/** The form of a type that others are in. @param {string} name @param {readonly { form: number }[]} [inner] */
export function formOf(name, inner = []) {
  return inner.reduce((hash, { form }) => feed(fourBytes(form), hash), feed(new TextEncoder().encode(name)));
}

/** Takes the bytes of values. */
export class Writer {
  #bytes = new Uint8Array(64);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** What has been written, not copied: good until more is written. */
  get bytes() {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Room for so many bytes more. @param {number} count @internal */
  _room(count) {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return { at, view: this.#view };
  }

  /** @param {Uint8Array} bytes */
  put(bytes) {
    const { at } = this._room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** @param {number} byte */
  byte(byte) {
    const { at } = this._room(1);
    this.#bytes[at] = byte;
  }

  /** A length: the plain number, 7 bits a byte, at most 4 bytes. @param {number} length */
  length(length) {
    if (length > MAX_LENGTH) throw new RangeError(`a length of ${length}; at most ${MAX_LENGTH} is allowed`);
    let rest = length;
    for (let left = 4; left > 1 && rest > 127; left--, rest >>>= 7) this.byte(128 | (rest & 127));
    this.byte(rest);
  }
}

/** Reads the values of some bytes, one after another. */
export class Reader {
  #bytes;
  #view;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that are left. */
  get left() {
    return this.#bytes.length - this.#at;
  }

  /** Moves on by so many bytes. @param {number} count @internal */
  _take(count) {
    if (count > this.left) throw new ValueError(`${count} bytes are wanted, and ${this.left} are left`);
    const at = this.#at;
    this.#at += count;
    return { at, view: this.#view };
  }

  /** The next bytes, not copied. @param {number} count */
  take(count) {
    const { at } = this._take(count);
    return this.#bytes.subarray(at, at + count);
  }

  byte() {
    return this.#bytes[this._take(1).at];
  }

  length() {
    let length = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte();
      if (shift > 0 && byte === 0) throw new ValueError('a length is longer than it needs to be');
      const isLast = shift === 21 || byte < 128;
      length |= (isLast ? byte : byte & 127) << shift;
      if (isLast) break;
    }
    return length;
  }

  /** A length of items of at least so many bytes each. @param {number} least */
  items(least) {
    const length = this.length();
    // A value of no bytes counts as one, or a few bytes could stand for a long list.
    if (length * Math.max(least, 1) > this.left) throw new ValueError(`${length} items do not fit into ${this.left} bytes`);
    return length;
  }

  /** Nothing may be left. */
  finish() {
    if (this.left > 0) throw new ValueError(`${this.left} bytes are left over`);
  }
}

/**
 * The bytes of a value.
 * @template T
 * @param {Type<T>} type
 * @param {T} value
 * @returns {Uint8Array}
 * @throws {TypeError} it is no such value
 * @throws {RangeError} it is a number that the type does not have
 */
export function encode(type, value) {
  const writer = new Writer();
  type.write(writer, value);
  return writer.bytes;
}

/**
 * The value of some bytes, all of which it has to take.
 * @template T
 * @param {Type<T>} type
 * @param {Uint8Array} bytes
 * @returns {T}
 * @throws {ValueError} they are no such value
 */
export function decode(type, bytes) {
  const reader = new Reader(bytes);
  const value = type.read(reader);
  reader.finish();
  return value;
}

/** @param {string} name @param {unknown} value */
function wrong(name, value) {
  return new TypeError(`a ${name} is wanted, not ${typeof value === 'object' ? Object.prototype.toString.call(value) : String(value)}`);
}

/**
 * @param {string} name
 * @param {number} bytes
 * @param {number} min
 * @param {number} max
 * @param {(view: DataView, at: number, value: number) => void} set
 * @param {(view: DataView, at: number) => number} get
 * @returns {Type<number>}
 */
function integer(name, bytes, min, max, set, get) {
  return {
    form: formOf(name),
    least: bytes,
    write(writer, value) {
      if (typeof value !== 'number') throw wrong(name, value);
      if (!Number.isInteger(value) || value < min || value > max) throw new RangeError(`${value} is no ${name}`);
      const { view, at } = writer._room(bytes);
      set(view, at, value);
    },
    read(reader) {
      const { view, at } = reader._take(bytes);
      return get(view, at);
    },
  };
}

/** @type {Type<number>} */
export const u8 = integer('u8', 1, 0, 255, (v, at, n) => v.setUint8(at, n), (v, at) => v.getUint8(at));
/** @type {Type<number>} */
export const i8 = integer('i8', 1, -128, 127, (v, at, n) => v.setInt8(at, n), (v, at) => v.getInt8(at));
/** @type {Type<number>} */
export const u16 = integer('u16', 2, 0, 65_535, (v, at, n) => v.setUint16(at, n, true), (v, at) => v.getUint16(at, true));
/** @type {Type<number>} */
export const i16 = integer('i16', 2, -32_768, 32_767, (v, at, n) => v.setInt16(at, n, true), (v, at) => v.getInt16(at, true));
/** @type {Type<number>} */
export const u32 = integer('u32', 4, 0, 0xffff_ffff, (v, at, n) => v.setUint32(at, n, true), (v, at) => v.getUint32(at, true));
/** @type {Type<number>} */
export const i32 = integer('i32', 4, -0x8000_0000, 0x7fff_ffff, (v, at, n) => v.setInt32(at, n, true), (v, at) => v.getInt32(at, true));

/** @param {DataView} view @param {number} at @param {number} n */
const set24 = (view, at, n) => {
  view.setUint16(at, n & 0xffff, true);
  view.setUint8(at + 2, (n >> 16) & 255);
};
/** @type {Type<number>} */
export const u24 = integer('u24', 3, 0, 0xff_ffff, set24, (v, at) => v.getUint16(at, true) | (v.getUint8(at + 2) << 16));
/** @type {Type<number>} */
export const i24 = integer('i24', 3, -0x80_0000, 0x7f_ffff, set24, (v, at) => v.getUint16(at, true) | (v.getInt8(at + 2) << 16));

/**
 * @param {string} name
 * @param {bigint} min
 * @param {bigint} max
 * @param {(view: DataView, at: number, value: bigint) => void} set
 * @param {(view: DataView, at: number) => bigint} get
 * @returns {Type<bigint>}
 */
function big(name, min, max, set, get) {
  return {
    form: formOf(name),
    least: 8,
    write(writer, value) {
      if (typeof value !== 'bigint') throw wrong(`BigInt (${name})`, value);
      if (value < min || value > max) throw new RangeError(`${value} is no ${name}`);
      const { view, at } = writer._room(8);
      set(view, at, value);
    },
    read(reader) {
      const { view, at } = reader._take(8);
      return get(view, at);
    },
  };
}

/** @type {Type<bigint>} */
export const u64 = big('u64', 0n, (1n << 64n) - 1n, (v, at, n) => v.setBigUint64(at, n, true), (v, at) => v.getBigUint64(at, true));
/** @type {Type<bigint>} */
export const i64 = big('i64', -(1n << 63n), (1n << 63n) - 1n, (v, at, n) => v.setBigInt64(at, n, true), (v, at) => v.getBigInt64(at, true));

/**
 * @param {string} name
 * @param {number} bytes
 * @param {(view: DataView, at: number, value: number) => void} set
 * @param {(view: DataView, at: number) => number} get
 * @returns {Type<number>}
 */
function float(name, bytes, set, get) {
  return {
    form: formOf(name),
    least: bytes,
    write(writer, value) {
      if (typeof value !== 'number') throw wrong(name, value);
      const { view, at } = writer._room(bytes);
      set(view, at, value);
    },
    read(reader) {
      const { view, at } = reader._take(bytes);
      return get(view, at);
    },
  };
}

/** @type {Type<number>} */
export const f32 = float('f32', 4, (v, at, n) => v.setFloat32(at, n, true), (v, at) => v.getFloat32(at, true));
/** @type {Type<number>} */
export const f64 = float('f64', 8, (v, at, n) => v.setFloat64(at, n, true), (v, at) => v.getFloat64(at, true));

/** @type {Type<boolean>} */
export const bool = {
  form: formOf('bool'),
  least: 1,
  write(writer, value) {
    if (typeof value !== 'boolean') throw wrong('bool', value);
    writer.byte(value ? 1 : 0);
  },
  read: (reader) => reader.byte() !== 0,
};

/** @param {string} name @returns {Type<string>} */
function text(name) {
  return {
    form: formOf(name),
    least: 1,
    write(writer, value) {
      if (typeof value !== 'string') throw wrong('string', value);
      const bytes = new TextEncoder().encode(value);
      writer.length(bytes.length);
      writer.put(bytes);
    },
    read(reader) {
      const bytes = reader.take(reader.length());
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {
        throw new ValueError('a string is not UTF-8');
      }
    },
  };
}

/** @type {Type<string>} */
export const string = text('string');
/**
 * A value in the format of `haxe.Serializer`, as the text that it is on the wire.
 * @type {Type<string>}
 */
export const haxe = text('haxe');

/**
 * What is read is a copy.
 * @type {Type<Uint8Array>}
 */
export const bytes = {
  form: formOf('list', [u8]),
  least: 1,
  write(writer, value) {
    if (!(value instanceof Uint8Array)) throw wrong('Uint8Array', value);
    writer.length(value.length);
    writer.put(value);
  },
  read: (reader) => reader.take(reader.length()).slice(),
};

/**
 * No bytes at all: an answer that says only that it is done.
 * @type {Type<void>}
 */
export const nothing = { form: formOf('nothing'), least: 0, write: () => {}, read: () => {} };

/**
 * @template T
 * @param {Type<T>} item
 * @returns {Type<T[]>}
 */
export function list(item) {
  return {
    form: formOf('list', [item]),
    least: 1,
    write(writer, value) {
      if (!Array.isArray(value)) throw wrong('list', value);
      writer.length(value.length);
      for (const each of value) item.write(writer, each);
    },
    read: (reader) => Array.from({ length: reader.items(item.least) }, () => item.read(reader)),
  };
}

/**
 * @template K, V
 * @param {Type<K>} key
 * @param {Type<V>} value
 * @returns {Type<Map<K, V>>}
 */
export function map(key, value) {
  return {
    form: formOf('map', [key, value]),
    least: 1,
    write(writer, entries) {
      if (!(entries instanceof Map)) throw wrong('Map', entries);
      writer.length(entries.size);
      for (const [k, v] of entries) {
        key.write(writer, k);
        value.write(writer, v);
      }
    },
    read(reader) {
      const count = reader.items(key.least + value.least);
      const entries = new Map();
      for (let n = 0; n < count; n++) entries.set(key.read(reader), value.read(reader));
      return entries;
    },
  };
}

/**
 * A value, or `undefined`.
 * @template T
 * @param {Type<T>} inner
 * @returns {Type<T | undefined>}
 */
export function option(inner) {
  return {
    form: formOf('option', [inner]),
    least: 1,
    write(writer, value) {
      bool.write(writer, value !== undefined);
      if (value !== undefined) inner.write(writer, value);
    },
    read: (reader) => (bool.read(reader) ? inner.read(reader) : undefined),
  };
}

/**
 * `{ ok: value }` or `{ error: value }`.
 * @template T, E
 * @param {Type<T>} ok
 * @param {Type<E>} error
 * @returns {Type<{ ok: T } | { error: E }>}
 */
export function result(ok, error) {
  return {
    form: formOf('result', [ok, error]),
    least: 1,
    write(writer, value) {
      if (typeof value !== 'object' || value === null || !('ok' in value || 'error' in value)) throw wrong('result', value);
      bool.write(writer, 'ok' in value);
      if ('ok' in value) ok.write(writer, value.ok);
      else error.write(writer, value.error);
    },
    read: (reader) => (bool.read(reader) ? { ok: ok.read(reader) } : { error: error.read(reader) }),
  };
}

/**
 * Values one after another, as an array.
 * @template {readonly Type<any>[]} T
 * @param {T} types
 * @returns {Type<{ -readonly [I in keyof T]: T[I] extends Type<infer V> ? V : never }>}
 */
export function tuple(...types) {
  return {
    form: formOf('tuple', types),
    least: types.reduce((least, type) => least + type.least, 0),
    write(writer, value) {
      if (!Array.isArray(value) || value.length !== types.length) throw wrong(`list of ${types.length}`, value);
      types.forEach((type, at) => type.write(writer, value[at]));
    },
    read: (reader) => /** @type {any} */ (types.map((type) => type.read(reader))),
  };
}

/**
 * Values one after another, as an object: a struct of Rust.
 * @template {Record<string, Type<any>>} F
 * @param {F} fields in the order in which they are sent
 * @returns {Type<{ [K in keyof F]: F[K] extends Type<infer V> ? V : never }>}
 */
export function record(fields) {
  const all = Object.entries(fields);
  const types = all.map(([, type]) => type);
  return {
    form: formOf('tuple', types),
    least: tuple(...types).least,
    write(writer, value) {
      if (typeof value !== 'object' || value === null) throw wrong('object', value);
      for (const [name, type] of all) type.write(writer, value[name]);
    },
    read: (reader) => /** @type {any} */ (Object.fromEntries(all.map(([name, type]) => [name, type.read(reader)]))),
  };
}

/**
 * @template {readonly [number, ...Type<any>[]]} T
 * @typedef {T extends readonly [number, ...infer R] ? { -readonly [I in keyof R]: R[I] extends Type<infer V> ? V : never } : never}
 *   ChoiceValues
 */

/**
 * One of several: an enum of Rust. `{ name: [values…] }` is a value, as in `{ go: [1, 2] }` or
 * `{ stop: [] }` of `choice({ stop: [0], go: [1, u8, u8] })`.
 * @template {Record<string, readonly [number, ...Type<any>[]]>} const C
 * @param {C} variants each with its number on the wire, 0 to 255, and the types of its values
 * @returns {Type<{ [K in keyof C]: { [N in K]: ChoiceValues<C[K]> } }[keyof C]>}
 */
export function choice(variants) {
  const all = Object.entries(variants).map(([name, [number, ...types]]) => ({ name, number, values: tuple(...types), types }));
  const form = (/** @type {{ number: number, types: readonly Type<any>[] }} */ { number, types }) => ({ form: formOf('variant', [{ form: formOf(`${number}`) }, ...types]) });
  return {
    form: formOf('enum', all.map(form)),
    least: 1 + Math.min(...all.map(({ values }) => values.least)),
    write(writer, value) {
      const names = typeof value === 'object' && value !== null ? Object.keys(value) : [];
      const variant = all.find(({ name }) => names.length === 1 && name === names[0]);
      if (!variant) throw wrong(`object with one of ${all.map(({ name }) => name).join(', ')}`, value);
      u8.write(writer, variant.number);
      variant.values.write(writer, /** @type {any} */ (value)[variant.name]);
    },
    read(reader) {
      const number = u8.read(reader);
      const variant = all.find((each) => each.number === number);
      if (!variant) throw new ValueError(`there is no variant ${number}`);
      return /** @type {any} */ ({ [variant.name]: variant.values.read(reader) });
    },
  };
}
