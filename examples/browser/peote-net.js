// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Channels of a relay, over WebSocket, in browsers and in Node.js: many channels over one connection, as their server or as
 * their user. No dependencies. README.md beside this file is the guide; docs/PROTOCOL.md says what goes over the wire.
 *
 * ```js
 * import { Link } from './peote-net.js';
 * const link = new Link('ws://localhost:7680');
 * const channel = link.enter('echo');
 * channel.on('open', () => channel.send('hello'));
 * channel.on('message', ({ data }) => console.log(new TextDecoder().decode(data)));
 * ```
 *
 * Everything that happens is an event of a {@link Link} or of a channel. Listeners run while what came is taken apart; one that
 * throws disturbs neither the other channels nor the link.
 * @module
 */

import { Backoff, EnteredChannel, OwnChannel, PeoteError, REASONS, Target } from './peote-net-channel.js';
import { Decoder, MAX_NAME } from './peote-net-wire.js';

export { EnteredChannel, OwnChannel, PeoteError } from './peote-net-channel.js';

/** @typedef {import('./peote-net-channel.js').Channel<any>} Channel */
/** @typedef {import('./peote-net-channel.js').ChannelOptions} ChannelOptions */
/** @typedef {import('./peote-net-channel.js').ReconnectOptions} ReconnectOptions */


/**
 * @typedef {object} LinkOptions
 * @property {typeof WebSocket} [WebSocket] the constructor to use; needed in Node.js before version 22
 * @property {number} [maxBuffered] the most bytes that may wait to be sent, at least 1024, 1 MiB by default. `send` and the like throw
 *   `would-block` rather than have more wait; a single message above it throws `too-long`
 * @property {number} [silenceLimit] milliseconds after which a relay that says nothing counts as lost, 20,000 by default, and
 *   up to a quarter later; it says something every 5 s. Time in which the page was suspended does not count
 * @property {number} [connectTimeout] milliseconds that an attempt to connect may take, 10,000 by default
 * @property {Partial<ReconnectOptions> | false} [reconnect] when to try again after a loss; `false`: never, the link is then closed
 * @property {() => number} [random] evenly distributed from 0 up to and without 1, `Math.random` by default
 */

/**
 * What was wrong with a connection: `unreachable` never came about (browsers do not tell why), `timeout` neither in time;
 * `closed` was ended by the other side or the network; `silent` said nothing for the silence limit; `not-a-relay` said what a relay
 * does not say.
 * @typedef {'unreachable' | 'timeout' | 'closed' | 'silent' | 'not-a-relay'} LossReason
 */

/**
 * The events of a {@link Link}.
 *
 * - `open`: connected; `again` if it was before. Channels are asked for by themselves.
 * - `lost`: an attempt failed, or a connection is lost, for `reason` (with WebSocket's `code`, 1006 if there was none). `unsent` bytes
 *   certainly did not arrive; of others nobody knows. The next attempt is in `retryIn` ms, or never: `undefined`.
 * - `closed`: there will be no further attempt. The last event.
 * @typedef {{
 *   open: { again: boolean },
 *   lost: { reason: LossReason, code: number, unsent: number, retryIn: number | undefined },
 *   closed: {},
 * }} LinkEvents
 */

/** How often silence is looked at in the time of its limit. It is noticed by a quarter of the limit later. */
const TICKS = 4;
/** How often `room` looks, in milliseconds: WebSockets do not tell when what waited has been sent. */
const ROOM_INTERVAL = 10;
/** The bytes of the longest command (section 3.2). */
const LONGEST_COMMAND = 4 + MAX_NAME;

/**
 * One connection to a relay, made again whenever it is lost, with its channels.
 * @extends {Target<LinkEvents>}
 */
export class Link extends Target {
  #url;
  #WebSocket;
  #maxBuffered;
  #silenceLimit;
  #connectTimeout;
  #rules;
  #random;
  #backoff;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {'connecting' | 'open' | 'waiting' | 'closed'} */
  #state = 'connecting';
  #wasOpen = false;
  #capabilities = 0;
  /** Of silence. */
  #ticks = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} the next attempt, the end of this one, or the next tick */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} looks whether there is room for commands */
  #pumpTimer;
  #tag = 0;
  /** @type {Map<number, Channel>} commands that wait for their answers */
  #asked = new Map();
  /** @type {{ own: Map<number, OwnChannel>, entered: Map<number, EnteredChannel> }} open channels by their numbers */
  #numbers = { own: new Map(), entered: new Map() };
  /** @type {Set<Channel>} all that are not closed, in the order in which they are asked for */
  #channels = new Set();

  /**
   * Begins to connect; events come later, never during a call.
   * @param {string | URL} url `ws:` or `wss:`, with any path
   * @param {LinkOptions} [options]
   * @throws {SyntaxError} if the URL cannot be one of a WebSocket
   * @throws {RangeError} if `maxBuffered` is below 1024
   */
  constructor(url, options = {}) {
    super();
    this.#url = url;
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (!this.#WebSocket) throw new TypeError('there is no WebSocket here: pass a constructor in options.WebSocket');
    this.#maxBuffered = options.maxBuffered ?? 1 << 20;
    if (!(this.#maxBuffered >= 1024)) throw new RangeError('maxBuffered is at least 1024 bytes');
    this.#silenceLimit = options.silenceLimit ?? 20_000;
    this.#connectTimeout = options.connectTimeout ?? 10_000;
    this.#random = options.random ?? Math.random;
    const rules = { first: 250, greatest: 30_000, jitter: 0.5, attempts: Infinity };
    this.#rules = options.reconnect === false ? undefined : { ...rules, ...options.reconnect };
    this.#backoff = new Backoff(this.#rules, this.#random);
    this.#connect();
  }

  /** `connecting`, `open`, `waiting` for the next attempt, or `closed` for good. */
  get state() {
    return this.#state;
  }

  /** Bytes that wait to be sent, at most `maxBuffered` and a few commands of 5 bytes. */
  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** What the relay has announced that it can do beyond the original protocol (section 11.1). */
  get capabilities() {
    return { remove: (this.#capabilities & 1) !== 0, block: (this.#capabilities & 2) !== 0 };
  }

  /**
   * Creates a channel, now and after every loss, until it is deleted. Its event `open` or `refused` brings the answer.
   * @param {string | Uint8Array} name up to 255 bytes
   * @param {ChannelOptions} [options] the users' have to be the same in mode and maximum chunk size
   * @throws {PeoteError} `name-too-long`, `chunk-limit`, `too-many-channels`, `closed`
   */
  create(name, options) {
    return this.#add(new OwnChannel(this.#access, name, options));
  }

  /**
   * Enters a channel of another connection, now and after every loss, until it is left. Its event `open` or `refused` brings the
   * answer.
   * @param {string | Uint8Array} name up to 255 bytes
   * @param {ChannelOptions} [options]
   * @throws {PeoteError} `name-too-long`, `chunk-limit`, `too-many-channels`, `closed`
   */
  enter(name, options) {
    return this.#add(new EnteredChannel(this.#access, name, options));
  }

  /**
   * Resolves when at most half of `maxBuffered` waits to be sent, which can take as long as the connection is away.
   * In a page in the background, browsers may look only every second.
   * @returns {Promise<void>}
   * @throws {PeoteError} `closed`
   */
  async room() {
    while (this.#state !== 'open' || this.bufferedAmount > this.#maxBuffered / 2) {
      if (this.#state === 'closed') throw new PeoteError('closed', 'the link is closed');
      await new Promise((resolve) => setTimeout(resolve, ROOM_INTERVAL));
    }
  }

  /** Ends the connection, once what waits has been sent, and all channels; there will be no other. */
  close() {
    if (this.#state === 'closed') return;
    // So that the others hear that it was on purpose.
    for (const channel of [...this.#channels]) channel._close();
    this.#end();
  }

  /** @type {import('./peote-net-channel.js').Access} */
  #access = {
    send: (encode, length) => this.#send(encode, length),
    end: (command) => this.#socket?.send(/** @type {Uint8Array<ArrayBuffer>} */ (command)),
    capabilities: () => this.capabilities,
    forget: (channel) => this.#forget(channel),
    wait: (channel, delay) => this.#wait(channel, delay),
    backoff: () => new Backoff(this.#rules, this.#random),
  };

  /**
   * @template {Channel} C
   * @param {C} channel
   * @returns {C}
   */
  #add(channel) {
    if (this.#state === 'closed') throw new PeoteError('closed', 'the link is closed');
    const same = [...this.#channels].filter((other) => other._kind === channel._kind);
    if (same.length >= 128) throw new PeoteError('too-many-channels', 'this link has 128 channels of this kind already');
    this.#channels.add(channel);
    this.#pump();
    return channel;
  }

  /** @param {Channel} channel */
  #forget(channel) {
    this.#channels.delete(channel);
    const number = channel._number;
    const numbers = /** @type {Map<number, Channel>} */ (this.#numbers[channel._kind]);
    // What is under way for the number is stale from here on (section 4.8).
    if (number !== undefined && numbers.get(number) === channel) numbers.delete(number);
  }

  /**
   * @param {Channel} channel
   * @param {number | undefined} delay
   */
  #wait(channel, delay) {
    this.#channels.add(channel);
    if (delay === undefined) return;
    const ask = () => {
      channel._retryTimer = undefined;
      this.#pump();
    };
    channel._retryTimer = setTimeout(ask, delay);
  }

  #connect() {
    const socket = new this.#WebSocket(this.#url);
    this.#socket = socket;
    this.#state = 'connecting';
    socket.binaryType = 'arraybuffer';
    const decoder = new Decoder();
    // A socket that has been given up says nothing any more.
    const mine = (/** @type {(event: any) => void} */ act) => (/** @type {any} */ event) => {
      if (this.#socket === socket) act(event);
    };
    socket.onopen = mine(() => this.#opened());
    socket.onmessage = mine(({ data }) => {
      this.#ticks = 0;
      if (!(data instanceof ArrayBuffer)) return this.#lost('not-a-relay', 1003);
      for (const unit of decoder.push(new Uint8Array(data))) {
        this.#receive(unit);
        // A listener may have closed the link.
        if (this.#socket !== socket) return;
      }
    });
    socket.onclose = mine(({ code }) => this.#lost(this.#state === 'open' ? 'closed' : 'unreachable', code ?? 1006));
    // `close` always follows; without a listener, some implementations throw.
    socket.onerror = () => {};
    this.#timer = setTimeout(() => this.#lost('timeout', 1006), this.#connectTimeout);
  }

  #opened() {
    this.#state = 'open';
    this.#watch();
    const again = this.#wasOpen;
    this.#wasOpen = true;
    this._tell('open', { again });
    this.#pump();
  }

  /**
   * Counts silence in ticks rather than by the clock: a page that was suspended wakes up to one late tick, and to what has come
   * meanwhile.
   */
  #watch() {
    clearTimeout(this.#timer);
    this.#ticks = 0;
    const tick = () => {
      this.#ticks += 1;
      // Bit 7: silence means nothing.
      if (this.#ticks > TICKS && this.#capabilities < 128) return this.#lost('silent', 1006);
      this.#timer = setTimeout(tick, this.#silenceLimit / TICKS);
    };
    this.#timer = setTimeout(tick, this.#silenceLimit / TICKS);
  }

  /**
   * @param {LossReason} reason
   * @param {number} code
   */
  #lost(reason, code) {
    const unsent = this.#drop();
    const retryIn = this.#backoff.next();
    this.#state = 'waiting';
    if (retryIn !== undefined) this.#timer = setTimeout(() => this.#connect(), retryIn);
    this._tell('lost', { reason, code, unsent, retryIn });
    for (const channel of [...this.#channels]) channel._ended('link-lost');
    // A listener may have closed it.
    if (retryIn === undefined && this.state !== 'closed') this.#end();
  }

  /** Gives the socket up; returns how many bytes it had not sent. */
  #drop() {
    const socket = this.#socket;
    const unsent = this.bufferedAmount;
    this.#socket = undefined;
    this.#capabilities = 0;
    this.#asked.clear();
    this.#numbers = { own: new Map(), entered: new Map() };
    clearTimeout(this.#timer);
    clearTimeout(this.#pumpTimer);
    this.#pumpTimer = undefined;
    socket?.close();
    return unsent;
  }

  #end() {
    this.#state = 'closed';
    this.#drop();
    for (const channel of [...this.#channels]) channel._close();
    this.#channels.clear();
    this._tell('closed', {});
  }

  /**
   * @param {() => Uint8Array} encode
   * @param {number} length of what it makes
   */
  #send(encode, length) {
    if (this.#state !== 'open' || !this.#socket) throw new PeoteError('not-open', 'there is no connection to the relay');
    if (length > this.#maxBuffered) {
      throw new PeoteError('too-long', `a message of ${length} bytes; maxBuffered is ${this.#maxBuffered}`);
    }
    if (this.bufferedAmount + length > this.#maxBuffered) {
      throw new PeoteError('would-block', `${this.bufferedAmount} bytes wait to be sent already; await link.room()`);
    }
    this.#socket.send(/** @type {Uint8Array<ArrayBuffer>} */ (encode()));
  }

  /** Asks the relay for the channels that are to be asked for, as far as there is room and there are tags. */
  #pump() {
    if (this.#state !== 'open') return;
    for (const channel of this.#channels) {
      if (channel.state !== 'waiting' || channel._retryTimer !== undefined) continue;
      // The next answer makes a tag free.
      if (this.#asked.size === 255) return;
      if (this.bufferedAmount + LONGEST_COMMAND > this.#maxBuffered) {
        const again = () => {
          this.#pumpTimer = undefined;
          this.#pump();
        };
        this.#pumpTimer ??= setTimeout(again, ROOM_INTERVAL);
        return;
      }
      do this.#tag = (this.#tag % 255) + 1;
      while (this.#asked.has(this.#tag));
      this.#asked.set(this.#tag, channel);
      channel._ask(this.#tag);
    }
  }

  /** @param {import('./peote-net-wire.js').Unit} unit */
  #receive(unit) {
    const { own, entered } = this.#numbers;
    switch (unit.kind) {
      case 'answer':
        return this.#answered(unit);
      case 'user-entered':
        return own.get(unit.channel)?._userEntered(unit.user);
      case 'user-gone':
        return own.get(unit.channel)?._userGone(unit.user, REASONS.end[unit.code] ?? 'unknown');
      case 'channel-gone':
        return entered.get(unit.channel)?._ended(REASONS.end[unit.code] ?? 'unknown');
      case 'keepalive':
        if (unit.capabilities !== undefined) this.#capabilities = unit.capabilities;
        return;
      case 'data':
        if (unit.user === undefined) return entered.get(unit.channel)?._received(unit.payload);
        return own.get(unit.channel)?._receivedFrom(unit.user, unit.payload);
    }
  }

  /** @param {{ tag: number, refused: boolean, value: number }} answer */
  #answered({ tag, refused, value }) {
    const channel = this.#asked.get(tag);
    if (!channel) return;
    this.#asked.delete(tag);
    this.#backoff.attempts = 0;
    // Numbers are 0 to 127; a relay that says another one has not said which.
    const reason = refused ? (REASONS[channel._kind === 'own' ? 'create' : 'enter'][value] ?? 'unknown') : 'unknown';
    if (refused || value > 127) {
      channel._ended(reason);
    } else if (channel.state === 'closed') {
      // It was deleted or left before the answer came.
      channel._end(value);
    } else {
      const numbers = /** @type {Map<number, Channel>} */ (this.#numbers[channel._kind]);
      const former = numbers.get(value);
      numbers.set(value, channel);
      // Only a relay that has lost count gives out a number twice.
      former?._ended('unknown');
      channel._opened(value);
    }
    this.#pump();
  }
}

