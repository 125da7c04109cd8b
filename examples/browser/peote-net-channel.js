// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Channels, and what they have in common with links: events, errors, reasons. Programs use `peote-net.js`, which exports from
 * here what they need.
 * @module
 */

import {
  Assembler, Command, MAX_CHUNK_LIMIT, MAX_NAME, encodeCommand, encodeData, encodedLength, lengthField,
} from './peote-net-wire.js';

/** @typedef {import('./peote-net-wire.js').Violation} Violation */

/**
 * Why something ended or was refused, by what happened:
 *
 * - `on-purpose`: the user left, or the server deleted the channel;
 * - `connection-lost`: the connection of the user or server at the other end was lost;
 * - `link-lost`: this link's own connection to the relay was lost;
 * - `removed`: the channel's server removed this user;
 * - `name-in-use`: creating, and there is such a channel already;
 * - `no-such-channel`, `own-channel`, `already-entered`, `channel-full`, `blocked`: entering;
 * - `too-many-channels`: 128 of this kind on this connection, or as many as the relay allows;
 * - `unknown`: a number that this version does not know.
 * @typedef {'on-purpose' | 'connection-lost' | 'link-lost' | 'removed' | 'name-in-use' | 'no-such-channel' | 'own-channel'
 *   | 'already-entered' | 'channel-full' | 'blocked' | 'too-many-channels' | 'unknown'} Reason
 */

/** @type {Readonly<Record<'create' | 'enter' | 'end', Readonly<Record<number, Reason>>>>} sections 4.2 and 4.5 */
export const REASONS = {
  create: { 1: 'too-many-channels', 2: 'name-in-use' },
  enter: { 1: 'no-such-channel', 2: 'own-channel', 3: 'already-entered', 4: 'channel-full', 5: 'too-many-channels', 6: 'blocked' },
  end: { 0: 'on-purpose', 1: 'connection-lost', 2: 'removed' },
};

/** What may be different at the next attempt, if the channel has been open before. */
const MAY_PASS = new Set(['name-in-use', 'no-such-channel', 'channel-full', 'connection-lost']);

/**
 * What the `code` of a {@link PeoteError} can be:
 *
 * - `would-block`: no room now, nothing was sent; `await link.room()` and try again;
 * - `not-open`: the channel is not open, or there is no such user in it;
 * - `empty`: nothing to send;
 * - `too-long`: a chunk above the channel's maximum, or a message above `maxBuffered`;
 * - `name-too-long`: a channel's name of more than 255 bytes;
 * - `chunk-limit`: a maximum chunk size that is not a whole number from 1 to 2,147,483,647;
 * - `too-many-channels`: 128 channels of this kind already;
 * - `unsupported`: the relay has not announced that it can do that;
 * - `closed`: the link is closed.
 * @typedef {'would-block' | 'not-open' | 'empty' | 'too-long' | 'name-too-long' | 'chunk-limit' | 'too-many-channels'
 *   | 'unsupported' | 'closed'} ErrorCode
 */

/** What calls of this module throw: nothing was sent or changed. */
export class PeoteError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = 'PeoteError';
    /** @type {ErrorCode} */
    this.code = code;
  }
}

/**
 * An event of a link or a channel; what it is about are properties of its own.
 * @template {object} Fields
 */
class PeoteEvent extends Event {
  /**
   * @param {string} type
   * @param {Fields} fields
   */
  constructor(type, fields) {
    super(type);
    Object.assign(this, fields);
  }
}

/**
 * An `EventTarget` whose events are known.
 * @template {Record<string, object>} Events
 */
export class Target extends EventTarget {
  /**
   * The same as `addEventListener`, with types; returns `this`.
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {(event: Event & Events[Type]) => void} listener
   * @param {AddEventListenerOptions} [options]
   */
  on(type, listener, options) {
    this.addEventListener(type, /** @type {EventListener} */ (listener), options);
    return this;
  }

  /**
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {Events[Type]} fields
   * @internal
   */
  _tell(type, fields) {
    this.dispatchEvent(new PeoteEvent(type, fields));
  }
}

/**
 * Delays double from a first to a greatest one, and each is shortened by up to `jitter`, evenly distributed. They are short again
 * once the relay has answered a command: that a connection was accepted does not mean that the relay works. The delays for
 * channels that are asked for again follow the same rules.
 * @typedef {object} ReconnectOptions
 * @property {number} first milliseconds, 250 by default
 * @property {number} greatest milliseconds, 30,000 by default
 * @property {number} jitter 0 to 1, 0.5 by default
 * @property {number} attempts without an answer between them, `Infinity` by default; then the link is closed, or the channel given up
 */

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
    return Math.min(rules.greatest, rules.first * 2 ** attempts) * (1 - rules.jitter * this.random());
  }
}

/**
 * What a link lets its channels do.
 * @typedef {object} Access
 * @property {(encode: () => Uint8Array, length: number) => void} send sends what `encode` makes, `length` bytes, or throws
 * @property {(command: Uint8Array) => void} end sends a command of 5 bytes, whatever waits; without a connection it is not needed
 * @property {() => { remove: boolean, block: boolean }} capabilities of the relay
 * @property {(channel: Channel<any>) => void} forget the channel is not open any more, and not to be asked for
 * @property {(channel: Channel<any>, delay: number | undefined) => void} wait the channel is to be asked for again
 * @property {() => Backoff} backoff
 */

/**
 * @typedef {object} ChannelOptions
 * @property {'chunks' | 'data'} [mode] whole messages (the default), or a stream whose cuts mean nothing
 * @property {number} [maxChunk] the maximum chunk size in bytes, 32,768 by default. Server and users have to agree on it
 * @property {'if-opened' | 'always' | 'never'} [retry] what to do when it is refused for a reason that may pass, or lost: ask again
 *   if it has been open before (the default), ask again in any case, or give it up
 */

/**
 * What both kinds of channels tell.
 *
 * - `open`: the relay has created or entered it; `again` if it was open before. Everything begins anew: users, and what was said.
 * - `refused`: the relay has refused it.
 * - `lost`: it was open and is gone: the link is lost, or for a user the server or its connection.
 *
 * After `refused` and `lost` it is asked for again, if `retry` is true: `retryIn` ms later, or as soon as there is a connection
 * (`undefined`). Otherwise it is closed.
 * @typedef {{
 *   open: { again: boolean },
 *   refused: { reason: Reason, retry: boolean, retryIn: number | undefined },
 *   lost: { reason: Reason, retry: boolean, retryIn: number | undefined },
 * }} ChannelEvents
 */

/**
 * What was sent: text is sent as UTF-8.
 * @typedef {string | ArrayBuffer | ArrayBufferView} Sendable
 */

/** @param {Sendable} data */
function toBytes(data) {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * What own and entered channels have in common.
 * @template {ChannelEvents} Events
 * @extends {Target<Events>}
 */
export class Channel extends Target {
  /** @internal @type {'own' | 'entered'} */
  _kind = 'own';
  /** @internal @type {number | undefined} on this connection, while open */
  _number;
  /** @internal @type {ReturnType<typeof setTimeout> | undefined} */
  _retryTimer;
  /** @type {'waiting' | 'asked' | 'open' | 'closed'} */
  #state = 'waiting';
  #wasOpen = false;
  #retry;
  #backoff;
  #nameBytes;

  /**
   * @param {Access} access
   * @param {string | Uint8Array} name
   * @param {ChannelOptions} [options]
   * @internal
   */
  constructor(access, name, options = {}) {
    super();
    /** @internal */
    this._access = access;
    /** The name it was asked for with. */
    this.name = name;
    this.#nameBytes = toBytes(name).slice();
    if (this.#nameBytes.length > MAX_NAME) {
      throw new PeoteError('name-too-long', `a name of ${this.#nameBytes.length} bytes; at most ${MAX_NAME} are allowed`);
    }
    /** Whether messages are sent as chunks, or as data. */
    this.mode = options.mode ?? 'chunks';
    /** The maximum chunk size in bytes. */
    this.maxChunk = options.maxChunk ?? 32_768;
    if (!Number.isInteger(this.maxChunk) || this.maxChunk < 1 || this.maxChunk > MAX_CHUNK_LIMIT) {
      throw new PeoteError('chunk-limit', `a maximum chunk size of ${this.maxChunk}; 1 to ${MAX_CHUNK_LIMIT} are allowed`);
    }
    this.#retry = options.retry ?? 'if-opened';
    this.#backoff = access.backoff();
  }

  /** `waiting` to be asked for, `asked` for, `open`, or `closed` for good. */
  get state() {
    return this.#state;
  }

  /** @internal What comes of one party. */
  _newParty() {
    return this.mode === 'chunks' ? new Assembler(this.maxChunk) : 'data';
  }

  /**
   * @param {readonly number[]} prefix
   * @param {readonly number[]} head
   * @param {Sendable} data
   * @internal
   */
  _sendData(prefix, head, data) {
    const bytes = toBytes(data);
    if (this.#state !== 'open') throw new PeoteError('not-open', 'the channel is not open');
    if (bytes.length === 0) throw new PeoteError('empty', 'there is nothing to send');
    if (this.mode === 'chunks' && bytes.length > this.maxChunk) {
      throw new PeoteError('too-long', `a chunk of ${bytes.length} bytes; the channel's maximum is ${this.maxChunk}`);
    }
    const field = this.mode === 'chunks' ? lengthField(bytes.length, this.maxChunk) : [];
    const length = encodedLength(prefix, head, field, bytes);
    this._access.send(() => encodeData(prefix, head, field, bytes), length);
  }

  /** @param {number} tag @internal */
  _ask(tag) {
    this.#state = 'asked';
    const command = encodeCommand(this._kind === 'own' ? Command.create : Command.enter, tag, this.#nameBytes);
    this._access.send(() => command, command.length);
  }

  /** @param {number} number @internal */
  _opened(number) {
    this._number = number;
    this.#state = 'open';
    this.#backoff.attempts = 0;
    const again = this.#wasOpen;
    this.#wasOpen = true;
    this.#tell('open', { again });
  }

  /** Refused, or gone. @param {Reason} reason @internal */
  _ended(reason) {
    // Deleted or left before the answer, or not asked for yet and so not concerned.
    const was = this.#state;
    if (was === 'closed' || (was === 'waiting' && this.#retry !== 'never')) return;
    this._access.forget(this);
    this._number = undefined;
    this._cleared();
    const mayRetry = this.#retry === 'always' || (this.#retry === 'if-opened' && this.#wasOpen);
    // After a loss it is asked for in any case when there is a connection, unless it never is.
    const afterLoss = reason === 'link-lost' && this.#retry !== 'never';
    const retryIn = !afterLoss && mayRetry && MAY_PASS.has(reason) ? this.#backoff.next() : undefined;
    const retry = afterLoss || retryIn !== undefined;
    this.#state = retry ? 'waiting' : 'closed';
    if (retry) this._access.wait(this, retryIn);
    this.#tell(was === 'open' ? 'lost' : 'refused', { reason, retry, retryIn });
  }

  /** Ends it without an event. @internal */
  _close() {
    const was = this.#state;
    const number = this._number;
    this.#state = 'closed';
    clearTimeout(this._retryTimer);
    this._access.forget(this);
    this._number = undefined;
    this._cleared();
    if (was === 'open' && number !== undefined) this._end(number);
  }

  /** Tells the relay that it is over. @param {number} number @internal */
  _end(number) {
    const command = encodeCommand(this._kind === 'own' ? Command.delete : Command.leave, 0, [number]);
    this._access.end(command);
  }

  /** @internal */
  _cleared() {}

  /**
   * @template {keyof ChannelEvents} Type
   * @param {Type} type
   * @param {ChannelEvents[Type]} fields
   */
  #tell(type, fields) {
    this._tell(type, /** @type {any} */ (fields));
  }
}

/**
 * What the server of a channel hears besides.
 *
 * - `enter`: a user is there;
 * - `leave`: a user is gone. From now on its number can mean somebody else;
 * - `message`: a chunk, or in mode `data` bytes of the stream; `data` is the listener's to keep;
 * - `malicious`: the user has broken the rules of chunks, and is passed over from now on. It is still there, hears what is sent to it,
 *   and its `leave` will come.
 * @typedef {ChannelEvents & {
 *   enter: { user: number },
 *   leave: { user: number, reason: Reason },
 *   message: { user: number, data: Uint8Array },
 *   malicious: { user: number, violation: Violation },
 * }} OwnChannelEvents
 */

/**
 * What comes of one party: chunks, a stream, or nothing any more.
 * @typedef {Assembler | 'data' | 'malicious'} Party
 */

/**
 * A channel that this link has created: its server. Made by `Link.create`.
 * @extends {Channel<OwnChannelEvents>}
 */
export class OwnChannel extends Channel {
  /** @type {Map<number, Party>} */
  #users = new Map();

  /** The numbers of the users that are there now. */
  get users() {
    return [...this.#users.keys()];
  }

  /**
   * Sends to one user.
   * @param {number} user
   * @param {Sendable} data
   * @throws {PeoteError} `would-block`, `not-open`, `empty`, `too-long`
   */
  send(user, data) {
    this.#check(user);
    this._sendData([], [128 + (this._number ?? 0), user], data);
  }

  /**
   * Sends to all users. One who enters while a broadcast above 32,765 bytes, length field included, is under way may hear its end only.
   * @param {Sendable} data
   * @param {{ except?: number }} [options] all but this user
   * @throws {PeoteError} `would-block`, `not-open`, `empty`, `too-long`
   */
  broadcast(data, { except } = {}) {
    if (except === undefined) return this._sendData([1, 1], [128 + (this._number ?? 0)], data);
    if (!Number.isInteger(except) || except < 0 || except > 255) throw new PeoteError('not-open', `${except} is no user's number`);
    this._sendData([1, 0], [128 + (this._number ?? 0), except], data);
  }

  /**
   * Has the relay remove a user, who may enter again. Both are told, with reason `removed`.
   * @param {number} user
   * @throws {PeoteError} `unsupported`, `not-open`, `would-block`
   */
  remove(user) {
    this.#command(Command.remove, 'remove', user);
  }

  /**
   * Has the relay remove a user, and refuse its connection from now on.
   * @param {number} user
   * @throws {PeoteError} `unsupported`, `not-open`, `would-block`
   */
  block(user) {
    this.#command(Command.block, 'block', user);
  }

  /** Deletes the channel. The users hear of it; there are no further events here. */
  delete() {
    this._close();
  }

  /** @param {number} user */
  #check(user) {
    if (!this.#users.has(user)) throw new PeoteError('not-open', `there is no user ${user} in the channel`);
  }

  /**
   * @param {number} command
   * @param {'remove' | 'block'} what
   * @param {number} user
   */
  #command(command, what, user) {
    this.#check(user);
    // An unknown command would close the connection.
    if (!this._access.capabilities()[what]) throw new PeoteError('unsupported', `the relay cannot ${what} users`);
    const bytes = encodeCommand(command, 0, [this._number ?? 0, user]);
    this._access.send(() => bytes, bytes.length);
  }

  /** @internal */
  _cleared() {
    this.#users.clear();
  }

  /** @param {number} user @internal */
  _userEntered(user) {
    if (this.#users.has(user)) return; // no relay says so twice
    this.#users.set(user, this._newParty());
    this._tell('enter', { user });
  }

  /** @param {number} user @param {Reason} reason @internal */
  _userGone(user, reason) {
    if (this.#users.delete(user)) this._tell('leave', { user, reason });
  }

  /** @param {number} user @param {Uint8Array} payload @internal */
  _receivedFrom(user, payload) {
    const party = this.#users.get(user);
    if (party === undefined) return;
    for (const said of hear(party, payload)) {
      // A listener may have deleted the channel.
      if (this.#users.get(user) !== party) return;
      if (typeof said !== 'string') {
        this._tell('message', { user, data: said });
      } else {
        this.#users.set(user, 'malicious');
        this._tell('malicious', { user, violation: said });
      }
    }
  }
}

/**
 * What a user of a channel hears besides.
 *
 * - `message`: a chunk, or in mode `data` bytes of the stream; `data` is the listener's to keep;
 * - `malicious`: the server has broken the rules of chunks, and is passed over from now on. The channel stays open.
 * @typedef {ChannelEvents & {
 *   message: { data: Uint8Array },
 *   malicious: { violation: Violation },
 * }} EnteredChannelEvents
 */

/**
 * A channel that this link has entered: one of its users. Made by `Link.enter`.
 * @extends {Channel<EnteredChannelEvents>}
 */
export class EnteredChannel extends Channel {
  /** @internal @type {'own' | 'entered'} */
  _kind = 'entered';
  /** @type {Party} the server */
  #server = 'malicious';

  /**
   * Sends to the channel's server.
   * @param {Sendable} data
   * @throws {PeoteError} `would-block`, `not-open`, `empty`, `too-long`
   */
  send(data) {
    this._sendData([], [this._number ?? 0], data);
  }

  /** Leaves the channel. The server hears of it; there are no further events here. */
  leave() {
    this._close();
  }

  /** @param {number} number @internal */
  _opened(number) {
    this.#server = this._newParty();
    super._opened(number);
  }

  /** @param {Uint8Array} payload @internal */
  _received(payload) {
    const party = this.#server;
    for (const said of hear(party, payload)) {
      // A listener may have left the channel.
      if (this.state !== 'open' || this.#server !== party) return;
      if (typeof said !== 'string') {
        this._tell('message', { data: said });
      } else {
        this.#server = 'malicious';
        this._tell('malicious', { violation: said });
      }
    }
  }
}

/**
 * @param {Party} party
 * @param {Uint8Array} payload
 * @returns {Iterable<Uint8Array | Violation>}
 */
function hear(party, payload) {
  if (party === 'malicious' || payload.length === 0) return [];
  return party === 'data' ? [payload.slice()] : party.push(payload);
}
