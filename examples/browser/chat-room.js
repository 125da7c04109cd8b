// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * A chat room, as its server sees it: who is in it, what they are called, and what each is to hear.
 * @module
 */

import { GONE, clean, decodeFromUser, encodeFromServer } from './chat-message.js';
import { numbered, shapeOf, wrongNick } from './chat-names.js';
import { PeoteError } from './peote-net.js';

/** @typedef {import('./chat-message.js').FromServer} FromServer */
/** @typedef {import('./chat-message.js').FromUser} FromUser */

/**
 * What is shown.
 * @typedef {object} Screen
 * @property {(text: string) => void} notice something has happened
 * @property {(nick: string, text: string, how: 'said' | 'acted') => void} say somebody has said or
 *   done something
 * @property {(nicks: readonly string[]) => void} people these are in the room now
 */

/**
 * Somebody in the room, or on the way in.
 * @typedef {object} User
 * @property {number} number
 * @property {string | undefined} nick nobody has it until hello has been said
 * @property {number} waiting messages that have not been dealt with
 * @property {Uint8Array[]} outbox what is said to it and has no room yet
 * @property {boolean} removed the relay has been told to remove it: what it still says is not heard
 * @property {boolean} gone
 */

/** @typedef {import('./chat-message.js').Parting} Parting */
/** @typedef {FromUser | { kind: 'gone', how: Parting }} Message */
/** @typedef {{ user: User, message: Message }} Waiting */

/** The most bytes that may wait to be sent; the link's `maxBuffered`. */
export const MAX_BUFFERED = 1 << 20;
/**
 * How many messages of one user may wait until there is room for the answers. A WebSocket cannot be
 * told to stop reading, so what comes beyond them is passed over.
 */
const MAX_WAITING = 64;
/** How many messages wait for one who does not take them; who has more is removed. */
const MAX_OUTBOX = 64;

/**
 * The shapes of names that are looked at again and again, as many as there can be people in a room
 * and some.
 */
class Shapes {
  /** @type {Map<string, string>} */
  #known = new Map();

  /** @param {string} nick */
  of(nick) {
    const shape = this.#known.get(nick) ?? shapeOf(nick);
    if (this.#known.size >= 512) this.#known.clear();
    this.#known.set(nick, shape);
    return shape;
  }
}

/** Who is in the room, and what they are called. */
export class Room {
  #link;
  #channel;
  #nick;
  #screen;
  /** @type {Map<number, User>} those that are there */
  #users = new Map();
  /** @type {Set<User>} those that have a name, until the others have heard that they are gone */
  #known = new Set();
  /** @type {Waiting[]} what waits, in the order in which it came */
  #waiting = [];
  #isAwaitingRoom = false;
  #shapes = new Shapes();

  /**
   * A room with nobody but `nick` in it, who runs the server.
   * @param {import('./peote-net.js').Link} link
   * @param {import('./peote-net.js').OwnChannel} channel
   * @param {string} nick
   * @param {Screen} screen
   */
  constructor(link, channel, nick, screen) {
    this.#link = link;
    this.#channel = channel;
    this.#nick = nick;
    this.#screen = screen;
    channel
      .on('enter', ({ user: number }) => this.#users.set(number, { number, nick: undefined, waiting: 0, outbox: [], removed: false, gone: false }))
      .on('message', ({ user, data }) => this.#receive(this.#users.get(user), data))
      .on('leave', ({ user, reason }) => this.#leave(this.#users.get(user), reason));
    this.#showPeople();
  }

  /** What the one who runs the server is called. */
  get nick() {
    return this.#nick;
  }

  /** All who have a name here, the one who runs the server first. */
  get nicks() {
    return [this.#nick, ...[...this.#known].map(({ nick }) => nick ?? '')];
  }

  /**
   * Whether the name is somebody's, or looks like that of somebody other than the one who wants it.
   * @param {string} nick
   * @param {string} [now] what the one who wants it is called so far
   */
  isTaken(nick, now) {
    const shape = shapeOf(nick);
    return nick === now || this.nicks.some((other) => other !== now && this.#shapes.of(other) === shape);
  }

  /**
   * The one who runs the server says or does something.
   * @param {'said' | 'acted'} kind
   * @param {string} text
   * @throws {PeoteError} it could not be sent
   */
  say(kind, text) {
    this.#tellAll({ kind, nick: this.#nick, text });
  }

  /**
   * The one who runs the server is called otherwise.
   * @param {string} nick one that is not taken
   * @throws {PeoteError} it could not be sent
   */
  rename(nick) {
    this.#tellAll({ kind: 'renamed', old: this.#nick, nick });
    this.#nick = nick;
    this.#showPeople();
  }

  /**
   * Removes whoever is called so, and with `block` keeps that connection out. The others hear of it
   * when the relay has done it; what the one who is removed still says until then is not heard.
   * @param {string} nick
   * @param {boolean} block
   * @returns {string | undefined} why nothing was done, in words for people
   * @throws {PeoteError} it could not be sent
   */
  remove(nick, block) {
    // A name that looks the same will do: there are no two of them here, and not every keyboard has
    // all letters.
    const shape = wrongNick(nick) ? undefined : shapeOf(nick);
    if (this.#shapes.of(this.#nick) === shape) return 'that is you; /quit leaves the room';
    const isCalled = (/** @type {string | undefined} */ name) => name !== undefined && this.#shapes.of(name) === shape;
    const user = [...this.#users.values()].find((each) => isCalled(each.nick) && !each.removed);
    if (!user) return `nobody is called ${clean(nick)}; /who tells who is here`;
    try {
      if (block) this.#channel.block(user.number);
      else this.#channel.remove(user.number);
    } catch (error) {
      if (!(error instanceof PeoteError)) throw error;
      if (error.code === 'unsupported') return 'this relay cannot remove anybody; peote-relay can, if the room moves to one';
      throw error;
    }
    user.removed = true;
    this.#waiting = this.#waiting.filter((waiting) => waiting.user !== user);
    user.waiting = 0;
    if (block) this.#screen.notice(`${nick} is kept out, unless it is with another connection`);
    return undefined;
  }

  /**
   * @param {User | undefined} user
   * @param {Uint8Array} bytes
   */
  #receive(user, bytes) {
    const message = decodeFromUser(bytes);
    if (!user || !message || user.removed || user.waiting >= MAX_WAITING) return;
    user.waiting += 1;
    this.#waiting.push({ user, message });
    this.#work();
  }

  /**
   * @param {User | undefined} user
   * @param {string} reason
   */
  #leave(user, reason) {
    if (!user) return;
    const how = reason === 'removed' ? 'removed' : reason === 'connection-lost' ? 'lost' : 'left';
    user.gone = true;
    this.#users.delete(user.number);
    if (user.nick === undefined) {
      // Nobody has heard of it, and nobody needs to.
      this.#waiting = this.#waiting.filter((waiting) => waiting.user !== user);
    } else {
      this.#waiting.push({ user, message: { kind: 'gone', how } });
      this.#work();
    }
  }

  /** Deals with what waits, as far as there is room for the answers. */
  #work() {
    while (!this.#isAwaitingRoom && this.#waiting.length > 0 && this.#channel.state === 'open') {
      // The other half is more than enough for the longest answers to one message.
      if (this.#link.bufferedAmount > MAX_BUFFERED / 2) {
        this.#awaitRoom();
        return;
      }
      const { user, message } = /** @type {Waiting} */ (this.#waiting.shift());
      user.waiting -= 1;
      this.#handle(user, message);
    }
  }

  async #awaitRoom() {
    this.#isAwaitingRoom = true;
    try {
      await this.#link.room();
    } catch (error) {
      // The link is closed, and the room with it.
      if (!(error instanceof PeoteError)) throw error;
      this.#waiting = [];
    }
    this.#isAwaitingRoom = false;
    this.#work();
  }

  /**
   * @param {User} user
   * @param {Message} message
   */
  #handle(user, message) {
    const { nick } = user;
    if (nick === undefined) {
      if (message.kind === 'hello') this.#welcome(user, message.nick);
      return;
    }
    switch (message.kind) {
      case 'hello':
        return;
      case 'say':
      case 'act': {
        const kind = message.kind === 'say' ? 'said' : 'acted';
        this.#screen.say(nick, message.text, kind);
        return this.#tellOthers(user, { kind, nick, text: message.text });
      }
      case 'rename':
        if (this.isTaken(message.nick, nick)) return this.#tell(user, { kind: 'taken', nick: message.nick });
        user.nick = message.nick;
        this.#screen.notice(`${nick} is now ${message.nick}`);
        this.#showPeople();
        return this.#tellAll({ kind: 'renamed', old: nick, nick: message.nick });
      case 'who':
        return this.#tell(user, { kind: 'here', nicks: this.nicks });
      case 'gone':
        this.#known.delete(user);
        this.#screen.notice(`${nick} ${GONE[message.how]}`);
        this.#showPeople();
        return this.#tellAll({ kind: 'left', nick, how: message.how });
    }
  }

  /**
   * Somebody has said hello: says who they are here, and tells the others.
   * @param {User} user
   * @param {string} wanted
   */
  #welcome(user, wanted) {
    let nick = wanted;
    for (let number = 2; this.isTaken(nick); number += 1) nick = numbered(wanted, number);
    user.nick = nick;
    this.#known.add(user);
    this.#tell(user, { kind: 'welcome', you: nick, server: this.#nick });
    this.#tellOthers(user, { kind: 'joined', nick });
    this.#screen.notice(`${nick} joined`);
    this.#showPeople();
  }

  /**
   * @param {User} user
   * @param {FromServer} message
   */
  #tell(user, message) {
    this.#send(user, encodeFromServer(message));
  }

  /**
   * @param {User} user
   * @param {FromServer} message
   */
  #tellOthers(user, message) {
    // Of one who is gone the number can mean somebody else, who has not been welcomed yet: before
    // that nothing said is for them.
    this.#tellAll(message, user.number);
  }

  /** @param {FromServer} message @param {number} [except] */
  #tellAll(message, except) {
    const bytes = encodeFromServer(message);
    const users = [...this.#users.values()].filter(({ number }) => number !== except);
    const isFree = users.every(({ outbox }) => outbox.length === 0);
    if (isFree && hadRoom(() => this.#channel.broadcast(bytes, { except }))) return;
    for (const user of users) this.#send(user, bytes);
  }

  /**
   * Sends to one user, behind what waits for it. One that takes nothing holds up nobody else.
   * @param {User} user
   * @param {Uint8Array} bytes
   */
  #send(user, bytes) {
    const { outbox } = user;
    if (user.gone || user.removed) return;
    if (outbox.length === 0 && hadRoom(() => this.#channel.send(user.number, bytes))) return;
    if (outbox.length >= MAX_OUTBOX) return this.#dismiss(user);
    outbox.push(bytes);
    if (outbox.length === 1) this.#empty(user);
  }

  /** Sends what waits for a user, as there is room. @param {User} user */
  async #empty(user) {
    const { outbox } = user;
    try {
      while (outbox.length > 0 && !user.gone && this.#channel.state === 'open') {
        await this.#channel.room(user.number);
        while (outbox.length > 0 && !user.gone && hadRoom(() => this.#channel.send(user.number, outbox[0]))) outbox.shift();
      }
    } catch (error) {
      // The link is closed, and the room with it.
      if (!(error instanceof PeoteError)) throw error;
    }
    outbox.length = 0;
  }

  /** Removes somebody who takes nothing, where the relay can. @param {User} user */
  #dismiss(user) {
    try {
      this.#channel.remove(user.number);
      user.removed = true;
      this.#screen.notice(`${user.nick ?? 'somebody'} does not take what is said, and is removed`);
    } catch (error) {
      if (!(error instanceof PeoteError)) throw error;
    }
  }

  #showPeople() {
    this.#screen.people(this.nicks);
  }
}

/** Whether there was room for it. @param {() => void} send */
function hadRoom(send) {
  try {
    send();
    return true;
  } catch (error) {
    if (error instanceof PeoteError && error.code === 'would-block') return false;
    throw error;
  }
}
