// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Remote procedure calls in a channel, with answers (docs/PROTOCOL.md, section 8; core/src/guide/rpc.md is
 * the guide). What an object can do is declared in the order that all ends have:
 *
 * ```js
 * import { Rpc, answering, calling, define } from './peote-net-rpc.js';
 * import { result, string, u16, u32 } from './peote-net-value.js';
 *
 * const Store = define({
 *   note: calling(string),                                  // no answer
 *   count: answering(u32, u16),                             // u16 -> u32
 *   buy: answering(result(u32, string), u16, u32),
 * }, '1.0');
 *
 * const rpc = new Rpc(link.enter('store', { mode: 'rpc' }), { expect: { 0: Store } });
 * rpc.on('offer', async ({ remote }) => console.log(await remote.count(7)));
 * ```
 * @module
 */

import { numberOf, optionsOf } from './peote-net-check.js';
import { OwnChannel } from './peote-net-own.js';
import { PeoteError, Target } from './peote-net-event.js';
import { after } from './peote-net-time.js';
import { Reader, ValueError, Writer, bytes, feed, formOf, list, string, u32, u8 } from './peote-net-value.js';
import { fourBytes } from './peote-net-wire.js';

/** @typedef {import('./peote-net-entered.js').EnteredChannel} EnteredChannel */
/**
 * @template T
 * @typedef {import('./peote-net-value.js').Type<T>} Type
 */

/** The object for answers (section 8.4), and its procedures. */
const ANSWERS = 255;
const ANSWER = 0;
const REFUSED = 1;
const CANCEL = 2;
/** The object for interfaces (section 8.5), which has one procedure. */
const INTERFACES = 254;

/**
 * A procedure. `R` is `never` if it has no answer.
 * @template {any[]} A
 * @template R
 * @typedef {object} Procedure
 * @property {readonly Type<any>[]} arguments
 * @property {Type<any> | undefined} answer
 * @property {(...values: A) => R} [_signature] only for the types
 */

/**
 * @template {readonly Type<any>[]} T
 * @typedef {{ -readonly [I in keyof T]: T[I] extends Type<infer V> ? V : never }} Values
 */

/**
 * A procedure without an answer.
 * @template {readonly Type<any>[]} T
 * @param {T} types of its arguments
 * @returns {Procedure<Values<T>, never>}
 */
export function calling(...types) {
  return { arguments: types, answer: undefined };
}

/**
 * A procedure that answers.
 * @template {readonly Type<any>[]} T
 * @template R
 * @param {Type<R>} answer
 * @param {T} types of its arguments
 * @returns {Procedure<Values<T>, R>}
 */
export function answering(answer, ...types) {
  return { arguments: types, answer };
}

/**
 * What an object can do.
 * @template {Record<string, Procedure<any, any>>} P
 * @typedef {object} Interface
 * @property {P} procedures
 * @property {readonly string[]} names
 * @property {readonly number[]} hashes
 * @property {string} version
 */

/**
 * Declares an object: its procedures in the order of their numbers. Names may be as JavaScript has
 * them: `lookUp` is the `look_up` of others.
 * @template {Record<string, Procedure<any, any>>} P
 * @param {P} procedures at most 256
 * @param {string} [version] which a mismatch names
 * @returns {Interface<P>}
 */
export function define(procedures, version = '') {
  const names = Object.keys(procedures);
  if (names.length > 256) throw new RangeError(`${names.length} procedures; at most 256 are allowed`);
  const hashes = names.map((name) => {
    const plain = new TextEncoder().encode(name.replaceAll('_', '').replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
    const { arguments: types, answer } = procedures[name];
    const hash = feed(fourBytes(formOf('tuple', types)), feed(plain));
    return answer ? feed(fourBytes(answer.form), hash) : hash;
  });
  return { procedures, names, hashes, version };
}

/**
 * What can be called: each procedure as a method. One that answers returns a promise, and takes
 * {@link CallOptions} behind its arguments. Such a promise is rejected with a {@link PeoteError}:
 * `call-lost`, `call-timeout`, `call-refused`, `call-cancelled`; at once with `no-answers` or
 * `too-many-calls`.
 * @template {Record<string, Procedure<any, any>>} P
 * @typedef {{ [K in keyof P]: P[K] extends Procedure<infer A, infer R>
 *   ? [R] extends [never] ? (...values: A) => void : (...values: [...A, options?: CallOptions]) => Promise<R>
 *   : never }} Remote
 */

/**
 * What answers calls: each procedure as a method, which gets who called behind the arguments. It
 * returns the answer or a promise of it; if it throws, the caller is told that there is none.
 * @template {Record<string, Procedure<any, any>>} P
 * @typedef {{ [K in keyof P]: P[K] extends Procedure<infer A, infer R>
 *   ? (...values: [...A, from: From]) => [R] extends [never] ? void : R | Promise<R>
 *   : never }} Implementation
 */

/**
 * An object of this end: made by {@link implement}.
 * @typedef {{ type: Interface<any>, implementation: Record<string, (...values: any[]) => any> }} Implemented
 */

/**
 * An object that can be offered.
 * @template {Record<string, Procedure<any, any>>} P
 * @param {Interface<P>} type
 * @param {Implementation<P>} implementation
 * @returns {Implemented}
 */
export function implement(type, implementation) {
  return { type, implementation: /** @type {any} */ (implementation) };
}

/**
 * @typedef {object} CallOptions
 * @property {number} [timeout] milliseconds after which the promise is rejected, `Infinity` by
 *   default
 * @property {AbortSignal} [signal] cancels the call, and tells the other end
 */

/**
 * Who has called: `user` is `undefined` for the server of an entered channel. `signal` is aborted
 * when the answer is not wanted any more.
 * @typedef {{ user: number | undefined, signal: AbortSignal }} From
 */

/**
 * - `offer`: an object can be called; `remote` has its procedures if its number is in
 *   `options.expect`. `answers`: whether the peer takes part in calls with answers;
 * - `mismatch`: a peer has offered an object that is not what is expected. It cannot be called;
 * - `violation`: a peer has called what there is not, or in a wrong way. Nothing was called.
 * @typedef {{
 *   offer: { user: number | undefined, object: number, remote: any, answers: boolean },
 *   mismatch: { user: number | undefined, object: number, version: string, theirs: string, procedure: number, name: string },
 *   violation: { user: number | undefined, object: number, procedure: number, cause: string },
 * }} RpcEvents
 */

/**
 * What one peer has offered: `held` until it is described, `differs` for good. Its calls that are
 * carried out, and what waits for room to be sent to it, in this order.
 * @typedef {{ objects: Map<number, 'offered' | 'held' | 'differs'>, answering: Map<number, AbortController>,
 *   waiting: { message: Uint8Array, done: (value: undefined) => void }[] }} Peer
 */

/**
 * @typedef {object} Open
 * @property {Peer} peer
 * @property {number | undefined} user
 * @property {Type<any>} type
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {() => void} stop
 */

/**
 * Remote procedure calls in one channel of mode `rpc`.
 * @extends {Target<RpcEvents>}
 */
export class Rpc extends Target {
  #channel;
  #expect;
  #offer;
  #maxOpen;
  /** @type {Map<number | undefined, Peer>} */
  #peers = new Map();
  /** @type {Map<number, Open>} */
  #open = new Map();
  #next = 0;

  /**
   * Make it before the channel is open.
   * @param {OwnChannel | EnteredChannel} channel of mode `rpc`
   * @param {object} [options]
   * @param {Record<number, Implemented>} [options.offer] this end's
   *   objects by their numbers
   * @param {Record<number, Interface<any>>} [options.expect] those that others may offer
   * @param {number} [options.maxOpen] the most calls that are open, 1,024 by default. For each peer
   *   also the most of its calls that are carried out at once, and the most messages that wait for
   *   room
   * @throws {TypeError} the channel is of another mode
   */
  constructor(channel, options) {
    super(['offer', 'mismatch', 'violation']);
    if (channel.mode !== 'rpc') throw new TypeError(`the channel is of mode ${channel.mode}; give it { mode: 'rpc' }`);
    /** @type {any} */
    const { offer, expect, maxOpen } = optionsOf(options, 'options', ['offer', 'expect', 'maxOpen']);
    this.#channel = channel;
    /** @type {Map<number, Implemented>} */
    this.#offer = byNumber(offer, 'options.offer');
    /** @type {Map<number, Interface<any>>} */
    this.#expect = byNumber(expect, 'options.expect');
    this.#maxOpen = numberOf(maxOpen, 'options.maxOpen', 1024, (n) => Number.isInteger(n) && n > 0, 'a whole number above 0');
    /** @type {any} */
    const target = channel;
    if (channel instanceof OwnChannel) {
      target.on('enter', (/** @type {any} */ { user }) => this.#arrived(user));
      target.on('leave', (/** @type {any} */ { user }) => this.#gone(user));
    } else {
      target.on('open', () => this.#arrived(undefined));
    }
    const over = () => [...this.#peers.keys()].forEach((user) => this.#gone(user));
    target.on('lost', over);
    target._atClose.add(over);
    target.on('message', (/** @type {any} */ { user, data }) => this.#heard(user, data));
  }

  /** How many calls wait for their answers. */
  get open() {
    return this.#open.size;
  }

  /**
   * What a peer has offered, as with the event `offer`.
   * @template {Record<string, Procedure<any, any>>} P
   * @param {Interface<P>} type
   * @param {number} object
   * @param {number} [user] of an own channel
   * @returns {Remote<P>}
   * @throws {PeoteError} `not-open`: it has not been offered, or is something else
   */
  remote(type, object, user) {
    if (this.#peers.get(user)?.objects.get(object) !== 'offered') throw new PeoteError('not-open', `object ${object} has not been offered`);
    return this.#remote(type, object, user);
  }

  /** @param {number | undefined} user */
  #arrived(user) {
    this.#gone(user);
    this.#peers.set(user, { objects: new Map(), answering: new Map(), waiting: [] });
    for (const object of [INTERFACES, ANSWERS, ...this.#offer.keys()]) this.#sendLater(user, Uint8Array.of(object));
  }

  /** @param {number | undefined} user */
  #gone(user) {
    const peer = this.#peers.get(user);
    if (!peer) return;
    this.#peers.delete(user);
    for (const controller of peer.answering.values()) controller.abort();
    for (const [number, open] of [...this.#open]) {
      if (open.peer === peer) this.#end(number)?.reject(new PeoteError('call-lost', 'the peer is gone'));
    }
  }

  /** @param {number | undefined} user @param {Uint8Array} message */
  #send(user, message) {
    /** @type {any} */
    const channel = this.#channel;
    channel._isCalling = true;
    try {
      if (user === undefined) channel.send(message);
      else channel.send(user, message);
    } finally {
      channel._isCalling = false;
    }
  }

  /**
   * Sends behind what waits for the peer already, waiting for room if need be. Resolves when it has
   * been sent, or is not to be. What a peer has too many of waiting is left out: it takes nothing.
   * @param {number | undefined} user
   * @param {Uint8Array} message
   * @returns {Promise<undefined> | undefined}
   */
  #sendLater(user, message) {
    const peer = this.#peers.get(user);
    if (!peer || peer.waiting.length >= this.#maxOpen) return undefined;
    const sent = new Promise((/** @type {(value: undefined) => void} */ done) => peer.waiting.push({ message, done }));
    if (peer.waiting.length === 1) this.#sendWaiting(user, peer);
    return sent;
  }

  /** @param {number | undefined} user @param {Peer} peer */
  async #sendWaiting(user, peer) {
    while (peer.waiting.length > 0 && this.#peers.get(user) === peer) {
      const [{ message, done }] = peer.waiting;
      if (!this.#hasSent(user, message)) {
        if (await this.#hasRoom(user)) continue;
        break;
      }
      peer.waiting.shift();
      done(undefined);
    }
    for (const { done } of peer.waiting.splice(0)) done(undefined);
  }

  /** False: there is no room now. @param {number | undefined} user @param {Uint8Array} message */
  #hasSent(user, message) {
    try {
      this.#send(user, message);
    } catch (error) {
      if (!(error instanceof PeoteError)) throw error;
      return error.code !== 'would-block';
    }
    return true;
  }

  /** Waits for room. False: the link is closed. @param {number | undefined} user */
  async #hasRoom(user) {
    /** @type {any} */
    const channel = this.#channel;
    try {
      await (user === undefined ? channel.room() : channel.room(user));
    } catch (error) {
      if (!(error instanceof PeoteError)) throw error;
      return false;
    }
    return true;
  }

  /** @param {number | undefined} user @param {Uint8Array} message */
  #heard(user, message) {
    const peer = this.#peers.get(user);
    if (!peer) return;
    const [object, procedure] = message;
    if (message.length === 1) return this.#offered(user, peer, object);
    const reader = new Reader(message.subarray(2));
    try {
      if (object === ANSWERS) return this.#answered(peer, procedure, reader);
      if (object === INTERFACES) return this.#described(user, peer, procedure, reader);
      this.#called(user, peer, object, procedure, reader);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      this._tell('violation', { user, object, procedure, cause: error.message });
    }
  }

  /** @param {number | undefined} user @param {Peer} peer @param {number} object */
  #offered(user, peer, object) {
    if (peer.objects.has(object)) return;
    const isSpecial = object === ANSWERS || object === INTERFACES;
    const isHeld = !isSpecial && peer.objects.has(INTERFACES);
    peer.objects.set(object, isHeld ? 'held' : 'offered');
    if (object === INTERFACES) {
      for (const [number, { type: { version, hashes } }] of this.#offer) {
        const writer = message(INTERFACES, 0);
        u8.write(writer, number);
        string.write(writer, version);
        list(u32).write(writer, [...hashes]);
        this.#sendLater(user, writer.bytes);
      }
    }
    if (!isSpecial && !isHeld) this.#tellOffer(user, peer, object);
  }

  /** @param {number | undefined} user @param {Peer} peer @param {number} object */
  #tellOffer(user, peer, object) {
    const expected = this.#expect.get(object);
    const remote = expected && this.#remote(expected, object, user);
    this._tell('offer', { user, object, remote, answers: peer.objects.has(ANSWERS) });
  }

  /** @param {number | undefined} user @param {Peer} peer @param {number} procedure @param {Reader} reader */
  #described(user, peer, procedure, reader) {
    if (procedure !== 0) throw new ValueError('there is no such procedure');
    const object = u8.read(reader);
    const theirs = string.read(reader);
    const hashes = list(u32).read(reader);
    reader.finish();
    if (peer.objects.get(object) !== 'held') return;
    const ours = this.#expect.get(object);
    const differs = ours ? ours.hashes.findIndex((/** @type {number} */ hash, /** @type {number} */ at) => at < hashes.length && hash !== hashes[at]) : -1;
    peer.objects.set(object, differs < 0 ? 'offered' : 'differs');
    if (!ours || differs < 0) return this.#tellOffer(user, peer, object);
    this._tell('mismatch', { user, object, version: ours.version, theirs, procedure: differs, name: ours.names[differs] });
  }

  /** @param {Peer} peer @param {number} procedure @param {Reader} reader */
  #answered(peer, procedure, reader) {
    if (procedure > CANCEL) throw new ValueError('there is no such procedure');
    const number = u32.read(reader);
    const value = procedure === ANSWER ? reader.take(reader.length()) : undefined;
    const code = procedure === REFUSED ? u8.read(reader) : 0;
    reader.finish();
    if (procedure === CANCEL) return peer.answering.get(number)?.abort();
    // What is not waited for may have been cancelled; another peer's call is nobody's.
    if (this.#open.get(number)?.peer !== peer) return;
    const open = this.#end(number);
    if (!value) {
      const why = ['does not answer', 'cannot send the answer: it is too long', 'takes other arguments'][code] ?? 'does not answer';
      return open?.reject(new PeoteError('call-refused', `the peer ${why}`));
    }
    try {
      const answer = new Reader(value);
      const read = open?.type.read(answer);
      answer.finish();
      open?.resolve(read);
    } catch (error) {
      open?.reject(error);
      throw error;
    }
  }

  /**
   * @param {number | undefined} user
   * @param {Peer} peer
   * @param {number} object
   * @param {number} number of the procedure
   * @param {Reader} reader
   */
  #called(user, peer, object, number, reader) {
    const offered = this.#offer.get(object);
    if (!offered) throw new ValueError('there is no such object');
    const { type: { names, procedures }, implementation } = offered;
    const name = names[number];
    if (name === undefined) throw new ValueError('there is no such procedure');
    const { arguments: types, answer } = procedures[name];
    const call = answer ? u32.read(reader) : 0;
    let values;
    try {
      values = types.map((/** @type {Type<any>} */ type) => type.read(reader));
      reader.finish();
    } catch (error) {
      if (answer) this.#refuse(user, call, 2);
      throw error;
    }
    const controller = new AbortController();
    const from = { user, signal: controller.signal };
    if (!answer) return implementation[name](...values, from);
    // One number for several calls is wrong, and would be a way around the limit.
    if (peer.answering.has(call) || peer.answering.size >= this.#maxOpen) return this.#refuse(user, call, 0);
    peer.answering.set(call, controller);
    this.#answer(user, peer, call, answer, () => implementation[name](...values, from));
  }

  /**
   * @param {number | undefined} user
   * @param {Peer} peer
   * @param {number} call
   * @param {Type<any>} type
   * @param {() => any} carryOut
   */
  async #answer(user, peer, call, type, carryOut) {
    try {
      const value = await carryOut();
      if (this.#peers.get(user) !== peer) return;
      const answer = new Writer();
      type.write(answer, value);
      const writer = message(ANSWERS, ANSWER);
      u32.write(writer, call);
      bytes.write(writer, answer.bytes);
      if (writer.bytes.length > this.#channel.maxChunk) this.#refuse(user, call, 1);
      else await this.#sendLater(user, writer.bytes);
    } catch (error) {
      if (this.#peers.get(user) === peer) this.#refuse(user, call, 0);
      reportError(error);
    } finally {
      peer.answering.delete(call);
    }
  }

  /** @param {number | undefined} user @param {number} call @param {number} code */
  #refuse(user, call, code) {
    this.#sendLater(user, Uint8Array.of(ANSWERS, REFUSED, ...fourBytes(call), code));
  }

  /**
   * @param {Interface<any>} type
   * @param {number} object
   * @param {number | undefined} user
   * @returns {any}
   */
  #remote(type, object, user) {
    /** @type {Record<string, (...values: any[]) => unknown>} */
    const remote = {};
    const peer = this.#peers.get(user);
    type.names.forEach((name, number) => {
      const { arguments: types, answer } = type.procedures[name];
      remote[name] = (...values) => {
        if (peer === undefined || this.#peers.get(user) !== peer) throw new PeoteError('not-open', 'the peer is gone');
        const writer = message(object, number);
        if (!answer) return this.#send(user, write(writer, name, types, values));
        return this.#ask(user, peer, writer, name, types, answer, values);
      };
    });
    return remote;
  }

  /**
   * @param {number | undefined} user
   * @param {Peer} peer
   * @param {Writer} writer
   * @param {string} name
   * @param {readonly Type<any>[]} types
   * @param {Type<any>} answer
   * @param {any[]} values
   */
  async #ask(user, peer, writer, name, types, answer, values) {
    const { timeout, signal } = /** @type {CallOptions} */ (
      values.length > types.length ? optionsOf(values.pop(), 'options', ['timeout', 'signal']) : {}
    );
    const limit = numberOf(timeout, 'options.timeout', Infinity, (ms) => ms > 0, 'a number of milliseconds above 0');
    if (!peer.objects.has(ANSWERS)) throw new PeoteError('no-answers', 'the peer has not offered the object for answers');
    if (this.#open.size >= this.#maxOpen) throw new PeoteError('too-many-calls', `${this.#maxOpen} calls are open`);
    signal?.throwIfAborted();
    while (this.#open.has(this.#next)) this.#next = (this.#next + 1) >>> 0;
    const number = this.#next;
    u32.write(writer, number);
    this.#send(user, write(writer, name, types, values));
    this.#next = (number + 1) >>> 0;
    return new Promise((resolve, reject) => {
      const cancel = () => {
        if (!this.#end(number)) return;
        this.#sendLater(user, Uint8Array.of(ANSWERS, CANCEL, ...fourBytes(number)));
        reject(new PeoteError('call-cancelled', 'the call was cancelled', { cause: signal?.reason }));
      };
      const expired = () => this.#end(number)?.reject(new PeoteError('call-timeout', `no answer within ${limit} ms`));
      const stopTimer = limit === Infinity ? () => {} : after(limit, expired);
      const stop = () => {
        stopTimer();
        signal?.removeEventListener('abort', cancel);
      };
      signal?.addEventListener('abort', cancel);
      this.#open.set(number, { peer, user, type: answer, resolve, reject, stop });
    });
  }

  /** Takes a call out that is over. @param {number} number */
  #end(number) {
    const open = this.#open.get(number);
    this.#open.delete(number);
    open?.stop();
    return open;
  }
}

/** @param {number} object @param {number} procedure */
function message(object, procedure) {
  const writer = new Writer();
  writer.byte(object);
  writer.byte(procedure);
  return writer;
}

/**
 * @param {Writer} writer
 * @param {string} name
 * @param {readonly Type<any>[]} types
 * @param {readonly any[]} values
 */
function write(writer, name, types, values) {
  if (values.length !== types.length) throw new TypeError(`${name}: ${types.length} arguments are wanted, not ${values.length}`);
  types.forEach((type, at) => type.write(writer, values[at]));
  return writer.bytes;
}

/** @param {unknown} value @param {string} name */
function byNumber(value, name) {
  const entries = Object.entries(/** @type {object} */ (value ?? {}));
  return new Map(
    entries.map(([key, each]) => {
      const number = Number(key);
      if (!Number.isInteger(number) || number < 0 || number > 253) throw new RangeError(`${name}: ${key} is no number from 0 to 253`);
      return [number, each];
    }),
  );
}

/** As an uncaught error, which is what throws out of a listener. @param {unknown} error */
function reportError(error) {
  if (error instanceof PeoteError) return;
  if (typeof globalThis.reportError === 'function') globalThis.reportError(error);
  else queueMicrotask(() => { throw error; });
}
