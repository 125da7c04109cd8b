// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Own channels. Programs use `peote-net.js`, which exports from here what they need.
 * @module
 */

import { Channel, NOTHING, wordsOf } from './peote-net-channel.js';
import { numberOf, optionsOf, toBytes, userOf, wordOf } from './peote-net-check.js';
import { PeoteError } from './peote-net-event.js';
import { LocalUsers } from './peote-net-local.js';
import { Command, encodeCommand, encodeData, encodeGrant, encodedLength } from './peote-net-wire.js';

/** @typedef {import('./peote-net-channel.js').Access} Access */
/** @typedef {import('./peote-net-channel.js').ChannelOptions} ChannelOptions */
/** @typedef {import('./peote-net-check.js').Sendable} Sendable */
/** @typedef {import('./peote-net-entered.js').EnteredChannel} EnteredChannel */
/** @typedef {import('./peote-net-event.js').Reason} Reason */
/** @typedef {import('./peote-net-local.js').LocalUser} LocalUser */
/** @typedef {import('./peote-net-local.js').SimulatedLine} SimulatedLine */
/** @typedef {import('./peote-net-party.js').Party} Party */
/** @typedef {import('./peote-net-party.js').Violation} Violation */

/**
 * Who is let in: everybody, those that the program admits, or nobody.
 * @typedef {'open' | 'ask' | 'closed'} Admission
 */
/** @type {readonly ['open', 'ask', 'closed']} */
const ADMISSIONS = ['open', 'ask', 'closed'];

/**
 * @typedef {object} CreateOptions
 * @property {Admission} [admission] who is let in, `open` by default. With `ask` and `closed` a
 *   relay that knows no admission is no place for the channel: `refused`, with reason `unsupported`
 * @property {number} [mostUsers] how many users there are at most, 0 to 65,536. A relay has 256 at
 *   most, and users on the same link come on top. With a relay that knows no admission, those
 *   beyond are removed, if it can do that
 */

/**
 * What the server of a channel hears besides.
 *
 * - `knock`: a user wants to come in, and `admit` or `refuse` is wanted within 10 s. Only with
 *   admission `ask`;
 * - `enter`: a user is there. `words` is what it said in front of the door; empty where it said
 *   nothing;
 * - `leave`: a user is gone, or does not knock any more. From now on its number can mean somebody
 *   else;
 * - `message`: a chunk, or in mode `data` bytes of the stream; `data` is the listener's to keep. The
 *   user may send more once it is taken, which is when the listeners have returned, or when what
 *   `keep()` returns is called;
 * - `malicious`: the user has broken the rules of chunks, or sent more than it was granted
 *   (`window`), and is passed over from now on. It is still there, hears what is sent to it, and
 *   its `leave` will come.
 * - `room`: the user has taken so much that what was refused with `would-block` has room now.
 * @typedef {import('./peote-net-channel.js').ChannelEvents & {
 *   knock: { user: number, words: Uint8Array },
 *   enter: { user: number, words: Uint8Array },
 *   leave: { user: number, reason: Reason },
 *   message: { user: number, data: Uint8Array, keep: () => () => void },
 *   malicious: { user: number, violation: Violation },
 *   room: { user: number },
 * }} OwnChannelEvents
 */

/**
 * A user in front of the door: what it is answered with.
 * @typedef {object} Knock
 * @property {Uint8Array} words
 * @property {() => Party} admit
 * @property {(code: number, words: Uint8Array) => void} refuse
 */

/** The codes of a refusal (section 11.7). */
const FULL = 4;
const REFUSED = 7;
/** The most users that one command names. */
const MOST_NAMED = 254;

/**
 * A channel that this link has created: its server. Made by `Link.create`.
 * @extends {Channel<OwnChannelEvents>}
 */
export class OwnChannel extends Channel {
  /** @type {Map<number, Party>} */
  #users = new Map();
  /** @type {Map<number, Knock>} */
  #knocks = new Map();
  #admission;
  #mostUsers;
  #locals;

  /**
   * @param {Access} access
   * @param {string | Uint8Array} name
   * @param {ChannelOptions & CreateOptions} [options]
   * @internal
   */
  constructor(access, name, options) {
    super(access, name, options, ['admission', 'mostUsers']);
    /** @type {Partial<CreateOptions>} */
    const { admission, mostUsers } = options ?? {};
    /** @type {Admission} */
    this.#admission = wordOf(admission, 'options.admission', ADMISSIONS);
    this.#mostUsers = mostOf(mostUsers, 'options.mostUsers');
    this.#locals = new LocalUsers(this);
  }

  /** The numbers of the users that are there now. */
  get users() {
    return [...this.#users.keys()];
  }

  /** Who is let in. */
  get admission() {
    return this.#admission;
  }

  /** How many users there are at most. */
  get mostUsers() {
    return this.#mostUsers;
  }

  /**
   * Changes who is let in. Who is in stays; who knocks is admitted with `open`, refused with
   * `closed`.
   * @param {Admission} admission
   * @throws {PeoteError} `unsupported`: the relay the channel is on knows no admission
   * @throws {TypeError} a wrong kind of argument
   */
  setAdmission(admission) {
    const word = wordOf(admission ?? null, 'admission', ADMISSIONS);
    if (this.state === 'open' && word !== 'open' && !this._access.canAsk()) throw new PeoteError('unsupported', 'the relay knows no admission');
    this.#admission = word;
    if (word === 'ask') return;
    for (const user of [...this.#knocks.keys()]) word === 'open' ? this.admit(user) : this.refuse(user);
  }

  /**
   * Changes how many users there are at most. Who is in stays.
   * @param {number} count 0 to 65,536
   * @throws {TypeError} no number
   * @throws {RangeError} out of range
   */
  setMostUsers(count) {
    this.#mostUsers = mostOf(count ?? null, 'count');
  }

  /**
   * Lets a user in that knocks: the event `enter` comes during the call. False: the channel is full
   * by now, and the user was told so.
   * @param {number} user
   * @throws {PeoteError} `not-open`: it does not knock (any more)
   * @throws {TypeError} a wrong kind of argument
   */
  admit(user) {
    const knock = this.#knock(user);
    if (this.#users.size >= this.#mostUsers) {
      knock.refuse(FULL, NOTHING);
      return false;
    }
    this.#enters(user, knock.admit(), knock.words);
    return true;
  }

  /**
   * Refuses a user that knocks.
   * @param {number} user
   * @param {Sendable} [words] why, at most 200 bytes
   * @throws {PeoteError} `not-open`: it does not knock (any more); `too-long`
   * @throws {TypeError} a wrong kind of argument
   */
  refuse(user, words) {
    const bytes = wordsOf(words, 'words');
    this.#knock(user).refuse(REFUSED, bytes);
  }

  /** Takes a knock out that is answered. @param {number} user */
  #knock(user) {
    const knock = this.#knocks.get(userOf(user, 'user'));
    if (!knock) throw new PeoteError('not-open', `there is no user ${user} that knocks`);
    this.#knocks.delete(user);
    return knock;
  }

  /**
   * Sends to one user.
   * @param {number} user
   * @param {Sendable} data
   * @throws {PeoteError} `would-block`, `not-open`, `empty`, `too-long`, `only-rpc`
   * @throws {TypeError} a wrong kind of argument
   */
  send(user, data) {
    userOf(user, 'user');
    const bytes = toBytes(data, 'data');
    const party = this.#check(user);
    this._sendData([party], party.line ? undefined : [128 + (this._number ?? 0), user], bytes);
  }

  /**
   * Sends to all users, or to none if one has no room in its window (`would-block`). One who enters
   * while a broadcast above 32,765 bytes, length field included, is under way may hear its end
   * only.
   * @param {Sendable} data
   * @param {{ except?: number }} [options] all but this user
   * @throws {PeoteError} `would-block`, `not-open`, `empty`, `too-long`, `only-rpc`
   * @throws {TypeError} a wrong kind of argument
   */
  broadcast(data, options) {
    const { except, bytes } = this.#broadcastArguments(data, options);
    const parties = [...this.#users].flatMap(([user, party]) => (user === except ? [] : [party]));
    this.#checkGreeted(bytes);
    this._sendData(parties, this.#head(except), bytes, [1, isOnWire(except) ? 0 : 1]);
  }

  /**
   * Sends to those users that have room for all of it in their windows, and leaves out the others.
   * Returns the numbers of those that were left out. For what is worth little when it is late, such
   * as the newest state of a game. Where the relay knows no windows, all users are ready.
   * @param {Sendable} data
   * @param {{ except?: number }} [options] all but this user
   * @returns {number[]}
   * @throws {PeoteError} `would-block`: the way to the relay is full; `not-open`, `empty`,
   *   `too-long`
   * @throws {TypeError} a wrong kind of argument
   */
  sendToReady(data, options) {
    const { except, bytes } = this.#broadcastArguments(data, options);
    const field = this.#checkGreeted(bytes);
    const inAll = field.length + bytes.length;
    const others = [...this.#users].filter(([user]) => user !== except);
    const late = others.filter(([, party]) => !party.fits(inAll));
    const ready = others.filter(([, party]) => party.fits(inAll));
    const changed = others.filter(([, party]) => !party.line && party.isLeftOut === party.fits(inAll));
    const number = 128 + (this._number ?? 0);
    /** @type {Uint8Array[]} */
    const marks = [];
    for (let at = 0; at < changed.length; at += MOST_NAMED) {
      marks.push(encodeCommand(Command.leaveOut, 0, [number, ...changed.slice(at, at + MOST_NAMED).map(([user]) => user)]));
    }
    const isBut = isOnWire(except);
    const prefix = [1, this._access.capabilities().flow ? (isBut ? 3 : 2) : isBut ? 0 : 1];
    const head = this.#head(except);
    const length = marks.reduce((sum, { length }) => sum + length, encodedLength(prefix, head, field, bytes));
    const encode = () => concat([...marks, encodeData(prefix, head, field, bytes)]);
    this._access.send(encode, length);
    for (const [, party] of changed) party.isLeftOut = !party.isLeftOut;
    for (const [, party] of late) party.ask();
    for (const [, party] of ready) {
      party.sent(inAll);
      party.line?.data(field, bytes);
    }
    return late.map(([user]) => user);
  }

  /**
   * @param {Sendable} data
   * @param {{ except?: number } | undefined} options
   */
  #broadcastArguments(data, options) {
    /** @type {{ except?: number }} */
    const { except } = optionsOf(options, 'options', ['except']);
    const bytes = toBytes(data, 'data');
    if (except !== undefined) {
      userOf(except, 'options.except');
      const isNumber = Number.isInteger(except) && except >= 0 && (except <= 255 || this.#users.has(except));
      if (!isNumber) throw new PeoteError('not-open', `${except} is no user's number`);
    }
    // One that is not there is left out by itself. To the relay its number can mean the next one.
    return { except: except !== undefined && this.#users.has(except) ? except : undefined, bytes };
  }

  /**
   * The length field of a broadcast. Before the hello is answered there may be users that are not
   * known yet, and would count it.
   * @param {Uint8Array} bytes
   */
  #checkGreeted(bytes) {
    const field = this._check(bytes);
    if (this._access.isGreeting()) throw new PeoteError('would-block', 'the relay has not said who is there; await room()');
    return field;
  }

  /** @param {number | undefined} except */
  #head(except) {
    const number = 128 + (this._number ?? 0);
    return except !== undefined && isOnWire(except) ? [number, except] : [number];
  }

  /**
   * How many bytes may be sent now to a user, or to all, with the length fields of chunks;
   * `undefined` if there are no windows. A chunk may be longer if nothing else is under way.
   * @param {number} [user]
   */
  window(user) {
    return this._windowOf(this.#meant(user));
  }

  /**
   * Resolves when it is worth trying again what was refused with `would-block`, for a user or for
   * all. That can take as long as the connection is away; also when the user or the channel is
   * gone.
   * @param {number} [user]
   * @returns {Promise<void>}
   * @throws {PeoteError} `closed`: the link is closed
   */
  room(user) {
    return this._roomFor(() => this.#meant(user));
  }

  /** @param {number | undefined} user */
  #meant(user) {
    return [...this.#users].flatMap(([number, party]) => (user === undefined || number === user ? [party] : []));
  }

  /**
   * Simulates lag and bandwidth for the users on this link.
   * @param {SimulatedLine} [line] without lag and limit by default
   * @throws {TypeError} a wrong kind of argument
   * @throws {RangeError} a number out of range
   */
  simulate(line) {
    this.#locals.simulate(line);
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
    const party = this.#users.get(user);
    if (!party) throw new PeoteError('not-open', `there is no user ${user} in the channel`);
    return party;
  }

  /**
   * @param {number} command
   * @param {'remove' | 'block'} what
   * @param {number} user
   */
  #command(command, what, user) {
    const party = this.#check(userOf(user, 'user'));
    if (party.line) return this.#locals.remove(user, what === 'block');
    // An unknown command would close the connection.
    if (!this._access.capabilities()[what]) throw new PeoteError('unsupported', `the relay cannot ${what} users`);
    const bytes = encodeCommand(command, 0, [this._number ?? 0, user]);
    this._access.send(() => bytes, bytes.length);
  }

  /** @internal */
  get _wantsToAsk() {
    return this.#admission !== 'open';
  }

  /** @param {number | undefined} number @internal */
  _opened(number) {
    super._opened(number);
    if (this.state === 'open') this.#locals.opened();
  }

  /** A user on the same link. @param {EnteredChannel} channel @internal */
  _enterLocally(channel) {
    this.#locals.add(channel);
  }

  /** @param {LocalUser} local @internal */
  _newLocalUser({ toUser }) {
    const party = this._newParty((bytes) => toUser.grant(bytes));
    party.line = toUser;
    party.raise(this._access.window, this._access.window);
    return party;
  }

  /** @param {number} user @internal */
  _leftLocally(user) {
    this.#locals.forget(user);
    this._userGone(user, 'on-purpose');
  }

  /** @param {Reason | undefined} reason @internal */
  _cleared(reason) {
    for (const party of this.#users.values()) party.end();
    this.#users.clear();
    this.#knocks.clear();
    this.#locals.clear(reason);
  }

  /** Whether a user that enters is let in without further ado. @internal */
  get _isOpenToAll() {
    return this.#admission === 'open' && this.#users.size < this.#mostUsers;
  }

  /** A user has entered without being asked. @param {number} user @internal */
  _userEntered(user) {
    if (this.#users.has(user)) return; // no relay says so twice
    // It came before the relay knew that this end wants to be asked.
    if (!this._isOpenToAll && this._access.capabilities().remove) {
      return this._access.end(encodeCommand(Command.remove, 0, [this._number ?? 0, user]));
    }
    this.#enters(user, this.#newUser(user), NOTHING);
  }

  /** @param {number} user */
  #newUser(user) {
    const head = [128 + (this._number ?? 0), user];
    return this._newParty((bytes) => this._access.end(encodeGrant(head, bytes)));
  }

  /**
   * @param {number} user
   * @param {number} ticket
   * @param {number} window
   * @param {Uint8Array} words
   * @internal
   */
  _knocked(user, ticket, window, words) {
    const number = this._number ?? 0;
    this._knocks(user, {
      words,
      admit: () => {
        this._access.end(encodeCommand(Command.admit, 0, [number, user, ticket]));
        const party = this.#newUser(user);
        party.raise(window, this._access.window);
        return party;
      },
      refuse: (code, why) => this._access.end(encodeCommand(Command.refuse, 0, [number, user, ticket, code, ...why])),
    });
  }

  /** A user is in front of the door. @param {number} user @param {Knock} knock @internal */
  _knocks(user, knock) {
    if (this.#users.size >= this.#mostUsers) return knock.refuse(FULL, NOTHING);
    if (this.#admission === 'closed') return knock.refuse(REFUSED, NOTHING);
    if (this.#admission === 'open') return this.#enters(user, knock.admit(), knock.words);
    this.#knocks.set(user, knock);
    this._tell('knock', { user, words: knock.words });
  }

  /** @param {number} user @param {Party} party @param {Uint8Array} words */
  #enters(user, party, words) {
    this.#users.set(user, party);
    this._tell('enter', { user, words });
  }

  /** @param {number} user @param {number} send @param {number} receive @internal */
  _raised(user, send, receive) {
    if (this.#users.get(user)?.raise(send, this._access.window, receive)) this.#tellRoom(user);
  }

  /** The hello is answered: broadcasts may go, and what waited in vain for a window. @internal */
  _greeted() {
    for (const [user, party] of this.#users) if (party.isThere()) this.#tellRoom(user);
    this._hasRoom();
  }

  /** @param {number} user */
  #tellRoom(user) {
    this._tell('room', { user });
    this._hasRoom();
  }

  /** @param {number} user @param {Reason} reason @internal */
  _userGone(user, reason) {
    const party = this.#users.get(user);
    party?.end();
    if (!this.#users.delete(user) && !this.#knocks.delete(user)) return;
    this._tell('leave', { user, reason });
    this._hasRoom();
  }

  /** @param {number} user @param {number} bytes @internal */
  _granted(user, bytes) {
    if (this.#users.get(user)?.granted(bytes)) this.#tellRoom(user);
  }

  /** @param {number} user @param {Uint8Array} payload @internal */
  _receivedFrom(user, payload) {
    const party = this.#users.get(user);
    if (party === undefined) return;
    for (const said of party.push(payload)) {
      // A listener may have deleted the channel.
      if (this.#users.get(user) !== party) return;
      if (typeof said !== 'string') this._tell('message', { user, ...said });
      else this._tell('malicious', { user, violation: said });
    }
  }
}

/** @param {number | undefined} user */
function isOnWire(user) {
  return user !== undefined && user <= 255;
}

/** @param {unknown} value @param {string} name */
function mostOf(value, name) {
  const isRight = (/** @type {number} */ count) => Number.isInteger(count) && count >= 0 && count <= 65_536;
  return numberOf(value, name, 65_536, isRight, 'a whole number from 0 to 65,536');
}

/** @param {readonly Uint8Array[]} parts */
function concat(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
