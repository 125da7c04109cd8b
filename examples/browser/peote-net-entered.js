// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Entered channels. Programs use `peote-net.js`, which exports from here what they need.
 * @module
 */

import { Channel, wordsOf } from './peote-net-channel.js';
import { toBytes } from './peote-net-check.js';
import { encodeGrant } from './peote-net-wire.js';

/** @typedef {import('./peote-net-channel.js').Access} Access */
/** @typedef {import('./peote-net-channel.js').ChannelOptions} ChannelOptions */
/** @typedef {import('./peote-net-check.js').Sendable} Sendable */
/** @typedef {import('./peote-net-local.js').LocalUser} LocalUser */
/** @typedef {import('./peote-net-party.js').Party} Party */
/** @typedef {import('./peote-net-wire.js').Entered} Entered */
/** @typedef {import('./peote-net-party.js').Violation} Violation */

/**
 * @typedef {object} EnterOptions
 * @property {Sendable} [words] what the channel's server hears before it lets this user in, at most
 *   200 bytes. Servers and relays that know no admission do not hear them
 */

/**
 * What a user of a channel hears besides.
 *
 * - `message`: a chunk, or in mode `data` bytes of the stream; `data` is the listener's to keep.
 *   The server may send more once it is taken, which is when the listeners have returned, or when
 *   what `keep()` returns is called;
 * - `malicious`: the server has broken the rules of chunks, or sent more than it was granted
 *   (`window`), and is passed over from now on. The channel stays open.
 * - `room`: the server has taken so much that what was refused with `would-block` has room now.
 * @typedef {import('./peote-net-channel.js').ChannelEvents & {
 *   message: { data: Uint8Array, keep: () => () => void },
 *   malicious: { violation: Violation },
 *   room: {},
 * }} EnteredChannelEvents
 */

/**
 * A channel that this link has entered: one of its users. Made by `Link.enter`.
 * @extends {Channel<EnteredChannelEvents>}
 */
export class EnteredChannel extends Channel {
  /** @internal @type {'own' | 'entered'} */
  _kind = 'entered';
  /** @internal @type {LocalUser | undefined} there if its server is on the same link */
  _local;
  /** @type {Party | undefined} */
  #server;
  /** @type {number | undefined} */
  #ownNumber;

  /**
   * @param {Access} access
   * @param {string | Uint8Array} name
   * @param {ChannelOptions & EnterOptions} [options]
   * @internal
   */
  constructor(access, name, options) {
    super(access, name, options, ['words']);
    /** @type {Partial<EnterOptions>} */
    const { words } = options ?? {};
    this._words = wordsOf(words, 'options.words');
  }

  /**
   * The number that the server knows this user by; 256 or above if it is on the same link.
   * `undefined` while the channel is not open, and where the relay does not tell.
   */
  get ownNumber() {
    return this.#ownNumber;
  }

  /**
   * How many bytes may be sent now, with the length fields of chunks; `undefined` if the relay
   * knows no windows. A chunk may be longer if nothing else is under way.
   */
  get window() {
    return this.#server?.window;
  }

  /**
   * Sends to the channel's server.
   * @param {Sendable} data
   * @throws {PeoteError} `would-block`, `not-open`, `empty`, `too-long`, `only-rpc`
   * @throws {TypeError} a wrong kind of argument
   */
  send(data) {
    const parties = this.#server ? [this.#server] : [];
    this._sendData(parties, this._local ? undefined : [this._number ?? 0], toBytes(data, 'data'));
  }

  /**
   * Resolves when it is worth trying again what was refused with `would-block`. That can take as
   * long as the connection is away; also when the channel is over.
   * @returns {Promise<void>}
   * @throws {PeoteError} `closed`: the link is closed
   */
  room() {
    return this._roomFor(() => (this.#server ? [this.#server] : []));
  }

  /** Leaves the channel. The server hears of it; there are no further events here. */
  leave() {
    const local = this._local;
    this._close();
    local?.left();
  }

  /** @param {number | undefined} number @param {Entered} [entered] @internal */
  _opened(number, entered) {
    const grant = (/** @type {number} */ bytes) => this._access.end(encodeGrant([this._number ?? 0], bytes));
    this.#server = this._newParty(grant);
    if (entered) this._raised(entered.user, entered.window);
    super._opened(number);
  }

  /** @param {LocalUser} local @internal */
  _openedLocally(local) {
    this.#server = this._newParty((bytes) => local.toServer.grant(bytes));
    this.#server.line = local.toServer;
    this._raised(local.user, this._access.window);
    super._opened(undefined);
  }

  /** @param {number} user @param {number} send @param {number} [receive] @internal */
  _raised(user, send, receive) {
    this.#ownNumber = user;
    if (this.#server?.raise(send, this._access.window, receive)) this.#tellRoom();
  }

  /** The hello is answered: there may be no window after all. @internal */
  _greeted() {
    if (this.#server?.isThere()) this.#tellRoom();
  }

  #tellRoom() {
    this._tell('room', {});
    this._hasRoom();
  }

  /** @internal */
  _cleared() {
    this.#server?.end();
    this.#server = undefined;
    this.#ownNumber = undefined;
    this._local = undefined;
  }

  /** @param {number} bytes @internal */
  _granted(bytes) {
    if (this.#server?.granted(bytes)) this.#tellRoom();
  }

  /** @param {Uint8Array} payload @internal */
  _received(payload) {
    const party = this.#server;
    if (!party) return;
    for (const said of party.push(payload)) {
      // A listener may have left the channel.
      if (this.#server !== party) return;
      if (typeof said !== 'string') this._tell('message', said);
      else this._tell('malicious', { violation: said });
    }
  }
}
