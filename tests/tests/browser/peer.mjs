// The other end of `calls.rs`: calls an object of a Rust program through the relay (PEOTE_RELAY), and is called back.
import assert from 'node:assert/strict';
import { Link } from '../../../examples/browser/peote-net.js';
import { Rpc, calling, define, implement } from '../../../examples/browser/peote-net-rpc.js';
import * as t from '../../../examples/browser/peote-net-value.js';
import { NetSocket } from './socket.mjs';

setTimeout(() => assert.fail('nothing for 30 s'), 30_000).unref();

// What the Rust program has, as peote-interface has written it.
const { Screen, Store } = await import(process.env.PEOTE_INTERFACE);
const Other = define({ note: calling(t.bytes) }, '2');

const link = new Link(`ws://${process.env.PEOTE_RELAY}/`, { WebSocket: NetSocket, reconnect: false });
let asked;
const wasAsked = new Promise((resolve) => (asked = resolve));
const screen = implement(Screen, {
  size: async (text) => {
    asked(text);
    return text.length;
  },
});
const rpc = new Rpc(link.enter('mixed', { mode: 'rpc' }), { expect: { 0: Store, 1: Other }, offer: { 3: screen } });
const store = new Promise((resolve) => rpc.on('offer', ({ object, remote }) => object === 0 && resolve(remote)));
const mismatch = new Promise((resolve) => rpc.on('mismatch', resolve));

const remote = await store;
remote.note('grüße');
const many = Array.from({ length: 500 }, (_, n) => remote.count(n));
const answers = await Promise.all([
  Promise.all(many), remote.buy(7, 2), remote.buy(7, 99), remote.lookUp(new Map([['a', 1], ['b', -2]])), remote.lookUp(new Map()), remote.later(1n << 40n),
  remote.place({ x: 1, y: -2 }, [{ pawn: [] }, { tower: [3] }, { named: [500, false] }]),
]);
const abort = new AbortController();
const never = remote.never({ signal: abort.signal });
abort.abort();
await assert.rejects(never, { code: 'call-cancelled' });
assert.deepEqual(answers, [
  many.map((_, n) => n + 1), { ok: 2 }, { error: 'sold out' }, [[1, 'a'], [254, 'b']], undefined, 2 ** 40 + 0.5,
  { named: [504, true] },
]);
assert.equal(await wasAsked, 'how long?');
const { object, version, theirs, name } = await mismatch;
assert.deepEqual([object, version, theirs, name], [1, '2', '1.5', 'note']);
remote.note('done');
// what was sent goes out before the link ends
await link.room();
link.close();
