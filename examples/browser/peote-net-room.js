// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Rooms without a dedicated server: the first program that comes serves the room, others enter it.
 * When the server goes, one of the users takes over.
 *
 * ```js
 * const room = new Room(link, 'tea');
 * room.on('serving', ({ channel }) => channel.on('message', ({ user, data }) => channel.broadcast(data, { except: user })));
 * room.on('entered', ({ channel }) => channel.send('hello'));
 * room.on('refused', ({ reason }) => console.log(`cannot be in the room: ${reason}`));
 * ```
 *
 * All programs of a room use the same name, mode and maximum chunk size. What the server knew is gone
 * with it: one that takes over asks the users, or they tell it, as each of them enters again. A relay
 * notices a connection that was cut off some time later; until then such a room has a server that
 * says nothing.
 * @module
 */

import { optionsOf } from './peote-net-check.js';
import { EnteredChannel } from './peote-net-entered.js';
import { Target } from './peote-net-event.js';
import { Backoff, after } from './peote-net-time.js';

/** @typedef {import('./peote-net-channel.js').ChannelOptions} ChannelOptions */
/** @typedef {import('./peote-net-entered.js').EnterOptions} EnterOptions */
/** @typedef {import('./peote-net-event.js').Reason} Reason */
/** @typedef {import('./peote-net-own.js').CreateOptions} CreateOptions */
/** @typedef {import('./peote-net-own.js').OwnChannel} OwnChannel */
/** @typedef {import('./peote-net.js').Link} Link */

/**
 * Those of the channel, whichever of the two it is; `retry` is the room's.
 * @typedef {Omit<ChannelOptions, 'retry'> & CreateOptions & EnterOptions} RoomOptions
 */

/**
 * - `serving`: this program is the room's server;
 * - `entered`: it is a user of the room, which another one serves;
 * - `out`: it is no longer in the room, and goes in again by itself, as server or user;
 * - `refused`: it cannot be in the room, for a reason that does not pass by itself: `removed` if the
 *   server has removed it. `join` tries again.
 * @typedef {{ serving: { channel: OwnChannel }, entered: { channel: EnteredChannel }, out: { reason: Reason },
 *   refused: { reason: Reason, words: Uint8Array } }} RoomEvents
 */

/** Delays double from the first one after an attempt that failed because others were faster. */
const RULES = { first: 50, greatest: 4_000, jitter: 1, attempts: Infinity };
/** Others were faster, or it may pass by itself. */
const LATER = new Set(['name-in-use', 'server-silent', 'already-entered', 'own-channel']);
/** The connection is lost: the next one asks again. */
const LOSSES = new Set(['link-lost', 'no-answer']);

/**
 * One program's part in a room.
 * @extends {Target<RoomEvents>}
 */
export class Room extends Target {
  #link;
  #name;
  #both;
  #create;
  #enter;
  #backoff;
  /** @type {OwnChannel | EnteredChannel | undefined} asked for, or open */
  #channel;
  #isIn = false;
  #isServer = false;
  #hasLeft = true;
  /** @type {() => void} */
  #stop = () => {};
  /** Ends listening to the link: a room that was left is not kept by it. */
  #listening = new AbortController();

  /**
   * Begins to go in; events come later, never during a call.
   * @param {Link} link
   * @param {string | Uint8Array} name
   * @param {RoomOptions} [options]
   * @throws {import('./peote-net-event.js').PeoteError} those of `Link.create` and `Link.enter`
   * @throws {TypeError} a wrong kind of argument, or an option that there is not
   */
  constructor(link, name, options) {
    super(['serving', 'entered', 'out', 'refused']);
    /** @type {Partial<RoomOptions>} */
    const { mode, maxChunk, admission, mostUsers, words } = optionsOf(options, 'options', ['mode', 'maxChunk', 'admission', 'mostUsers', 'words']);
    this.#link = link;
    this.#name = name;
    this.#both = { mode, maxChunk, retry: /** @type {const} */ ('never') };
    this.#create = { admission, mostUsers };
    this.#enter = { words };
    this.#backoff = new Backoff(RULES, Math.random);
    this.join();
  }

  /** The channel, if this program is in the room: its own if it is the server. */
  get channel() {
    return this.#isIn ? this.#channel : undefined;
  }

  /** Whether this program is the room's server. */
  get isServer() {
    return this.#isIn && this.#isServer;
  }

  /** Leaves the room, or gives up going in. A server that leaves lets a user take over. */
  leave() {
    this.#out();
    this.#isIn = false;
    this.#stop();
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel instanceof EnteredChannel) channel.leave();
    else channel?.delete();
  }

  /** Goes in after `leave` or `refused`. Does nothing if the program is in, or on its way. */
  join() {
    if (!this.#hasLeft) return;
    this.#ask(false);
    this.#hasLeft = false;
    this.#backoff.attempts = 0;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const opened = () => {
      if (!this.#hasLeft && !this.#channel) this.#ask(false);
    };
    this.#link.on('open', opened, { signal });
  }

  /** It does not go in any more. */
  #out() {
    this.#hasLeft = true;
    this.#listening.abort();
  }

  /** @param {boolean} isServer whether the room is to be created */
  #ask(isServer) {
    this.#stop();
    this.#isServer = isServer;
    const options = { ...this.#both, ...(isServer ? this.#create : this.#enter) };
    const channel = isServer ? this.#link.create(this.#name, options) : this.#link.enter(this.#name, options);
    this.#channel = channel;
    /** @type {any} */
    const target = channel;
    // One that was left says nothing more, but a listener may have left in the middle of it.
    const mine = (/** @type {(event: any) => void} */ act) => (/** @type {any} */ event) => {
      if (this.#channel === channel) act(event);
    };
    target.on('open', mine(() => this.#opened(channel)));
    target.on('refused', mine(({ reason, words }) => this.#refused(reason, words)));
    target.on('lost', mine(({ reason }) => this.#lost(reason)));
  }

  /** @param {any} channel */
  #opened(channel) {
    this.#isIn = true;
    this.#backoff.attempts = 0;
    this._tell(this.#isServer ? 'serving' : 'entered', { channel });
  }

  /** @param {Reason} reason @param {Uint8Array} words */
  #refused(reason, words) {
    this.#channel = undefined;
    if (LOSSES.has(reason)) return;
    if (reason === 'no-such-channel') return this.#later(0, true);
    if (!LATER.has(reason)) return this.#end(reason, words);
    const isFirst = reason === 'name-in-use' && this.#backoff.attempts === 0;
    const delay = this.#backoff.next() ?? 0;
    this.#later(isFirst ? 0 : delay, false);
  }

  /** @param {Reason} reason */
  #lost(reason) {
    this.#channel = undefined;
    this.#isIn = false;
    if (reason === 'removed') return this.#end(reason, new Uint8Array(0));
    // The server is gone: the fastest takes over.
    if (!LOSSES.has(reason)) this.#later(0, true);
    this._tell('out', { reason });
  }

  /** @param {Reason} reason @param {Uint8Array} words */
  #end(reason, words) {
    this.#out();
    this._tell('refused', { reason, words });
  }

  /** @param {number} delay @param {boolean} isServer */
  #later(delay, isServer) {
    this.#stop();
    this.#stop = after(delay, () => {
      if (!this.#hasLeft && !this.#channel && this.#link.state === 'open') this.#ask(isServer);
    });
  }
}
