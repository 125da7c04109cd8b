// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Users on the same link as the channel's server: what they say goes from one to the other without
 * the relay, over a simulated line. Programs use `peote-net.js`, which is built on this.
 * @module
 */

import { millisOrNone, numberOf, optionsOf } from './peote-net-check.js';
import { after } from './peote-net-time.js';

/** @typedef {import('./peote-net-entered.js').EnteredChannel} EnteredChannel */
/** @typedef {import('./peote-net-event.js').Reason} Reason */
/** @typedef {import('./peote-net-own.js').OwnChannel} OwnChannel */

/**
 * The line that users on the same link have to the server, and it to them. Each user has its own. A
 * message leaves when those before it have left and its bytes are through, and arrives half a round
 * trip after that.
 * @typedef {object} SimulatedLine
 * @property {number} [roundTrip] milliseconds, 0 by default
 * @property {number} [bytesPerSecond] in each direction; `Infinity`, no limit, by default
 */

/** The first number of local users; those below come from the relay. */
const FIRST = 256;
/** The end of the numbers. */
const END = 65_536;
/** Milliseconds after which one that is not answered goes, as from a relay (section 11.7). */
const KNOCK_TIME = 10_000;
/** How many things may happen before timers and the page have their turn. */
const MOST_AT_ONCE = 256;

let atOnce = 0;

/** Later, but soon: never during the call. @param {() => void} act */
function soon(act) {
  atOnce += 1;
  if (atOnce < MOST_AT_ONCE) return queueMicrotask(act);
  after(0, () => {
    atOnce = 0;
    act();
  });
}

/** One direction: what was said arrives in that order. */
export class Line {
  /** @type {{ due: number, act: () => void }[]} */
  #queue = [];
  #busyUntil = 0;
  #simulated;
  #deliver;
  #grant;

  /**
   * @param {() => Required<SimulatedLine>} simulated
   * @param {(payload: Uint8Array) => void} deliver
   * @param {(bytes: number) => void} grant
   */
  constructor(simulated, deliver, grant) {
    this.#simulated = simulated;
    this.#deliver = deliver;
    this.#grant = grant;
  }

  /** @param {readonly number[]} field @param {Uint8Array} bytes */
  data(field, bytes) {
    const whole = new Uint8Array(field.length + bytes.length);
    whole.set(field);
    whole.set(bytes, field.length);
    this.send(whole.length, () => this.#deliver(whole));
  }

  /** @param {number} bytes */
  grant(bytes) {
    this.send(0, () => this.#grant(bytes));
  }

  /** @param {number} length in bytes @param {() => void} act */
  send(length, act) {
    const { roundTrip, bytesPerSecond } = this.#simulated();
    this.#busyUntil = Math.max(this.#busyUntil, performance.now()) + (length * 1000) / bytesPerSecond;
    this.#queue.push({ due: this.#busyUntil + roundTrip / 2, act });
    if (this.#queue.length === 1) this.#wait();
  }

  #wait() {
    const delay = this.#queue[0].due - performance.now();
    const arrive = () => {
      const { act } = this.#queue[0];
      try {
        act();
      } finally {
        this.#queue.shift();
        if (this.#queue.length > 0) this.#wait();
      }
    };
    if (delay <= 0) soon(arrive);
    else after(Math.ceil(delay), arrive);
  }
}

/** One user on the same link. */
export class LocalUser {
  #server;
  #isOver = false;
  /** Stops the time in which its knock is to be answered. */
  stopKnock = () => {};

  /**
   * @param {OwnChannel} server
   * @param {EnteredChannel} channel
   * @param {number} user its number
   * @param {() => Required<SimulatedLine>} simulated
   */
  constructor(server, channel, user, simulated) {
    this.#server = server;
    this.channel = channel;
    this.user = user;
    /** The way to the server. */
    this.toServer = new Line(
      simulated,
      (payload) => this.#isOver || server._receivedFrom(user, payload),
      (bytes) => this.#isOver || server._granted(user, bytes),
    );
    /** The way to the user. */
    this.toUser = new Line(
      simulated,
      (payload) => this.tell(() => channel._received(payload)),
      (bytes) => this.tell(() => channel._granted(bytes)),
    );
  }

  /** For the server it is not there any more. */
  end() {
    this.#isOver = true;
    this.stopKnock();
  }

  /** Does what the user hears, if it is there. @param {() => void} act */
  tell(act) {
    if (this.channel._local === this) act();
  }

  /** The user has left. */
  left() {
    this.toServer.send(0, () => this.#isOver || this.#server._leftLocally(this.user));
  }
}

/** Those of one own channel. */
export class LocalUsers {
  #server;
  /** @type {Map<number, LocalUser>} */
  #users = new Map();
  /** @type {Set<EnteredChannel>} that wait for the channel to be open */
  #waiting = new Set();
  #next = FIRST;
  #isBlocked = false;
  /** @type {Required<SimulatedLine>} */
  #simulated = { roundTrip: 0, bytesPerSecond: Infinity };

  /** @param {OwnChannel} server */
  constructor(server) {
    this.#server = server;
  }

  /** @param {SimulatedLine | undefined} line */
  simulate(line) {
    /** @type {SimulatedLine} */
    const { roundTrip, bytesPerSecond } = optionsOf(line, 'line', ['roundTrip', 'bytesPerSecond']);
    const isRate = (/** @type {number} */ rate) => rate > 0;
    this.#simulated = {
      roundTrip: millisOrNone(roundTrip, 'line.roundTrip'),
      bytesPerSecond: numberOf(bytesPerSecond, 'line.bytesPerSecond', Infinity, isRate, 'a number of bytes above 0'),
    };
  }

  /** The channel is open. */
  opened() {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const channel of waiting) if (channel.state === 'asked') this.add(channel);
  }

  /** A user comes. @param {EnteredChannel} channel */
  add(channel) {
    if (this.#server.state !== 'open') {
      this.#waiting.add(channel);
      return;
    }
    while (this.#users.has(this.#next)) this.#next = this.#next + 1 < END ? this.#next + 1 : FIRST;
    const user = this.#next;
    this.#next = user + 1 < END ? user + 1 : FIRST;
    const local = new LocalUser(this.#server, channel, user, () => this.#simulated);
    channel._local = local;
    if (this.#isBlocked) return local.toUser.send(0, () => local.tell(() => channel._ended('blocked')));
    this.#users.set(user, local);
    // Who need not be asked about is told at once, as by a relay in the middle of the way.
    const isIn = this.#server._isOpenToAll;
    const enter = () => local.toUser.send(0, () => local.tell(() => channel._openedLocally(local)));
    if (isIn) enter();
    local.toServer.send(0, () => {
      if (this.#users.get(user) !== local) return;
      local.stopKnock = after(KNOCK_TIME, () => {
        this.#turnAway(local, 'server-silent');
        this.#server._userGone(user, 'on-purpose');
      });
      this.#server._knocks(user, {
        words: channel._words,
        admit: () => {
          local.stopKnock();
          if (!isIn) enter();
          return this.#server._newLocalUser(local);
        },
        refuse: (code, words) => this.#turnAway(local, code === 4 ? 'channel-full' : 'refused-by-server', words),
      });
    });
  }

  /** It is not let in. @param {LocalUser} local @param {Reason} reason @param {Uint8Array} [words] */
  #turnAway(local, reason, words) {
    this.forget(local.user);
    local.toUser.send(0, () => local.tell(() => local.channel._ended(reason, words)));
  }

  /** It is gone. @param {number} user */
  forget(user) {
    this.#users.get(user)?.end();
    this.#users.delete(user);
  }

  /** @param {number} user @param {boolean} isBlocked */
  remove(user, isBlocked) {
    const local = this.#users.get(user);
    if (!local) return;
    this.#isBlocked ||= isBlocked;
    const { toUser } = local;
    toUser.send(0, () => local.tell(() => local.channel._ended('removed')));
    soon(() => {
      if (this.#users.get(user) !== local) return;
      this.forget(user);
      this.#server._userGone(user, 'removed');
    });
  }

  /** The channel is over. @param {Reason | undefined} reason `undefined`: deleted */
  clear(reason) {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#isBlocked = false;
    // After a loss the link tells all channels itself.
    const isLoss = reason === 'link-lost' || reason === 'no-answer';
    if (!isLoss) for (const channel of waiting) soon(() => channel._ended('no-such-channel'));
    for (const local of this.#users.values()) {
      local.end();
      if (!isLoss) local.toUser.send(0, () => local.tell(() => local.channel._ended('on-purpose')));
    }
    this.#users.clear();
  }
}
