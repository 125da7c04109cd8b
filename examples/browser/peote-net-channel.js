// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Channels. Programs use `peote-net.js`, which exports from here what they need.
 * @module
 */

import { numberOf, optionsOf, toBytes, userOf, wordOf } from './peote-net-check.js';
import { PeoteError, Target } from './peote-net-event.js';
import {
  Assembler, Command, MAX_CHUNK_LIMIT, MAX_NAME, encodeCommand, encodeData, encodedLength, lengthField,
} from './peote-net-wire.js';

/** @typedef {import('./peote-net-check.js').Sendable} Sendable */
/** @typedef {import('./peote-net-event.js').Reason} Reason */
/** @typedef {import('./peote-net-time.js').Backoff} Backoff */
/** @typedef {import('./peote-net-wire.js').Violation} Violation */

/** What may be different at the next attempt, if the channel has been open before. */
const MAY_PASS = new Set(['name-in-use', 'no-such-channel', 'channel-full', 'connection-lost']);

/**
 * What a link lets its channels do.
 * @typedef {object} Access
 * @property {(encode: () => Uint8Array, length: number) => void} send sends what `encode` makes,
 *   `length` bytes, or throws
 * @property {(command: Uint8Array) => void} end sends a command of 5 bytes, whatever waits; without
 *   a connection it is not needed
 * @property {() => { remove: boolean, block: boolean }} capabilities of the relay
 * @property {(channel: Channel<any>) => void} forget the channel is not open any more, and not to
 *   be asked for
 * @property {(channel: Channel<any>, delay: number | undefined) => void} wait the channel is to be
 *   asked for again
 * @property {() => Backoff} backoff
 * @property {() => Promise<void>} room as `Link.room`
 */

/**
 * @typedef {object} ChannelOptions
 * @property {'chunks' | 'data'} [mode] whole messages (the default), or a stream whose cuts mean
 *   nothing
 * @property {number} [maxChunk] the maximum chunk size in bytes, 32,768 by default. Server and
 *   users have to agree on it
 * @property {'if-opened' | 'always' | 'never'} [retry] what to do when it is refused for a reason
 *   that may pass, or lost: ask again if it has been open before (the default), ask again in any
 *   case, or give it up
 */

/**
 * What both kinds of channels tell.
 *
 * - `open`: the relay has created or entered it; `again` if it was open before. Everything begins
 *   anew: users, and what was said.
 * - `refused`: the relay has refused it.
 * - `lost`: it was open and is gone: the link is lost, or for a user the server or its connection.
 *
 * After `refused` and `lost` it is asked for again, if `retry` is true: `retryIn` ms later, or as
 * soon as there is a connection (`undefined`). Otherwise it is closed.
 * @typedef {{
 *   open: { again: boolean },
 *   refused: { reason: Reason, retry: boolean, retryIn: number | undefined },
 *   lost: { reason: Reason, retry: boolean, retryIn: number | undefined },
 * }} ChannelEvents
 */

/** @type {readonly ['chunks', 'data']} */
const MODES = ['chunks', 'data'];
/** @type {readonly ['if-opened', 'always', 'never']} */
const RETRIES = ['if-opened', 'always', 'never'];
/**
 * Of both kinds, so that programs can treat them alike: an entered one never tells `enter` or
 * `leave`.
 */
const CHANNEL_EVENTS = ['open', 'refused', 'lost', 'enter', 'leave', 'message', 'malicious'];

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
  /** @internal @type {Set<() => void>} to be called when the program ends it, which tells no event */
  _atClose = new Set();
  /** @internal @type {(() => void) | undefined} there while it waits for its time to be asked for again */
  _stopRetry;
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
  constructor(access, name, options) {
    super(/** @type {any} */ (CHANNEL_EVENTS));
    /** @internal */
    this._access = access;
    /** The name it was asked for with. */
    this.name = name;
    this.#nameBytes = toBytes(name, 'name').slice();
    if (this.#nameBytes.length > MAX_NAME) {
      throw new PeoteError('name-too-long', `a name of ${this.#nameBytes.length} bytes; at most ${MAX_NAME} are allowed`);
    }
    /** @type {Partial<ChannelOptions>} */
    const { mode, maxChunk, retry } = optionsOf(options, 'options', ['mode', 'maxChunk', 'retry']);
    /** Whether messages are sent as chunks, or as data. */
    this.mode = wordOf(mode, 'options.mode', MODES);
    /** The maximum chunk size in bytes. */
    this.maxChunk = numberOf(maxChunk, 'options.maxChunk', 32_768);
    if (!Number.isInteger(this.maxChunk) || this.maxChunk < 1 || this.maxChunk > MAX_CHUNK_LIMIT) {
      throw new PeoteError('chunk-limit', `a maximum chunk size of ${this.maxChunk}; 1 to ${MAX_CHUNK_LIMIT} are allowed`);
    }
    this.#retry = wordOf(retry, 'options.retry', RETRIES);
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
   * @param {Uint8Array} bytes
   * @internal
   */
  _sendData(prefix, head, bytes) {
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
    const afterLoss = (reason === 'link-lost' || reason === 'no-answer') && this.#retry !== 'never';
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
    this._stopRetry?.();
    this._access.forget(this);
    this._number = undefined;
    this._cleared();
    for (const act of this._atClose) act();
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
 * - `malicious`: the user has broken the rules of chunks, and is passed over from now on. It is
 *   still there, hears what is sent to it, and its `leave` will come.
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
   * @throws {TypeError} a wrong kind of argument
   */
  send(user, data) {
    userOf(user, 'user');
    const bytes = toBytes(data, 'data');
    this.#check(user);
    this._sendData([], [128 + (this._number ?? 0), user], bytes);
  }

  /**
   * Sends to all users. One who enters while a broadcast above 32,765 bytes, length field included,
   * is under way may hear its end only.
   * @param {Sendable} data
   * @param {{ except?: number }} [options] all but this user
   * @throws {PeoteError} `would-block`, `not-open`, `empty`, `too-long`
   * @throws {TypeError} a wrong kind of argument
   */
  broadcast(data, options) {
    /** @type {{ except?: number }} */
    const { except } = optionsOf(options, 'options', ['except']);
    const bytes = toBytes(data, 'data');
    if (except === undefined) return this._sendData([1, 1], [128 + (this._number ?? 0)], bytes);
    userOf(except, 'options.except');
    if (!Number.isInteger(except) || except < 0 || except > 255) throw new PeoteError('not-open', `${except} is no user's number`);
    this._sendData([1, 0], [128 + (this._number ?? 0), except], bytes);
  }

  /**
   * Has the relay remove a user, who may enter again. Both are told, with reason `removed`.
   * @param {number} user
   * @throws {PeoteError} `unsupported`, `not-open`, `would-block`
   * @throws {TypeError} a wrong kind of argument
   */
  remove(user) {
    this.#command(Command.remove, 'remove', user);
  }

  /**
   * Has the relay remove a user, and refuse its connection from now on.
   * @param {number} user
   * @throws {PeoteError} `unsupported`, `not-open`, `would-block`
   * @throws {TypeError} a wrong kind of argument
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
    this.#check(userOf(user, 'user'));
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
 * - `malicious`: the server has broken the rules of chunks, and is passed over from now on. The
 *   channel stays open.
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
   * @throws {TypeError} a wrong kind of argument
   */
  send(data) {
    this._sendData([], [this._number ?? 0], toBytes(data, 'data'));
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
