// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Getting into a chat room and being in it, as its user or its server; the same as `Session` in
 * examples/src/chat/session.rs. What is to be seen goes to a {@link View}, so that there is no DOM
 * in here.
 * @module
 */

import { GONE, HELP, MAX_TEXT, clean, decodeFromServer, encodeFromUser, parse } from './chat-message.js';
import { characters, wrongNick } from './chat-names.js';
import { MAX_BUFFERED, Room } from './chat-room.js';
import { Link, PeoteError } from './peote-net.js';

/** @typedef {import('./peote-net.js').EnteredChannel} EnteredChannel */
/** @typedef {import('./peote-net.js').OwnChannel} OwnChannel */

/**
 * How it is with the room: `off` one is not there and will not be, `connecting` on the way there,
 * `open` in it, `lost` coming back.
 * @typedef {'off' | 'connecting' | 'open' | 'lost'} State
 */

/**
 * What is shown, and how it is.
 * @typedef {import('./chat-room.js').Screen & {
 *   state: (state: State, text: string) => void,
 *   problem: (text: string) => void,
 * }} View
 */

/** When to connect again. */
const RECONNECT = { first: 250, greatest: 10_000 };
/** Milliseconds that a server may take to say welcome. */
const PATIENCE = 5_000;
/**
 * The same after the connection was lost: the room may still have a server whose connection was
 * lost as well, until the relay notices that it will never speak again.
 */
const PATIENCE_AFTER_A_LOSS = 60_000;
/**
 * How often to try to get into a room that always turns out to exist when it is created, and not to
 * exist when it is entered.
 */
const ATTEMPTS = 20;
/** The most people that can be in a room: its server and its users. */
const MAX_PEOPLE = 257;
/** Rooms have channels of their own, apart from those of other programs. */
const PREFIX = 'chat/';
/** The longest name of a room, in bytes. */
const MAX_ROOM = 255 - PREFIX.length;

/** @type {Readonly<Record<string, string>>} why a room cannot be entered or created */
const REFUSED = {
  'channel-full': 'there is no place left in it',
  'blocked': 'the one who runs its server does not let you in',
  'already-entered': 'this page is in it already',
  'own-channel': 'this page runs its server already',
  'too-many-channels': 'the relay has no room for more channels',
};

/** One person in one room. */
export class Session {
  #room;
  #nick;
  #view;
  #link;
  #url;
  /** @type {State} */
  #state = 'connecting';
  /** One has been in the room. */
  #hasArrived = false;
  /** @type {EnteredChannel | undefined} entered; until welcome has come, one is not in the room yet */
  #entered;
  #isWelcome = false;
  /** @type {Room | undefined} served by oneself */
  #served;
  #attempts = 0;
  #patience = PATIENCE;
  /** @type {ReturnType<typeof setTimeout> | undefined} until the server has to have said welcome */
  #timer;
  /** @type {string[]} who is in the room, as its server has told */
  #people = [];
  /** The next answer to `who` is for the list of people, and nothing that was asked for by hand. */
  #isFirstAnswer = false;
  /** What the one who runs the server is called, while that is somebody else. */
  #server = '';

  /**
   * On the way into `room`, where one wants to be called `nick`.
   * @param {string} url of the relay
   * @param {string} room up to 250 bytes
   * @param {string} nick
   * @param {View} view
   * @param {{ WebSocket?: typeof WebSocket }} [options] the constructor to use; needed in Node.js
   *   before version 22
   * @throws {RangeError} what is wrong with one of them, in words for people
   */
  constructor(url, room, nick, view, options = {}) {
    const wrong = wrongUrl(url) ?? wrongRoom(room) ?? wrongNick(nick);
    if (wrong) throw new RangeError(wrong);
    this.#url = url;
    this.#room = room;
    this.#nick = nick;
    this.#view = view;
    try {
      this.#link = new Link(url, { ...options, maxBuffered: MAX_BUFFERED, reconnect: RECONNECT });
    } catch (error) {
      // Pages that came over https may be forbidden to use ws.
      throw new RangeError(`this page cannot use "${url}": ${error instanceof Error ? error.message : error}`);
    }
    this.#link
      .on('open', ({ again }) => {
        if (again) this.#view.notice('connected again');
        this.#enter();
      })
      .on('lost', ({ reason, unsent, retryIn }) => this.#lost(reason, unsent, retryIn));
    this.#show('connecting', `Connecting to ${url} …`);
  }

  /** How it is with the room. */
  get state() {
    return this.#state;
  }

  /**
   * Whether one can remove others: one runs the room's server, and the relay knows how to do it.
   */
  get canRemove() {
    return this.#served !== undefined && this.#link.capabilities.remove;
  }

  /** What one is called. */
  get nick() {
    return this.#served?.nick ?? this.#nick;
  }

  /** Leaves the room for good. The others hear that it was on purpose. */
  leave() {
    if (this.#state === 'off') return;
    this.#end('You have left the room.');
  }

  /**
   * Does what was typed: says it, or `/me`, `/nick`, `/who`, `/kick`, `/block`, `/quit`, `/help`.
   * @param {string} line
   * @returns {string | undefined} why nothing was done, in words for people; `undefined`: it was
   */
  type(line) {
    const command = parse(line);
    switch (command.kind) {
      case 'nothing':
        return undefined;
      case 'quit':
        this.leave();
        return undefined;
      case 'unknown':
        return `${clean(command.text)} is not known; /help tells what there is`;
      case 'help':
        HELP.forEach((line) => this.#view.notice(line));
        return undefined;
      case 'rename': {
        const wrong = wrongNick(command.nick);
        if (wrong) return wrong;
        break;
      }
      case 'say':
      case 'act': {
        const length = characters(command.text);
        if (length > MAX_TEXT) return `that is ${length} characters; at most ${MAX_TEXT} can be said at once`;
      }
    }
    if (this.#state !== 'open') return 'you are not in the room at the moment; say it again when you are';
    try {
      return this.#served ? this.#doAsServer(this.#served, command) : this.#doAsUser(command);
    } catch (error) {
      if (!(error instanceof PeoteError)) throw error;
      if (error.code === 'would-block') return 'the connection cannot keep up; try again in a moment';
      return `that could not be sent: ${error.message}`;
    }
  }

  /**
   * @param {Room} room
   * @param {import('./chat-message.js').Command} command
   */
  #doAsServer(room, command) {
    switch (command.kind) {
      case 'say':
      case 'act': {
        const how = command.kind === 'say' ? 'said' : 'acted';
        room.say(how, command.text);
        this.#view.say(room.nick, command.text, how);
        break;
      }
      case 'rename':
        if (room.isTaken(command.nick, room.nick)) return `${command.nick} is taken`;
        room.rename(command.nick);
        this.#view.notice(`you are now ${command.nick}`);
        this.#showOpen();
        break;
      case 'who':
        this.#view.notice(`here: ${room.nicks.join(', ')}`);
        break;
      case 'kick':
      case 'block':
        return room.remove(command.nick, command.kind === 'block');
    }
    return undefined;
  }

  /** @param {import('./chat-message.js').Command} command */
  #doAsUser(command) {
    const send = (/** @type {import('./chat-message.js').FromUser} */ message) => this.#entered?.send(encodeFromUser(message));
    switch (command.kind) {
      case 'say':
      case 'act':
        send(command);
        this.#view.say(this.#nick, command.text, command.kind === 'say' ? 'said' : 'acted');
        break;
      case 'rename':
      case 'who':
        send(command);
        break;
      case 'kick':
      case 'block':
        return `only ${this.#server}, who runs the server, can do that`;
    }
    return undefined;
  }

  #enter() {
    if (!this.#attempt()) return;
    const channel = this.#link.enter(PREFIX + this.#room, { retry: 'never' });
    channel
      .on('open', () => this.#greet(channel))
      .on('refused', ({ reason }) => {
        if (reason === 'no-such-channel') this.#create();
        else this.#refused('enter', reason);
      })
      .on('message', ({ data }) => this.#receive(data))
      .on('malicious', () => this.#fail(`The server of room ${this.#room} sends garbage. Choose another room.`))
      .on('lost', ({ reason }) => this.#orphaned(reason));
  }

  /**
   * Of several that do this at the same time, the first wins; the others learn that the name is in
   * use, and enter.
   */
  #create() {
    if (!this.#attempt()) return;
    const channel = this.#link.create(PREFIX + this.#room, { retry: 'never' });
    channel
      .on('open', () => {
        this.#served = new Room(this.#link, channel, this.#nick, this.#view);
        this.#arrived(`you are ${this.#nick}, and you run the server of room ${this.#room}`);
      })
      .on('refused', ({ reason }) => {
        if (reason === 'name-in-use') this.#enter();
        else this.#refused('create', reason);
      });
  }

  #attempt() {
    this.#attempts += 1;
    if (this.#attempts > ATTEMPTS) this.#fail(`Room ${this.#room} comes and goes. Try again.`);
    return this.#state !== 'off';
  }

  /**
   * @param {'enter' | 'create'} what
   * @param {string} reason
   */
  #refused(what, reason) {
    // The link has said so already.
    if (reason === 'link-lost' || reason === 'no-answer') return;
    this.#fail(`Cannot ${what} room ${this.#room}: ${REFUSED[reason] ?? `the relay refuses it (${reason})`}.`);
  }

  /**
   * In the channel: says hello. In the room once the server has said welcome.
   * @param {EnteredChannel} channel
   */
  #greet(channel) {
    this.#entered = channel;
    this.#isWelcome = false;
    channel.send(encodeFromUser({ kind: 'hello', nick: this.#nick }));
    const isFor = this.#hasArrived ? 'lost' : 'connecting';
    this.#show(isFor, `Waiting for the one who runs the server of room ${this.#room} …`);
    const text = `The server of room ${this.#room} does not speak as a chat does. Choose another room.`;
    this.#timer = setTimeout(() => this.#fail(text), this.#patience);
  }

  /** @param {string} notice */
  #arrived(notice) {
    this.#hasArrived = true;
    this.#attempts = 0;
    this.#patience = PATIENCE;
    this.#view.notice(notice);
    this.#showOpen();
  }

  #showOpen() {
    this.#show('open', `In room ${this.#room} as ${this.nick}`);
  }

  /**
   * The channel is gone while the link is there: the one who ran the room's server is.
   * @param {string} reason
   */
  #orphaned(reason) {
    this.#outside();
    if (reason === 'link-lost') return;
    if (reason === 'removed') return this.#fail(`The one who runs the server of room ${this.#room} has removed you.`);
    const how = reason === 'on-purpose' ? 'has left' : 'has lost the connection';
    this.#view.notice(`the one who ran the server ${how}; somebody else takes over`);
    this.#show(this.#hasArrived ? 'lost' : 'connecting', `Getting into room ${this.#room} again …`);
    this.#create();
  }

  /**
   * The connection is lost, and with it one's place in the room; or an attempt to get another one
   * has failed.
   * @param {import('./peote-net.js').LossReason} reason
   * @param {number} unsent
   * @param {number | undefined} retryIn
   */
  #lost(reason, unsent, retryIn) {
    const why = {
      'unreachable': `there is no relay at ${this.#url}, or nothing that speaks WebSocket`,
      'timeout': `${this.#url} does not answer`,
      'closed': `${this.#url} has closed the connection`,
      'silent': `${this.#url} has gone silent`,
      'no-answer': `${this.#url} does not answer what it is asked`,
      'not-a-relay': `what answers at ${this.#url} is not a relay`,
    }[reason];
    if (!this.#hasArrived || reason === 'not-a-relay') return this.#fail(`Cannot get into the room: ${why}.`);
    if (this.#state === 'open') {
      this.#view.notice(`the connection is lost: ${why}`);
      if (unsent > 0) this.#view.notice('what was said last was not sent');
    }
    this.#outside();
    this.#attempts = 0;
    this.#patience = PATIENCE_AFTER_A_LOSS;
    const seconds = Math.ceil((retryIn ?? 0) / 1000);
    this.#show('lost', `Connection lost: ${why}. Coming back by itself, next attempt in ${seconds} s`);
  }

  /** One is neither the room's user nor its server any more. */
  #outside() {
    clearTimeout(this.#timer);
    this.#nick = this.nick;
    this.#entered = undefined;
    this.#isWelcome = false;
    this.#served = undefined;
    this.#setPeople([]);
  }

  /**
   * Shows what the server has said.
   * @param {Uint8Array} bytes
   */
  #receive(bytes) {
    const message = decodeFromServer(bytes);
    if (!message) return;
    if (!this.#isWelcome) {
      // Between hello and welcome, what others say is not for us yet.
      if (message.kind === 'welcome') this.#welcomed(message.you, message.server);
      return;
    }
    const { notice } = this.#view;
    switch (message.kind) {
      case 'said':
      case 'acted':
        return this.#view.say(message.nick, message.text, message.kind);
      case 'joined':
        notice(`${message.nick} joined`);
        return this.#setPeople([...this.#people, message.nick]);
      case 'left':
        notice(`${message.nick} ${GONE[message.how]}`);
        return this.#setPeople(this.#people.filter((nick) => nick !== message.nick));
      case 'renamed':
        return this.#renamed(message.old, message.nick);
      case 'here':
        if (!this.#isFirstAnswer) notice(`here: ${message.nicks.slice(0, MAX_PEOPLE).join(', ')}`);
        this.#isFirstAnswer = false;
        return this.#setPeople(message.nicks);
      case 'taken':
        return notice(`${message.nick} is taken`);
    }
  }

  /**
   * @param {string} you
   * @param {string} server
   */
  #welcomed(you, server) {
    clearTimeout(this.#timer);
    this.#isWelcome = true;
    this.#nick = you;
    this.#server = server;
    this.#setPeople([server, you]);
    this.#isFirstAnswer = true;
    this.#entered?.send(encodeFromUser({ kind: 'who' }));
    this.#arrived(`you are ${you} in room ${this.#room}; ${server} runs the server`);
  }

  /**
   * @param {string} old
   * @param {string} nick
   */
  #renamed(old, nick) {
    const isMe = old === this.#nick;
    this.#view.notice(isMe ? `you are now ${nick}` : `${old} is now ${nick}`);
    if (isMe) {
      this.#nick = nick;
      this.#showOpen();
    }
    if (old === this.#server) this.#server = nick;
    this.#setPeople(this.#people.map((each) => (each === old ? nick : each)));
  }

  /** @param {readonly string[]} nicks */
  #setPeople(nicks) {
    // A server that tells of more than there can be does not fill the page.
    this.#people = [...new Set(nicks)].slice(0, MAX_PEOPLE);
    this.#view.people(this.#people);
  }

  /**
   * @param {State} state
   * @param {string} text
   */
  #show(state, text) {
    this.#state = state;
    this.#view.state(state, text);
  }

  /** @param {string} what */
  #fail(what) {
    if (this.#state === 'off') return;
    this.#end('Not in a room');
    this.#view.problem(what);
  }

  /** @param {string} text */
  #end(text) {
    this.#show('off', text);
    this.#outside();
    this.#link.close();
  }
}

/** @param {string} url */
function wrongUrl(url) {
  let protocol = '';
  try {
    ({ protocol } = new URL(url));
  } catch {
    // Said below.
  }
  if (protocol === 'ws:' || protocol === 'wss:') return undefined;
  return `"${url}" is not the address of a relay; one looks like ws://localhost:7680/`;
}

/** @param {string} room */
function wrongRoom(room) {
  const length = new TextEncoder().encode(room).length;
  if (length === 0) return 'a room needs a name';
  if (length > MAX_ROOM) return `the name of the room has ${length} bytes; at most ${MAX_ROOM} are allowed`;
  return undefined;
}
