// Remote procedure calls where there is no room: what waits keeps its order, has a bound for each
// peer, and concerns nobody else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rpc, answering, calling, define, implement } from '../../../examples/browser/peote-net-rpc.js';
import * as t from '../../../examples/browser/peote-net-value.js';
import { fourBytes } from '../../../examples/browser/peote-net-wire.js';
import { connected, hex, said } from './support.mjs';

/** Lets promises that are settled go on. */
const settle = async () => {
  for (let n = 0; n < 50; n++) await null;
};
/** Longer than it takes the module to look for room. */
const look = () => new Promise((resolve) => setTimeout(resolve, 30));

/** The chunks that were said since the last call, each with its receiver. */
function chunks(socket) {
  const all = [];
  for (const { to, bytes } of said(socket.take())) {
    if (!to.startsWith('one')) continue;
    for (let at = 0; at < bytes.length; at += bytes[at] + 2) all.push([to, ...bytes.slice(at + 1, at + bytes[at] + 2)]);
  }
  return all;
}

/** The server of channel 5, with a relay that knows everything, and its users come with windows. */
function server(options) {
  const { link, socket } = connected();
  const rpc = new Rpc(link.create('rpc', { mode: 'rpc' }), options);
  socket.say(hex('00 04 00 ff 50 07  00 05 00 03 01 01 01  00 03 01 00 05'));
  socket.take();
  return {
    socket, rpc,
    comes: (user, window) => socket.say([0, 10, 0, 4, 5, user, 7, 1, ...fourBytes(window)]),
    hear: (user, ...bytes) => socket.say([bytes.length + 3, 133, user, bytes.length - 1, ...bytes]),
    grants: (user, bytes) => socket.say([0, 8, 0, 5, 133, user, ...fourBytes(bytes)]),
    chunks: () => chunks(socket),
  };
}

const Store = define({ note: calling(t.string), count: answering(t.u32, t.u16) });
const offer = { 3: implement(Store, { note: () => {}, count: () => 1 }) };

test('what one peer does not take leaves the others what they wait for', async () => {
  const { comes, hear, grants, chunks: sent } = server({ offer, maxOpen: 4 });
  comes(0, 2);
  // User 0 takes nothing, and has refusals wait for it, more than there may be.
  for (let call = 0; call < 20; call++) hear(0, 3, 1, ...fourBytes(call), 9);
  await settle();
  assert.deepEqual(sent(), [['one 133,0', 254]]);
  comes(1, 4);
  await settle();
  assert.deepEqual(sent(), [['one 133,1', 254], ['one 133,1', 255]]);
  grants(1, 4);
  await settle();
  assert.deepEqual(sent(), [['one 133,1', 3]]);
  // What waits for user 0 has a bound, and comes in its order.
  grants(0, 2);
  for (let turn = 0; turn < 30; turn++) {
    await settle();
    grants(0, 100);
  }
  await settle();
  const refused = [0, 1].map((call) => ['one 133,0', 255, 1, ...fourBytes(call), 2]);
  assert.deepEqual(sent(), [['one 133,0', 255], ['one 133,0', 3], ...refused]);
});

test('a description does not overtake the offer that waits', async () => {
  const { socket, comes, hear, chunks: sent } = server({ offer });
  socket.bufferedAmount = 1 << 20;
  comes(0, 65_536);
  await settle();
  assert.deepEqual(sent(), []);
  // There is room again, which nobody tells.
  socket.bufferedAmount = 0;
  hear(0, 254);
  await look();
  assert.deepEqual(sent().map(([, ...bytes]) => bytes.slice(0, 3)), [[254], [255], [3], [254, 0, 3]]);
});

test('calls with one number do not get around the most that are carried out at once', async () => {
  let running = 0;
  const slow = implement(Store, { note: () => {}, count: () => new Promise(() => (running += 1)) });
  const { comes, hear, chunks: sent } = server({ offer: { 3: slow }, maxOpen: 4 });
  comes(0, 65_536);
  sent();
  for (let n = 0; n < 20; n++) hear(0, 3, 1, ...fourBytes(77), 1, 0);
  await settle();
  assert.equal(running, 1);
  assert.deepEqual(sent()[0], ['one 133,0', 255, 1, ...fourBytes(77), 0]);
  for (let n = 0; n < 20; n++) hear(0, 3, 1, ...fourBytes(n), 1, 0);
  await settle();
  assert.equal(running, 4);
});

test('messages for a peer that is gone do not reach the next one with its number', async () => {
  let answer;
  const slow = implement(Store, { note: () => {}, count: () => new Promise((resolve) => (answer = resolve)) });
  const { socket, comes, hear, grants, chunks: sent } = server({ offer: { 3: slow } });
  comes(0, 6);
  hear(0, 3, 1, ...fourBytes(0), 1, 0);
  hear(0, 3, 1, ...fourBytes(1), 9);
  await settle();
  assert.deepEqual(sent().length, 3);
  socket.say(hex('00 05 00 01 05 00 00'));
  comes(0, 6);
  grants(0, 1000);
  answer(9);
  await settle();
  assert.deepEqual(sent(), [['one 133,0', 254], ['one 133,0', 255], ['one 133,0', 3]]);
});
