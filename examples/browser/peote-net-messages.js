// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * What comes in a channel, one after another: the other end may send more as the loop takes it. So a
 * slow loop holds up those who send, and nothing grows.
 *
 * ```js
 * for await (const { user, data } of messages(server)) await store(user, data);
 * ```
 * @module
 */

/** @typedef {import('./peote-net-entered.js').EnteredChannel} EnteredChannel */
/** @typedef {import('./peote-net-own.js').OwnChannel} OwnChannel */

/**
 * @typedef {object} Said
 * @property {number | undefined} user who has said it; `undefined` is the server of an entered
 *   channel
 * @property {Uint8Array} data
 */

/**
 * The messages from now on. A message counts as taken when the next one is asked for; all do when
 * the loop is left. Ends when the channel is closed for good, behind what has come until then; after
 * a loss it goes on with what comes in the channel when it is open again.
 *
 * With a relay that knows no windows nobody can be held up, and what the loop does not take waits in
 * memory.
 * @param {OwnChannel | EnteredChannel} channel
 * @returns {AsyncIterableIterator<Said>}
 */
export function messages(channel) {
  /** @type {{ said: Said, taken: () => void }[]} */
  const queue = [];
  const ending = new AbortController();
  let taken = () => {};
  let wake = () => {};
  const { signal } = ending;
  /** @type {any} */
  const target = channel;
  const options = { signal };
  target.on('message', hear, options);
  for (const type of ['refused', 'lost']) target.on(type, () => wake(), options);
  const closed = () => wake();
  channel._atClose.add(closed);

  /** @param {{ user?: number, data: Uint8Array, keep: () => () => void }} message */
  function hear({ user, data, keep }) {
    queue.push({ said: { user, data }, taken: keep() });
    wake();
  }

  function end() {
    ending.abort();
    channel._atClose.delete(closed);
    for (const { taken } of queue.splice(0)) taken();
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      taken();
      taken = () => {};
      while (queue.length === 0) {
        if (signal.aborted || channel.state === 'closed') {
          end();
          return { done: true, value: undefined };
        }
        await new Promise((resolve) => (wake = () => resolve(undefined)));
      }
      const first = /** @type {{ said: Said, taken: () => void }} */ (queue.shift());
      taken = first.taken;
      return { done: false, value: first.said };
    },
    async return() {
      taken();
      end();
      wake();
      return { done: true, value: undefined };
    },
  };
}
