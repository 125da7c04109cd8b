// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * What an endpoint says and hears, byte by byte: units and chunks, without any input or output.
 * Sections are those of docs/PROTOCOL.md. Programs use `peote-net.js`, which is built on this.
 * @module
 */

/** The most bytes of a channel's name (section 1.2). */
export const MAX_NAME = 255;
/** The most payload bytes of one unit (section 2.3). */
export const MAX_PAYLOAD = 32_765;
/** The greatest maximum chunk size (section 6.1). */
export const MAX_CHUNK_LIMIT = 2_147_483_647;
/** The most bytes of words (section 11.7). */
export const MAX_WORDS = 200;
/** The greatest window, and the greatest grant (section 11.6). */
export const MAX_WINDOW = 2_147_483_647;

/** The commands (section 3.2). */
export const Command = Object.freeze({
  create: 0, enter: 1, leave: 2, delete: 3, remove: 4, block: 5, hello: 6, words: 7, grant: 8, admit: 9, refuse: 10, leaveOut: 11,
});
/** The items of a hello (section 11.4). */
export const Item = Object.freeze({ capabilities: 1, keepalive: 2, name: 3, tokenPart: 4, token: 5, window: 6, comeBack: 7 });
/** The most bytes of items in one hello. */
export const MAX_ITEMS = 253;

/**
 * How many bytes a length field may have in a channel with this maximum chunk size (section 6.1).
 * @param {number} limit the maximum chunk size, 1 to 2,147,483,647
 * @returns {number} 1 to 5
 */
export function lengthBytes(limit) {
  return limit <= 256 ? 1 : limit <= 32_768 ? 2 : limit <= 4_194_304 ? 3 : limit <= 536_870_912 ? 4 : 5;
}

/**
 * The length field in front of a chunk.
 * @param {number} length of the chunk, 1 to `limit`
 * @param {number} limit the channel's maximum chunk size
 * @returns {number[]} 1 to 5 bytes
 */
export function lengthField(length, limit) {
  const field = [];
  let rest = length - 1;
  for (let left = lengthBytes(limit); left > 1 && rest > 127; left--) {
    field.push(128 + (rest % 128));
    rest = Math.floor(rest / 128);
  }
  field.push(rest);
  return field;
}

/**
 * A command (section 3.2).
 * @param {number} command one of {@link Command}
 * @param {number} tag 1 to 255 for create and enter, else 0
 * @param {ArrayLike<number>} payload up to 255 bytes
 * @returns {Uint8Array}
 */
export function encodeCommand(command, tag, payload) {
  return Uint8Array.of(0, command, tag, payload.length, ...Array.from(payload));
}

/**
 * A number of four bytes, little end first.
 * @param {number} number 0 to 2^32 - 1
 */
export function fourBytes(number) {
  return [number & 255, (number >>> 8) & 255, (number >>> 16) & 255, number >>> 24];
}

/** @param {Uint8Array} bytes @param {number} at */
function readFour(bytes, at) {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

/**
 * A grant (section 11.6).
 * @param {readonly number[]} head channel byte, and user byte for a user of an own channel
 * @param {number} bytes 0 asks for one
 */
export function encodeGrant(head, bytes) {
  return encodeCommand(Command.grant, 0, [...head, ...fourBytes(Math.min(bytes, MAX_WINDOW))]);
}

/**
 * Data in as few units as there can be (sections 3.3 and 3.4), all of them in one piece of memory.
 * @param {readonly number[]} prefix nothing, or the two bytes of a broadcast
 * @param {readonly number[]} head channel byte, and user byte if there is one
 * @param {readonly number[]} field the length field in front of the payload; empty for data that is
 *   no chunk
 * @param {Uint8Array} payload not empty
 * @returns {Uint8Array}
 */
export function encodeData(prefix, head, field, payload) {
  const out = new Uint8Array(encodedLength(prefix, head, field, payload));
  let at = 0;
  const put = (/** @type {ArrayLike<number>} */ bytes) => {
    out.set(bytes, at);
    at += bytes.length;
  };
  for (let done = 0; done < payload.length; ) {
    const first = done === 0 ? field : [];
    const piece = payload.subarray(done, done + MAX_PAYLOAD - first.length);
    const size = head.length + first.length + piece.length;
    put(prefix);
    put(size < 128 ? [size] : [128 + (size >> 8), size & 255]);
    put(head);
    put(first);
    put(piece);
    done += piece.length;
  }
  return out;
}

/**
 * How long {@link encodeData} makes it, without making it.
 * @param {readonly number[]} prefix
 * @param {readonly number[]} head
 * @param {readonly number[]} field
 * @param {{ length: number }} payload
 */
export function encodedLength(prefix, head, field, payload) {
  const total = field.length + payload.length;
  const units = Math.ceil(total / MAX_PAYLOAD);
  const last = total - (units - 1) * MAX_PAYLOAD;
  const sizes = 2 * (units - 1) + (head.length + last < 128 ? 1 : 2);
  return units * (prefix.length + head.length) + sizes + total;
}

/**
 * One unit from the relay (sections 4.2 to 4.6). Payloads are views that are good until the next
 * unit is asked for. `nothing` is what a reader skips: unknown events, and what is too short for
 * what it should be.
 * @typedef {{ kind: 'answer', tag: number, refused: boolean, value: number, entered?: Entered, words?: Uint8Array }
 *   | { kind: 'user-entered', channel: number, user: number }
 *   | { kind: 'user-gone', channel: number, user: number, code: number }
 *   | { kind: 'channel-gone', channel: number, code: number }
 *   | { kind: 'keepalive', capabilities: number | undefined }
 *   | { kind: 'data', channel: number, user: number | undefined, payload: Uint8Array }
 *   | { kind: 'hello', hello: RelayHello }
 *   | { kind: 'knock', channel: number, user: number, ticket: number, window: number, words: Uint8Array }
 *   | { kind: 'grant', channel: number, user: number | undefined, bytes: number }
 *   | { kind: 'raised', isOwn: boolean, channel: number, user: number, send: number, receive: number }
 *   | { kind: 'nothing' }} Unit `user` of data and grants is `undefined` where they come from the server of an entered channel
 */

/**
 * What a user is told that takes part: its own number, and how many bytes it may send.
 * @typedef {{ user: number, window: number }} Entered
 */

/**
 * The items of a relay's hello that are in it (section 11.4): times in seconds and milliseconds as
 * they are on the wire.
 * @typedef {{ takesPart?: boolean, keepalive?: number, name?: string, comeBack?: number }} RelayHello
 */

/** The longest unit: size in two bytes. */
const MAX_UNIT = 2 + 32_767;

/**
 * How long a unit is, as far as its first `bytes.length` bytes tell; 0 if they do not.
 * @param {Uint8Array} bytes
 */
function unitLength(bytes) {
  const [first, second] = bytes;
  if (first > 0 && first < 128) return 1 + first;
  if (bytes.length < 2) return 0;
  return 2 + (first === 0 ? second : (first & 127) * 256 + second);
}

/**
 * Takes the stream from the relay apart, however it is cut. Holds at most one unit, 32,769 bytes.
 * Every sequence of bytes can be taken apart (section 4.9).
 */
export class Decoder {
  #held = new Uint8Array(MAX_UNIT);
  #count = 0;

  /**
   * The units that end in these bytes.
   * @param {Uint8Array} bytes
   * @returns {Generator<Unit, void>}
   */
  *push(bytes) {
    for (let rest = bytes; rest.length > 0; ) {
      // Most units lie whole in what has come, and are read there.
      const source = this.#count > 0 ? this.#held.subarray(0, this.#count) : rest;
      const length = unitLength(source);
      if (this.#count === 0 && length > 0 && length <= rest.length) {
        yield readUnit(rest.subarray(0, length));
        rest = rest.subarray(length);
        continue;
      }
      // Without a length, one byte more tells it.
      const wanted = (length || this.#count + 1) - this.#count;
      const taken = rest.subarray(0, wanted);
      this.#held.set(taken, this.#count);
      this.#count += taken.length;
      rest = rest.subarray(taken.length);
      const held = this.#held.subarray(0, this.#count);
      if (unitLength(held) === this.#count) {
        this.#count = 0;
        yield readUnit(held);
      }
    }
  }
}

/**
 * @param {Uint8Array} unit whole
 * @returns {Unit}
 */
function readUnit(unit) {
  if (unit[0] === 0) return readNotice(unit.subarray(2));
  const content = unit.subarray(unit[0] < 128 ? 1 : 2);
  const isOwn = content[0] >= 128;
  if (content.length < (isOwn ? 2 : 1)) return { kind: 'nothing' };
  return isOwn
    ? { kind: 'data', channel: content[0] - 128, user: content[1], payload: content.subarray(2) }
    : { kind: 'data', channel: content[0], user: undefined, payload: content.subarray(1) };
}

/**
 * @param {Uint8Array} bytes of an answer or an event
 * @returns {Unit}
 */
function readNotice(bytes) {
  const [tag, what, one, two, three] = bytes;
  const { length } = bytes;
  if (tag > 0 && length >= 3) return readAnswer(bytes);
  if (tag !== 0 || length < 2) return { kind: 'nothing' };
  if (what === 3) return { kind: 'hello', hello: readHello(bytes.subarray(2)) };
  if (length < 4) return { kind: 'nothing' };
  if (what === 0) return { kind: 'user-entered', channel: one, user: two };
  if (what === 1 && length >= 5) return { kind: 'user-gone', channel: one, user: two, code: three };
  if (what === 2) return { kind: 'channel-gone', channel: one, code: two };
  if (what === 4 && length >= 10) {
    return { kind: 'knock', channel: one, user: two, ticket: three, window: readFour(bytes, 6), words: bytes.slice(10) };
  }
  if (what === 5 && one >= 128 && length >= 8) return { kind: 'grant', channel: one - 128, user: two, bytes: readFour(bytes, 4) };
  if (what === 5 && one < 128 && length >= 7) return { kind: 'grant', channel: one, user: undefined, bytes: readFour(bytes, 3) };
  if (what === 6 && length >= 12) {
    return { kind: 'raised', isOwn: one >= 128, channel: one & 127, user: two, send: readFour(bytes, 4), receive: readFour(bytes, 8) };
  }
  if (what === 255) return { kind: 'keepalive', capabilities: one === 0x50 ? two : undefined };
  return { kind: 'nothing' };
}

/**
 * @param {Uint8Array} bytes
 * @returns {Unit}
 */
function readAnswer(bytes) {
  const [tag, what, value, user] = bytes;
  const answer = /** @type {const} */ ({ kind: 'answer', tag, refused: what !== 0, value });
  if (what === 0 && bytes.length >= 8) return { ...answer, entered: { user, window: readFour(bytes, 4) } };
  return what !== 0 && bytes.length > 3 ? { ...answer, words: bytes.slice(3) } : answer;
}

/**
 * Items of unknown kinds, and those that are too short, are passed over. A list that ends in the
 * middle of an item ends in front of it.
 * @param {Uint8Array} items
 */
function readHello(items) {
  /** @type {RelayHello} */
  const hello = {};
  for (let at = 0; at + 2 <= items.length; ) {
    const [kind, length] = items.subarray(at, at + 2);
    const item = items.subarray(at + 2, at + 2 + length);
    if (item.length < length) break;
    at += 2 + length;
    if (kind === Item.capabilities && length >= 1) hello.takesPart = (item[0] & 1) !== 0;
    if (kind === Item.keepalive && length >= 4) hello.keepalive = readFour(item, 0);
    if (kind === Item.name) hello.name = new TextDecoder().decode(item);
    if (kind === Item.comeBack && length >= 4) hello.comeBack = readFour(item, 0);
  }
  return hello;
}

/**
 * How a peer broke the rules of section 6.2: `overlong` is a length code with more bytes than it
 * needs, `too-long` a chunk above the channel's maximum.
 * @typedef {'overlong' | 'too-long'} Violation
 */

/** Puts the chunks of one party together, however they are cut or merged (section 6.4). */
export class Assembler {
  #limit;
  #allowed;
  /** Of the length field: bytes that have come, and what they make. */
  #fieldBytes = 0;
  #value = 0;
  /** Of the chunk: its length, 0 while that is not known; what has come; how much. */
  #length = 0;
  #buffer = new Uint8Array(0);
  #count = 0;

  /** @param {number} limit the channel's maximum chunk size */
  constructor(limit) {
    this.#limit = limit;
    this.#allowed = lengthBytes(limit);
  }

  /** The length of the chunk that has begun; 0: none, or not known yet. */
  get length() {
    return this.#length;
  }

  /** How many bytes of it have come. */
  get count() {
    return this.#count;
  }

  /**
   * The chunks that end in this payload, each in memory of its own. A violation comes last; nothing
   * may be pushed after it.
   * @param {Uint8Array} payload
   * @returns {Generator<Uint8Array | Violation, void>}
   */
  *push(payload) {
    for (let at = 0; at < payload.length; ) {
      if (this.#length === 0) {
        const violation = this.#readField(payload[at++]);
        if (violation) return yield violation;
        continue;
      }
      const piece = payload.subarray(at, at + this.#length - this.#count);
      this.#reserve(this.#count + piece.length);
      this.#buffer.set(piece, this.#count);
      this.#count += piece.length;
      at += piece.length;
      if (this.#count === this.#length) {
        const chunk = this.#buffer.subarray(0, this.#count);
        this.#buffer = new Uint8Array(0);
        this.#length = this.#count = this.#value = this.#fieldBytes = 0;
        yield chunk;
      }
    }
  }

  /**
   * @param {number} byte
   * @returns {Violation | undefined}
   */
  #readField(byte) {
    if (byte === 0 && this.#fieldBytes > 0) return 'overlong';
    const isLast = this.#fieldBytes + 1 === this.#allowed || byte < 128;
    // Not shifts: with five bytes there are more than 32 bits.
    this.#value += (isLast ? byte : byte - 128) * 128 ** this.#fieldBytes;
    this.#fieldBytes += 1;
    if (!isLast) return undefined;
    if (this.#value >= this.#limit) return 'too-long';
    this.#length = this.#value + 1;
    return undefined;
  }

  /**
   * Room for so many bytes. A length is believed only as far as the bytes go, so that nobody can
   * have much memory taken with a few bytes.
   * @param {number} count
   */
  #reserve(count) {
    if (count <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.min(this.#length, Math.max(count, 2 * this.#buffer.length)));
    grown.set(this.#buffer.subarray(0, this.#count));
    this.#buffer = grown;
  }
}
