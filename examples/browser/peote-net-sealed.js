// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Closed channels: chunks sealed end to end with a channel key, as the Rust package
 * `peote-net-sealed` seals them. What it protects from is in that package's README.
 *
 * The ciphers are handed in, since browsers have none of them. Those of `@noble/ciphers` fit:
 *
 *     import { chacha20, chacha20poly1305 } from '@noble/ciphers/chacha.js';
 *     const user = new SealedUser({ chacha20, chacha20poly1305 }, key);
 * @module
 */

/**
 * @typedef {object} Aead
 * @property {(plain: Uint8Array) => Uint8Array} encrypt the text, and the tag of 16 bytes behind it
 * @property {(sealed: Uint8Array) => Uint8Array} decrypt throws if it is not genuine
 */

/**
 * @typedef {object} Ciphers
 * @property {(key: Uint8Array, nonce: Uint8Array, data: Uint8Array) => Uint8Array} chacha20
 *   as in RFC 8439, from block 0 on
 * @property {(key: Uint8Array, nonce: Uint8Array) => Aead} chacha20poly1305
 */

const HELLO = 12;
const TAG = 16;
const WELCOME = 12 + 4 + TAG;
const TO_SERVER = 1;
const TO_USER = 2;
const TO_ALL = 3;

/** A chunk was refused: it is forged, changed, or one is missing. The next genuine one is opened. */
export class SealedError extends Error {
  constructor() {
    super('the sealed chunk is none that could come now; it is forged, changed, or one is missing');
    this.name = 'SealedError';
  }
}

/** @param {Uint8Array[]} parts */
function concat(...parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @param {Uint8Array} bytes @param {number} length @param {string} what */
function checked(bytes, length, what) {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${what} is a Uint8Array`);
  if (bytes.length !== length) throw new RangeError(`${what} has ${length} bytes`);
  return bytes.slice();
}

/** @param {number} length */
const random = (length) => crypto.getRandomValues(new Uint8Array(length));

/** @param {number} direction @param {number} number */
function nonce(direction, number) {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, direction);
  view.setBigUint64(4, BigInt(number), true);
  return bytes;
}

/** @param {number} number */
function u32(number) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes;
}

/** @param {Ciphers} ciphers @param {Uint8Array} key @param {Uint8Array | string} label */
function derive(ciphers, key, label) {
  const bytes = typeof label === 'string' ? new TextEncoder().encode(label) : label;
  return ciphers.chacha20(key, bytes, new Uint8Array(32));
}

/** @param {Ciphers} ciphers @param {Uint8Array} key @param {Uint8Array} hello @param {Uint8Array} id */
const memberKey = (ciphers, key, hello, id) =>
  derive(ciphers, derive(ciphers, derive(ciphers, key, 'peote member'), hello), id);

/** @param {Ciphers} ciphers @param {Uint8Array} key @param {Uint8Array} session */
const broadcastKey = (ciphers, key, session) =>
  derive(ciphers, derive(ciphers, key, 'peote to all'), concat(session, new Uint8Array(4)));

/**
 * @param {Ciphers} ciphers @param {Uint8Array} key @param {number} direction @param {number} number
 * @param {Uint8Array} sealed
 */
function open(ciphers, key, direction, number, sealed) {
  if (sealed.length < TAG) throw new SealedError();
  try {
    return ciphers.chacha20poly1305(key, nonce(direction, number)).decrypt(sealed);
  } catch {
    throw new SealedError();
  }
}

/** A user's side of a sealed channel, for one membership. */
export class SealedUser {
  #ciphers;
  #key;
  #hello;
  /** @type {{ key: Uint8Array, broadcasts: Uint8Array, sent: number, received: number, broadcast: number } | undefined} */
  #member;

  /**
   * @param {Ciphers} ciphers
   * @param {Uint8Array} key 32 bytes
   * @param {Uint8Array} [fresh] 12 bytes that were never used with this key; random ones by default
   */
  constructor(ciphers, key, fresh = random(HELLO)) {
    this.#ciphers = ciphers;
    this.#key = checked(key, 32, 'key');
    this.#hello = checked(fresh, HELLO, 'fresh');
  }

  /** The first chunk to send, as it is. */
  get hello() {
    return this.#hello.slice();
  }

  /** Whether the server has answered. */
  get isWelcome() {
    return this.#member !== undefined;
  }

  /**
   * Returns the chunk to send for `payload`. Each one has to be sent, in this order.
   * @param {Uint8Array} payload
   */
  seal(payload) {
    const member = this.#member;
    if (!member) throw new Error('the server has not answered the hello yet');
    const aead = this.#ciphers.chacha20poly1305(member.key, nonce(TO_SERVER, member.sent));
    member.sent += 1;
    return aead.encrypt(payload);
  }

  /**
   * Opens a chunk of the server. Throws a `SealedError` if it is refused.
   * @param {Uint8Array} sealed
   * @returns {{ type: 'welcome' } | { type: 'chunk' | 'broadcast', payload: Uint8Array }}
   */
  open(sealed) {
    const member = this.#member;
    if (!member) {
      this.#member = this.#welcome(sealed);
      return { type: 'welcome' };
    }
    try {
      const payload = open(this.#ciphers, member.key, TO_USER, member.received, sealed);
      member.received += 1;
      return { type: 'chunk', payload };
    } catch {
      // one for all, or none
    }
    if (sealed.length < 4 + TAG) throw new SealedError();
    const number = new DataView(sealed.buffer, sealed.byteOffset, 4).getUint32(0, true);
    if (number < member.broadcast) throw new SealedError();
    const payload = open(this.#ciphers, member.broadcasts, TO_ALL, number, sealed.subarray(4));
    member.broadcast = number + 1;
    return { type: 'broadcast', payload };
  }

  /** @param {Uint8Array} sealed */
  #welcome(sealed) {
    if (sealed.length !== WELCOME) throw new SealedError();
    const id = sealed.slice(0, 12);
    const key = memberKey(this.#ciphers, this.#key, this.#hello, id);
    const number = open(this.#ciphers, key, TO_USER, 0, sealed.subarray(12));
    const broadcast = new DataView(number.buffer, number.byteOffset, 4).getUint32(0, true);
    const broadcasts = broadcastKey(this.#ciphers, this.#key, id.slice(0, 8));
    return { key, broadcasts, sent: 0, received: 1, broadcast };
  }
}

/** The server's side of one membership; `SealedServer.welcome` makes it. */
export class SealedMember {
  #ciphers;
  #key;
  #sent = 1;
  #received = 0;

  /** @param {Ciphers} ciphers @param {Uint8Array} key */
  constructor(ciphers, key) {
    this.#ciphers = ciphers;
    this.#key = key;
  }

  /** Whether a chunk of the user has been opened: so it has the key. */
  get isProven() {
    return this.#received > 0;
  }

  /**
   * Returns the chunk to send for `payload`. Each one has to be sent, in this order.
   * @param {Uint8Array} payload
   */
  seal(payload) {
    const aead = this.#ciphers.chacha20poly1305(this.#key, nonce(TO_USER, this.#sent));
    this.#sent += 1;
    return aead.encrypt(payload);
  }

  /**
   * Opens a chunk of the user. Throws a `SealedError` if it is refused.
   * @param {Uint8Array} sealed
   */
  open(sealed) {
    const payload = open(this.#ciphers, this.#key, TO_SERVER, this.#received, sealed);
    this.#received += 1;
    return payload;
  }
}

/** The server's side of a sealed channel. */
export class SealedServer {
  #ciphers;
  #key;
  #session;
  #broadcasts;
  #members = 0;
  #sent = 0;

  /**
   * @param {Ciphers} ciphers
   * @param {Uint8Array} key 32 bytes
   * @param {Uint8Array} [fresh] 8 bytes that were never used with this key; random ones by default
   */
  constructor(ciphers, key, fresh = random(8)) {
    this.#ciphers = ciphers;
    this.#key = checked(key, 32, 'key');
    this.#session = checked(fresh, 8, 'fresh');
    this.#broadcasts = broadcastKey(ciphers, this.#key, this.#session);
  }

  /**
   * Answers the first chunk of a user. Returns the side of that user and the chunk to send, or
   * `undefined` if it is no hello.
   * @param {Uint8Array} hello
   */
  welcome(hello) {
    if (hello.length !== HELLO) return undefined;
    if (this.#members === 0xffffffff) throw new Error('all numbers of members have been used');
    this.#members += 1;
    const id = concat(this.#session, u32(this.#members));
    const key = memberKey(this.#ciphers, this.#key, hello, id);
    const sealed = this.#ciphers.chacha20poly1305(key, nonce(TO_USER, 0)).encrypt(u32(this.#sent));
    return { member: new SealedMember(this.#ciphers, key), chunk: concat(id, sealed) };
  }

  /**
   * Returns the chunk to broadcast for `payload`.
   * @param {Uint8Array} payload
   */
  sealForAll(payload) {
    if (this.#sent === 0xffffffff) throw new Error('all numbers of broadcasts have been used');
    const number = this.#sent;
    this.#sent += 1;
    const aead = this.#ciphers.chacha20poly1305(this.#broadcasts, nonce(TO_ALL, number));
    return concat(u32(number), aead.encrypt(payload));
  }
}
