// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Channels of a relay, over WebSocket, in browsers and in Node.js: many channels over one
 * connection, as their server or as their user. No dependencies. README.md beside this file is the
 * guide; docs/PROTOCOL.md says what goes over the wire.
 *
 * ```js
 * import { Link } from './peote-net.js';
 * const link = new Link('ws://localhost:7680');
 * const channel = link.enter('echo');
 * channel.on('open', () => channel.send('hello'));
 * channel.on('message', ({ data }) => console.log(new TextDecoder().decode(data)));
 * ```
 *
 * Everything that happens is an event of a {@link Link} or of a channel. Listeners run while what
 * came is taken apart; one that throws disturbs neither the other channels nor the link.
 * @module
 */

import { constructorOf, millisOf, numberOf, optionsOf, urlOf } from './peote-net-check.js';
import { Commands } from './peote-net-commands.js';
import { Connection } from './peote-net-connection.js';
import { EnteredChannel } from './peote-net-entered.js';
import { PeoteError, REASONS, Target } from './peote-net-event.js';
import { helloOf } from './peote-net-hello.js';
import { OwnChannel } from './peote-net-own.js';
import { Backoff, after, randomOf, reconnectRulesOf } from './peote-net-time.js';
import { MAX_NAME, MAX_WORDS } from './peote-net-wire.js';

export { EnteredChannel } from './peote-net-entered.js';
export { PeoteError } from './peote-net-event.js';
export { OwnChannel } from './peote-net-own.js';

/** @typedef {import('./peote-net-channel.js').Channel<any>} Channel */
/** @typedef {import('./peote-net-channel.js').ChannelOptions} ChannelOptions */
/** @typedef {import('./peote-net-connection.js').LossReason} LossReason */
/** @typedef {import('./peote-net-entered.js').EnterOptions} EnterOptions */
/** @typedef {import('./peote-net-hello.js').HelloOptions} HelloOptions */
/** @typedef {import('./peote-net-own.js').Admission} Admission */
/** @typedef {import('./peote-net-own.js').CreateOptions} CreateOptions */
/** @typedef {import('./peote-net-time.js').ReconnectOptions} ReconnectOptions */

/**
 * Every option may be left out or `undefined`. Milliseconds are above 0, and `Infinity` is no
 * limit.
 * @typedef {OwnLinkOptions & HelloOptions} LinkOptions
 */

/**
 * @typedef {object} OwnLinkOptions
 * @property {typeof WebSocket} [WebSocket] the constructor to use; needed in Node.js before version
 *   22
 * @property {number} [maxBuffered] the most bytes that may wait to be sent, at least 1024, 1 MiB by
 *   default. `send` and the like throw `would-block` rather than have more wait; a single message
 *   above it throws `too-long`
 * @property {number} [silenceLimit] milliseconds after which a relay that says nothing counts as
 *   lost, and up to a quarter later. By default four times as long as the relay lets pass, 20,000
 *   if it does not say how long. Time in which the page was suspended does not count
 * @property {number} [connectTimeout] milliseconds that an attempt to connect may take, 10,000 by
 *   default
 * @property {number} [answerTimeout] milliseconds that the relay may take to answer a command,
 *   15,000 by default, and up to a quarter more. Then the connection counts as lost. Time in which
 *   a command waits for what is sent before it does not count
 * @property {Partial<ReconnectOptions> | false} [reconnect] when to try again after a loss;
 *   `false`: never, the link is then closed
 * @property {() => number} [random] evenly distributed from 0 up to and without 1, `Math.random` by
 *   default
 */

/**
 * The events of a {@link Link}.
 *
 * - `open`: connected; `again` if it was before. Channels are asked for by themselves.
 * - `lost`: an attempt failed, or a connection is lost, for `reason` (with WebSocket's `code`, 1006
 *   if there was none). `unsent` bytes certainly did not arrive; of others nobody knows. The next
 *   attempt is in `retryIn` ms, or never: `undefined`. `error` is what the environment's WebSocket
 *   has thrown, if it has.
 * - `come-back`: the relay is about to close the connection on purpose, and can be reached again in
 *   `delay` ms. The next attempt is not made before.
 * - `closed`: there will be no further attempt. The last event.
 * @typedef {{ open: { again: boolean }, lost: { reason: LossReason, code: number, unsent: number,
 *   retryIn: number | undefined, error: unknown }, 'come-back': { delay: number }, closed: {},
 *   }} LinkEvents
 */

/**
 * @typedef {object} Capabilities
 * @property {boolean} remove users can be removed
 * @property {boolean} block users can be blocked
 * @property {boolean} flow the relay knows windows and admission, and this link takes part
 */

/**
 * How often `room` looks, in milliseconds: WebSockets do not tell when what waited has been sent.
 */
const ROOM_INTERVAL = 10;
/** The bytes of the longest command (section 3.2), with words in front of it. */
const LONGEST_COMMAND = 4 + MAX_NAME + 4 + MAX_WORDS;
/**
 * How many milliseconds words and tokens wait for the relay to say that it knows them. It is the
 * first thing that such a relay says; others may say nothing for 5 s.
 */
const GREETING_TIME = 2_000;
/** How many times a relay's keepalive may be missing (section 11.4). */
const MISSED = 4;
/** The longest delay until the next attempt that a relay may ask for, in milliseconds. */
const LONGEST_BREAK = 3_600_000;
/** @type {readonly (keyof LinkOptions)[]} */
const OPTIONS = [
  'WebSocket', 'maxBuffered', 'silenceLimit', 'connectTimeout', 'answerTimeout', 'reconnect', 'random', 'window', 'keepalive', 'program', 'token',
];

/**
 * One connection to a relay, made again whenever it is lost, with its channels.
 * @extends {Target<LinkEvents>}
 */
export class Link extends Target {
  #url;
  #WebSocket;
  #maxBuffered;
  #limits;
  #hasSilenceLimit;
  #rules;
  #random;
  #backoff;
  /** @type {Connection | undefined} */
  #connection;
  /** @type {'connecting' | 'open' | 'waiting' | 'closed'} */
  #state = 'connecting';
  #wasOpen = false;
  /** @type {() => void} stops the time until the next attempt */
  #stopRetry = () => {};
  /** @type {(() => void) | undefined} there while it is looked whether there is room for commands */
  #stopPump;
  /** @type {Commands<Channel>} */
  #commands;
  /** @type {{ own: Map<number, OwnChannel>, entered: Map<number, EnteredChannel> }} open channels by their numbers */
  #numbers = { own: new Map(), entered: new Map() };
  /** @type {Set<Channel>} all that are not closed, in the order in which they are asked for */
  #channels = new Set();
  #hello;
  /** What was said on this connection: hello, and what the relay has answered. */
  #hasSaidHello = false;
  #takesPart = false;
  /** Whether it is known what the relay knows, or too late to wait for that. */
  #isGreeted = false;
  /** The relay has answered the hello. */
  #isAnswered = false;
  /** @type {() => void} stops the time for it */
  #stopGreeting = () => {};
  /** @type {string | undefined} */
  #relay;
  /** @type {number | undefined} milliseconds, as the relay has said */
  #comeBack;
  /** @type {Set<() => void>} to be called when there is a connection, or never will be */
  #waitsForConnection = new Set();
  /** The bytes of the longest message that was refused for want of room. */
  #refused = 0;

  /**
   * Begins to connect; events come later, never during a call.
   * @param {string | URL} url `ws:` or `wss:`, with any path
   * @param {LinkOptions} [options]
   * @throws {TypeError} a wrong kind of argument, an option that there is not, or no WebSocket in
   *   this environment
   * @throws {RangeError} a number out of range
   * @throws {SyntaxError} if the URL cannot be one of a WebSocket, and whatever else the
   *   environment's WebSocket throws at the first attempt. What it throws later is a loss
   */
  constructor(url, options) {
    super(['open', 'lost', 'come-back', 'closed']);
    /** @type {LinkOptions} */
    const given = optionsOf(options, 'options', OPTIONS);
    this.#url = urlOf(url);
    const WebSocket = constructorOf(given.WebSocket, 'options.WebSocket', globalThis.WebSocket);
    if (!WebSocket) throw new TypeError('options.WebSocket: there is no WebSocket here, so a constructor is wanted');
    this.#WebSocket = WebSocket;
    const isEnough = (/** @type {number} */ bytes) => bytes >= 1024;
    this.#maxBuffered = numberOf(given.maxBuffered, 'options.maxBuffered', 1 << 20, isEnough, 'a number of bytes from 1024 on');
    this.#hello = helloOf(given);
    this.#hasSilenceLimit = given.silenceLimit !== undefined;
    this.#limits = {
      silenceLimit: millisOf(given.silenceLimit, 'options.silenceLimit', 20_000),
      connectTimeout: millisOf(given.connectTimeout, 'options.connectTimeout', 10_000),
    };
    const answerTimeout = millisOf(given.answerTimeout, 'options.answerTimeout', 15_000);
    this.#rules = reconnectRulesOf(given.reconnect);
    this.#random = randomOf(given.random);
    this.#backoff = new Backoff(this.#rules, this.#random);
    this.#access.window = this.#hello.window;
    const sent = () => (this.#connection?.handed ?? 0) - this.bufferedAmount;
    this.#commands = new Commands(answerTimeout, sent, () => this.#lost('no-answer', 1006, undefined), this.#hello.firstTag);
    this.#connect();
  }

  /** `connecting`, `open`, `waiting` for the next attempt, or `closed` for good. */
  get state() {
    return this.#state;
  }

  /** Bytes that wait to be sent, at most `maxBuffered` and a few commands of 5 bytes. */
  get bufferedAmount() {
    return this.#connection?.bufferedAmount ?? 0;
  }

  /**
   * What the relay has announced that it can do beyond the original protocol (section 11.1).
   * @returns {Capabilities}
   */
  get capabilities() {
    const bits = this.#connection?.capabilities ?? 0;
    return { remove: (bits & 1) !== 0, block: (bits & 2) !== 0, flow: this.#takesPart };
  }

  /** Name and version of the relay, if it has said so. */
  get relay() {
    return this.#relay;
  }

  /**
   * Creates a channel, now and after every loss, until it is deleted. Its event `open` or `refused`
   * brings the answer.
   * @param {string | Uint8Array} name up to 255 bytes
   * @param {ChannelOptions & CreateOptions} [options] the users' have to be the same in mode and
   *   maximum chunk size
   * @returns {OwnChannel}
   * @throws {PeoteError} `name-too-long`, `chunk-limit`, `too-many-channels`, `closed`
   * @throws {TypeError} a wrong kind of argument, or an option that there is not
   * @throws {RangeError} a number out of range
   */
  create(name, options) {
    return this.#add(new OwnChannel(this.#access, name, options));
  }

  /**
   * Enters a channel, now and after every loss, until it is left. Its event `open` or `refused`
   * brings the answer. One that this link has created, or is about to, is entered without the
   * relay.
   * @param {string | Uint8Array} name up to 255 bytes
   * @param {ChannelOptions & EnterOptions} [options]
   * @returns {EnteredChannel}
   * @throws {PeoteError} `name-too-long`, `chunk-limit`, `too-many-channels`, `too-long` (the
   *   words), `closed`
   * @throws {TypeError} a wrong kind of argument, or an option that there is not
   */
  enter(name, options) {
    return this.#add(new EnteredChannel(this.#access, name, options));
  }

  /**
   * Resolves when at most half of `maxBuffered` waits to be sent, and what was refused with
   * `would-block` has room. That can take as long as the connection is away. In a page in the
   * background, browsers may look only every second.
   * @returns {Promise<void>}
   * @throws {PeoteError} `closed`
   */
  async room() {
    while (this.#state !== 'open' || this.bufferedAmount > Math.min(this.#maxBuffered / 2, this.#maxBuffered - this.#refused)) {
      if (this.#state === 'closed') throw new PeoteError('closed', 'the link is closed');
      await new Promise((resolve) => {
        if (this.#state === 'open') after(ROOM_INTERVAL, () => resolve(undefined));
        else this.#waitsForConnection.add(() => resolve(undefined));
      });
    }
    this.#refused = 0;
  }

  /**
   * Ends the connection, once what waits has been sent, and all channels; there will be no other.
   */
  close() {
    if (this.#state === 'closed') return;
    // So that the others hear that it was on purpose.
    for (const channel of [...this.#channels]) channel._close();
    this.#end();
  }

  /** @type {import('./peote-net-channel.js').Access} */
  #access = {
    // not known before the options were looked at
    window: 0,
    send: (encode, length) => this.#send(encode, length),
    end: (command) => unlessLost(() => this.#connection?.send(command)),
    capabilities: () => this.capabilities,
    canAsk: () => this.#canAsk,
    willBeRaised: () => this.#hasSaidHello && (this.#takesPart || !this.#isAnswered),
    isGreeting: () => this.#hasSaidHello && !this.#isAnswered,
    forget: (channel) => this.#forget(channel),
    wait: (channel, delay) => this.#wait(channel, delay),
    backoff: () => new Backoff(this.#rules, this.#random),
    room: () => this.room(),
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
    channel._stopRetry = after(delay, () => {
      channel._stopRetry = undefined;
      this.#pump();
    });
  }

  #connect() {
    this.#state = 'connecting';
    this.#connection = new Connection(this.#WebSocket, this.#url, this.#limits, {
      opened: () => this.#opened(),
      unit: (unit) => this.#receive(unit),
      lost: (reason, code, error) => this.#lost(reason, code, error),
    });
  }

  #connectAgain() {
    try {
      this.#connect();
    } catch (error) {
      // Too many sockets, or rules of the page: perhaps not for ever.
      this.#lost('unreachable', 1006, error);
    }
  }

  #opened() {
    this.#state = 'open';
    const again = this.#wasOpen;
    this.#wasOpen = true;
    this.#endWaits();
    this.#stopGreeting = after(GREETING_TIME, () => this.#greeted());
    this._tell('open', { again });
    this.#pump();
  }

  /** It is known whether the relay knows words and tokens, or too late to wait for that. */
  #greeted() {
    if (this.#isGreeted) return;
    this.#stopGreeting();
    this.#isGreeted = true;
    this.#pump();
  }

  /** Says hello, as soon as the relay has announced that it knows what that is. */
  #announced() {
    if (this.#hasSaidHello || ((this.#connection?.capabilities ?? 0) & 4) === 0) return;
    this.#hasSaidHello = true;
    unlessLost(() => this.#connection?.send(this.#hello.commands()));
  }

  /** @param {import('./peote-net-wire.js').RelayHello} hello */
  #heardHello({ takesPart, keepalive, name, comeBack }) {
    if (takesPart !== undefined) {
      const isFirst = !this.#isAnswered;
      [this.#takesPart, this.#isAnswered] = [takesPart, true];
      if (isFirst) for (const channel of [...this.#channels]) channel._greeted();
    }
    this.#relay = name ?? this.#relay;
    if (keepalive && !this.#hasSilenceLimit && this.#connection) this.#connection.silenceLimit = MISSED * 1000 * keepalive;
    if (comeBack === undefined) return;
    this.#comeBack = Math.min(comeBack, LONGEST_BREAK);
    this._tell('come-back', { delay: this.#comeBack });
  }

  #endWaits() {
    for (const end of this.#waitsForConnection) end();
    this.#waitsForConnection.clear();
  }

  /**
   * @param {LossReason} reason
   * @param {number} code
   * @param {unknown} error
   */
  #lost(reason, code, error) {
    const comeBack = this.#comeBack;
    const unsent = this.#drop();
    const delay = this.#backoff.next();
    // A relay may ask for a longer pause than the rules have, and not for a shorter one.
    const retryIn = delay === undefined ? undefined : Math.max(comeBack ?? 0, delay);
    this.#state = 'waiting';
    if (retryIn !== undefined) this.#stopRetry = after(retryIn, () => this.#connectAgain());
    this._tell('lost', { reason, code, unsent, retryIn, error });
    for (const channel of [...this.#channels]) {
      channel._ended(reason === 'no-answer' && channel.state === 'asked' ? 'no-answer' : 'link-lost');
    }
    // A listener may have closed it.
    if (retryIn === undefined && this.state !== 'closed') this.#end();
  }

  /** Gives the connection up; returns how many bytes it had not sent. */
  #drop() {
    const connection = this.#connection;
    const unsent = this.bufferedAmount;
    this.#connection = undefined;
    this.#commands.clear();
    this.#numbers = { own: new Map(), entered: new Map() };
    this.#hasSaidHello = this.#takesPart = this.#isGreeted = this.#isAnswered = false;
    this.#comeBack = undefined;
    this.#stopGreeting();
    this.#stopRetry();
    this.#stopPump?.();
    this.#stopPump = undefined;
    connection?.close();
    return unsent;
  }

  #end() {
    this.#state = 'closed';
    this.#drop();
    for (const channel of [...this.#channels]) channel._close();
    this.#channels.clear();
    this.#endWaits();
    this._tell('closed', {});
  }

  /**
   * @param {() => Uint8Array} encode
   * @param {number} length of what it makes
   */
  #send(encode, length) {
    if (this.#state !== 'open' || !this.#connection) throw new PeoteError('not-open', 'there is no connection to the relay');
    if (length > this.#maxBuffered) {
      throw new PeoteError('too-long', `a message of ${length} bytes; maxBuffered is ${this.#maxBuffered}`);
    }
    if (this.bufferedAmount + length > this.#maxBuffered) {
      this.#refused = Math.max(this.#refused, length);
      throw new PeoteError('would-block', `${this.bufferedAmount} bytes wait to be sent already; await link.room()`);
    }
    this.#connection.send(encode());
  }

  /**
   * Asks the relay for the channels that are to be asked for, as far as there is room and there are
   * tags.
   */
  #pump() {
    if (this.#state !== 'open') return;
    let mustWait = false;
    for (const channel of this.#channels) {
      if (channel.state !== 'waiting' || channel._stopRetry !== undefined) continue;
      if (channel instanceof EnteredChannel && this.#enterLocally(channel)) continue;
      // Words and tokens count only behind the hello.
      if (!this.#isGreeted && (this.#hello.hasToken || channel._words.length > 0)) {
        mustWait = true;
        continue;
      }
      // The next answer makes a tag free.
      if (this.#commands.isFull) return;
      if (this.bufferedAmount + LONGEST_COMMAND > this.#maxBuffered) {
        this.#stopPump ??= after(ROOM_INTERVAL, () => {
          this.#stopPump = undefined;
          this.#pump();
        });
        return;
      }
      const end = (this.#connection?.handed ?? 0) + 1;
      const tag = this.#commands.add(channel, end);
      if (!unlessLost(() => channel._ask(tag, this.#hasSaidHello))) return;
    }
    if (mustWait) unlessLost(() => this.#connection?.begin());
  }

  /** Whether the server of a channel is on this link. @param {EnteredChannel} channel */
  #enterLocally(channel) {
    const isServer = (/** @type {Channel} */ other) => other instanceof OwnChannel && other._hasNameOf(channel);
    const server = [...this.#channels].find(isServer);
    if (!(server instanceof OwnChannel)) return false;
    channel._asked();
    server._enterLocally(channel);
    return true;
  }

  /** @param {import('./peote-net-wire.js').Unit} unit */
  #receive(unit) {
    this.#understand(unit);
    if (this.#state === 'open') this.#greeted();
  }

  /** @param {import('./peote-net-wire.js').Unit} unit */
  #understand(unit) {
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
      case 'data':
        if (unit.user === undefined) return entered.get(unit.channel)?._received(unit.payload);
        return own.get(unit.channel)?._receivedFrom(unit.user, unit.payload);
      case 'grant':
        if (unit.user === undefined) return entered.get(unit.channel)?._granted(unit.bytes);
        return own.get(unit.channel)?._granted(unit.user, unit.bytes);
      case 'raised':
        if (unit.isOwn) return own.get(unit.channel)?._raised(unit.user, unit.send, unit.receive);
        return entered.get(unit.channel)?._raised(unit.user, unit.send, unit.receive);
      case 'knock':
        return own.get(unit.channel)?._knocked(unit.user, unit.ticket, unit.window, unit.words);
      case 'hello':
        return this.#heardHello(unit.hello);
      case 'keepalive':
        return this.#announced();
    }
  }

  /** Whether users can be kept outside; the hello may not be answered yet. */
  get #canAsk() {
    return this.#hasSaidHello && this.capabilities.remove;
  }

  /**
   * @param {{ tag: number, refused: boolean, value: number, entered?: import('./peote-net-wire.js').Entered, words?: Uint8Array
   *   }} answer
   */
  #answered({ tag, refused, value, entered, words }) {
    const channel = this.#commands.take(tag);
    if (!channel) return;
    this.#backoff.attempts = 0;
    // Numbers are 0 to 127; a relay that says another one has not said which.
    const reason = refused ? (REASONS[channel._kind === 'own' ? 'create' : 'enter'][value] ?? 'unknown') : 'unknown';
    if (refused || value > 127) {
      channel._ended(reason, words);
    } else if (channel instanceof OwnChannel && channel._wantsToAsk && !this.#canAsk) {
      channel._end(value);
      channel._ended('unsupported');
    } else if (channel.state === 'closed') {
      // It was deleted or left before the answer came.
      channel._end(value);
    } else {
      const numbers = /** @type {Map<number, Channel>} */ (this.#numbers[channel._kind]);
      const former = numbers.get(value);
      numbers.set(value, channel);
      // Only a relay that has lost count gives out a number twice.
      former?._ended('unknown');
      channel._opened(value, entered);
    }
    this.#pump();
  }
}

/**
 * Does what sends something. Whether it was sent; if not, the connection is lost, and the loss is
 * told later.
 * @param {() => void} send
 */
function unlessLost(send) {
  try {
    send();
    return true;
  } catch (error) {
    if (!(error instanceof PeoteError)) throw error;
    return false;
  }
}
