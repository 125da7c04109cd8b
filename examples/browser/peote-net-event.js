// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * What links and channels tell: events, reasons, errors. Programs use `peote-net.js`, which exports
 * from here what they need.
 * @module
 */

import { functionOf, optionsOf, wordOf, wrongKind } from './peote-net-check.js';

/**
 * Why something ended or was refused, by what happened:
 *
 * - `on-purpose`: the user left, or the server deleted the channel;
 * - `connection-lost`: the connection of the user or server at the other end was lost;
 * - `link-lost`: this link's own connection to the relay was lost;
 * - `removed`: the channel's server removed this user;
 * - `too-slow`: what was sent there was not taken for some seconds, which paused others;
 * - `name-in-use`: creating, and there is such a channel already;
 * - `no-such-channel`, `own-channel`, `already-entered`, `channel-full`, `blocked`: entering;
 * - `refused-by-server`: the channel's server does not let this user in;
 * - `server-silent`: it has not answered within 10 s, or too many are in front of its door;
 * - `unsupported`: the channel asks who comes in, and the relay knows no admission;
 * - `too-many-channels`: 128 of this kind on this connection, or as many as the relay allows;
 * - `no-answer`: the relay has not answered within `answerTimeout`; the link gives its connection
 *   up;
 * - `unknown`: a number that this version does not know.
 * @typedef {'on-purpose' | 'connection-lost' | 'link-lost' | 'removed' | 'name-in-use' |
 *   'no-such-channel' | 'own-channel'
 *   | 'already-entered' | 'channel-full' | 'blocked' | 'too-many-channels' | 'no-answer'
 *   | 'too-slow' | 'refused-by-server' | 'server-silent' | 'unsupported' | 'unknown'} Reason
 */

/** @type {Readonly<Record<'create' | 'enter' | 'end', Readonly<Record<number, Reason>>>>} sections 4.2 and 4.5 */
export const REASONS = {
  create: { 1: 'too-many-channels', 2: 'name-in-use' },
  enter: { 1: 'no-such-channel', 2: 'own-channel', 3: 'already-entered', 4: 'channel-full', 5: 'too-many-channels', 6: 'blocked', 7: 'refused-by-server', 8: 'server-silent' },
  end: { 0: 'on-purpose', 1: 'connection-lost', 2: 'removed', 3: 'too-slow' },
};

/**
 * What the `code` of a {@link PeoteError} can be:
 *
 * - `would-block`: no room now, nothing was sent; `await channel.room()`, for a user of an own
 *   channel `await channel.room(user)`, and try again;
 * - `not-open`: the channel is not open, or there is no such user in it, or the connection has just
 *   been lost;
 * - `empty`: nothing to send;
 * - `too-long`: a chunk above the channel's maximum, a message above `maxBuffered`, data above the
 *   other end's window, or words above 200 bytes;
 * - `name-too-long`: a channel's name of more than 255 bytes;
 * - `chunk-limit`: a maximum chunk size that is not a whole number from 1 to 2,147,483,647, or one
 *   above 65,536 that is above the link's `window`;
 * - `too-many-channels`: 128 channels of this kind already;
 * - `unsupported`: the relay has not announced that it can do that;
 * - `closed`: the link is closed;
 * - `no-answers`, `too-many-calls`: a call with an answer, which the peer cannot give, or of which
 *   too many are open;
 * - `call-lost`, `call-timeout`, `call-refused`, `call-cancelled`: a call that has ended without an
 *   answer.
 * @typedef {'would-block' | 'not-open' | 'empty' | 'too-long' | 'name-too-long' | 'chunk-limit' |
 *   'too-many-channels'
 *   | 'unsupported' | 'closed' | 'only-rpc' | 'no-answers' | 'too-many-calls' | 'call-lost' | 'call-timeout'
 *   | 'call-refused' | 'call-cancelled'} ErrorCode
 */

/** What calls of this module throw: nothing was sent or changed. */
export class PeoteError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.name = 'PeoteError';
    /** @type {ErrorCode} */
    this.code = code;
  }
}

/**
 * An event of a link or a channel; what it is about are properties of its own.
 * @template {object} Fields
 */
class PeoteEvent extends Event {
  /**
   * @param {string} type
   * @param {Fields} fields
   */
  constructor(type, fields) {
    super(type);
    Object.assign(this, fields);
  }
}

/** @type {readonly (keyof AddEventListenerOptions)[]} */
const LISTENER_OPTIONS = ['once', 'signal', 'passive', 'capture'];

/**
 * An `EventTarget` whose events are known.
 * @template {Record<string, object>} Events
 */
export class Target extends EventTarget {
  #types;

  /**
   * @param {readonly (keyof Events & string)[]} types of the events that there are
   * @internal
   */
  constructor(types) {
    super();
    this.#types = types;
  }

  /**
   * The same as `addEventListener`, for the events that there are; returns `this`.
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {(event: Event & Events[Type]) => void} listener
   * @param {AddEventListenerOptions} [options]
   * @throws {TypeError} there is no such event, the listener is no function, or there is no such
   *   option
   */
  on(type, listener, options) {
    if (type === undefined) throw wrongKind('type', 'the name of an event', type);
    wordOf(type, 'type', this.#types);
    if (listener === undefined) throw wrongKind('listener', 'a function', listener);
    const act = functionOf(listener, 'listener', listener);
    optionsOf(options, 'options', LISTENER_OPTIONS);
    this.addEventListener(type, /** @type {EventListener} */ (/** @type {unknown} */ (act)), options);
    return this;
  }

  /**
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {Events[Type]} fields
   * @internal
   */
  _tell(type, fields) {
    this.dispatchEvent(new PeoteEvent(type, fields));
  }
}
