// The page of `calls.rs`: calls a board and a program, and both call it.
import assert from 'node:assert/strict';
import { Link } from '../../../examples/browser/peote-net.js';
import { Rpc, implement } from '../../../examples/browser/peote-net-rpc.js';
import { NetSocket } from '../browser/socket.mjs';

setTimeout(() => assert.fail('nothing for 50 s'), 50_000).unref();

const { Lamp, Panel } = await import(process.env.PEOTE_LAMP);
const { Desk } = await import(process.env.PEOTE_DESK);
const link = new Link(`ws://${process.env.PEOTE_RELAY}/`, { WebSocket: globalThis.WebSocket ?? NetSocket, reconnect: false, program: 'a page' });

/** Enters a channel; what is offered there, and a promise of being called. */
function join(name) {
  let called;
  const shown = new Promise((resolve) => (called = resolve));
  const panel = implement(Panel, {
    show: (level) => {
      called(level);
      return 2000;
    },
  });
  const rpc = new Rpc(link.enter(name, { mode: 'rpc' }), { offer: { 2: panel }, expect: { 0: Lamp, 1: Desk, 2: Panel } });
  rpc.on('mismatch', (mismatch) => assert.fail(`${name}: ${mismatch.name} differs`));
  rpc.on('violation', ({ cause }) => assert.fail(`${name}: ${cause}`));
  const offered = (object) => new Promise((resolve) => rpc.on('offer', (offer) => offer.object === object && resolve(offer.remote)));
  return { shown, offered };
}

const board = join('lamp');
const program = join('desk');
const [lamp, desk, panel] = await Promise.all([board.offered(0), program.offered(1), program.offered(2)]);
assert.equal(await lamp.average(new Uint8Array()), undefined);
assert.equal(await lamp.average(Uint8Array.of(1, 2, 6)), 3);
assert.equal(await desk.add(40, 2), 42);
assert.equal(await panel.show(await lamp.level()), 1000);
const levels = await Promise.all([board.shown, program.shown]);
assert.ok(levels[0] <= 100);
assert.equal(levels[1], 77);
desk.note('done');
await link.room();
link.close();
