// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * What goes through the channel of a chat room, and what is typed: the same as in the terminal's
 * `chat`, whose examples/src/chat/message.rs has the table of messages. No DOM and no link in here.
 *
 * Nothing that comes is trusted. Decoding gives `undefined` for what is not exactly a message,
 * names are checked, texts cleaned.
 * @module
 */

import { wrongNick } from './chat-names.js';

/** The version of this layout. */
const VERSION = 1;
/** The longest text, in characters. */
export const MAX_TEXT = 2_000;

/**
 * A message from a user to the room's server.
 * @typedef {{ kind: 'hello' | 'rename', nick: string } | { kind: 'say' | 'act', text: string } | {
 *   kind: 'who' }} FromUser
 */

/**
 * How somebody has gone: on purpose, with the connection lost, or removed by the one who runs the
 * server.
 * @typedef {'left' | 'lost' | 'removed'} Parting
 */

/** @type {readonly Parting[]} by their numbers; others are as the first one */
const PARTINGS = ['left', 'lost', 'removed'];

/** @type {Readonly<Record<Parting, string>>} how somebody has gone, in words for people */
export const GONE = { left: 'left', lost: 'lost the connection', removed: 'was removed' };

/**
 * A message from the room's server to one user or several. `welcome`: you are called so here, and I
 * am called so. `here`: the answer to `who`. `taken`: the answer to `rename`, if it cannot be.
 * @typedef {{ kind: 'welcome', you: string, server: string }
 *   | { kind: 'said' | 'acted', nick: string, text: string }
 *   | { kind: 'joined' | 'taken', nick: string }
 *   | { kind: 'left', nick: string, how: Parting }
 *   | { kind: 'renamed', old: string, nick: string }
 *   | { kind: 'here', nicks: string[] }} FromServer
 */

/**
 * Control characters, line separators, marks that turn the direction of writing, other marks of the
 * format that nobody types, tags, and halves of characters.
 */
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * A text that can be shown whoever wrote it: one line, without anything that changes the direction
 * of writing, and not too long.
 * @param {string} text
 */
export function clean(text) {
  const all = [...text];
  const kept = all.slice(0, MAX_TEXT).join('').replace(UNSAFE, '\ufffd');
  return all.length > MAX_TEXT ? `${kept}…` : kept;
}

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text);

/** @param {string} nick */
function nameField(nick) {
  const bytes = utf8(nick);
  // 24 characters are at most 96 bytes.
  return [bytes.length, ...bytes];
}

/**
 * @param {number} kind
 * @param {...(Iterable<number>)} fields
 */
const chunk = (kind, ...fields) => Uint8Array.from([VERSION, kind, ...fields.flatMap((field) => [...field])]);

/** @param {string} text */
const textField = (text) => utf8(clean(text));

/**
 * The chunk of a user's message.
 * @param {FromUser} message
 * @returns {Uint8Array}
 */
export function encodeFromUser(message) {
  switch (message.kind) {
    case 'hello': return chunk(1, nameField(message.nick));
    case 'say': return chunk(2, textField(message.text));
    case 'act': return chunk(3, textField(message.text));
    case 'rename': return chunk(4, nameField(message.nick));
    case 'who': return chunk(5);
  }
}

/**
 * The chunk of a message of the server.
 * @param {FromServer} message
 * @returns {Uint8Array}
 */
export function encodeFromServer(message) {
  switch (message.kind) {
    case 'welcome': return chunk(65, nameField(message.you), nameField(message.server));
    case 'said': return chunk(66, nameField(message.nick), textField(message.text));
    case 'acted': return chunk(67, nameField(message.nick), textField(message.text));
    case 'joined': return chunk(68, nameField(message.nick));
    case 'left': return chunk(69, [PARTINGS.indexOf(message.how)], nameField(message.nick));
    case 'renamed': return chunk(70, nameField(message.old), nameField(message.nick));
    case 'here': return chunk(71, ...message.nicks.map(nameField));
    case 'taken': return chunk(72, nameField(message.nick));
  }
}

/** Thrown inside of this module only: what came is not a message. */
class NotAMessage extends Error {}

/** The fields of a chunk that have not been read yet. */
class Fields {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.rest = bytes;
  }

  byte() {
    const [byte] = this.rest;
    if (byte === undefined) throw new NotAMessage();
    this.rest = this.rest.subarray(1);
    return byte;
  }

  name() {
    const length = this.byte();
    if (length > this.rest.length) throw new NotAMessage();
    const nick = fromUtf8(this.rest.subarray(0, length));
    this.rest = this.rest.subarray(length);
    if (wrongNick(nick)) throw new NotAMessage();
    return nick;
  }

  names() {
    const nicks = [];
    while (this.rest.length > 0) nicks.push(this.name());
    return nicks;
  }

  text() {
    const text = fromUtf8(this.rest);
    this.rest = this.rest.subarray(this.rest.length);
    return clean(text);
  }
}

/** @param {Uint8Array} bytes */
function fromUtf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotAMessage();
  }
}

/**
 * @template Message
 * @param {Uint8Array} bytes
 * @param {(kind: number, fields: Fields) => Message | undefined} read
 * @returns {Message | undefined}
 */
function decode(bytes, read) {
  if (bytes[0] !== VERSION || bytes.length < 2) return undefined;
  const fields = new Fields(bytes.subarray(2));
  try {
    const message = read(bytes[1], fields);
    return fields.rest.length === 0 ? message : undefined;
  } catch (error) {
    if (error instanceof NotAMessage) return undefined;
    throw error;
  }
}

/**
 * The message of a user in a chunk, if it is one.
 * @param {Uint8Array} bytes
 * @returns {FromUser | undefined}
 */
export function decodeFromUser(bytes) {
  return decode(bytes, (kind, fields) => {
    switch (kind) {
      case 1: return { kind: 'hello', nick: fields.name() };
      case 2: return { kind: 'say', text: fields.text() };
      case 3: return { kind: 'act', text: fields.text() };
      case 4: return { kind: 'rename', nick: fields.name() };
      case 5: return { kind: 'who' };
      default: return undefined;
    }
  });
}

/**
 * The message of the server in a chunk, if it is one.
 * @param {Uint8Array} bytes
 * @returns {FromServer | undefined}
 */
export function decodeFromServer(bytes) {
  return decode(bytes, (kind, fields) => {
    switch (kind) {
      case 65: return { kind: 'welcome', you: fields.name(), server: fields.name() };
      case 66: return { kind: 'said', nick: fields.name(), text: fields.text() };
      case 67: return { kind: 'acted', nick: fields.name(), text: fields.text() };
      case 68: return { kind: 'joined', nick: fields.name() };
      case 69: return { kind: 'left', how: PARTINGS[fields.byte()] ?? 'left', nick: fields.name() };
      case 70: return { kind: 'renamed', old: fields.name(), nick: fields.name() };
      case 71: return { kind: 'here', nicks: fields.names() };
      case 72: return { kind: 'taken', nick: fields.name() };
      default: return undefined;
    }
  });
}

/**
 * What a line asks for.
 * @typedef {{ kind: 'nothing' | 'quit' | 'help' } | { kind: 'who' } | { kind: 'say' | 'act', text:
 *   string } | { kind: 'unknown', text: string }
 *   | { kind: 'rename', nick: string } | { kind: 'kick' | 'block', nick: string }} Command
 */

/** What can be typed, line by line; the same as in examples/src/chat/command.rs. */
export const HELP = [
  '/me TEXT does it: "* anna waves"',
  '/who tells who is here',
  '/nick NAME changes what you are called',
  '/kick NAME removes somebody, /block NAME keeps that connection out as well; for the one who runs the server',
  '/quit leaves the room',
  'two slashes in front say something that begins with one',
];

/**
 * Understands a line. Two slashes in front make one that is said.
 * @param {string} line
 * @returns {Command}
 */
export function parse(line) {
  const text = line.trim();
  if (text === '') return { kind: 'nothing' };
  if (!text.startsWith('/')) return { kind: 'say', text };
  if (text.startsWith('//')) return { kind: 'say', text: text.slice(1) };
  const [, word, rest] = /** @type {RegExpExecArray} */ (/^\/(\S*)\s*(.*)$/su.exec(text));
  if (word === 'me' && rest) return { kind: 'act', text: rest };
  if (word === 'nick' && rest) return { kind: 'rename', nick: rest };
  if ((word === 'kick' || word === 'block') && rest) return { kind: word, nick: rest };
  if (word === 'who' && !rest) return { kind: 'who' };
  if (word === 'quit' && !rest) return { kind: 'quit' };
  if (word === 'help' && !rest) return { kind: 'help' };
  return { kind: 'unknown', text };
}
