// What is built on links and channels: offline, rooms, users, messages one after another.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Link } from '../../../examples/browser/peote-net.js';
import { messages } from '../../../examples/browser/peote-net-messages.js';
import { Offline } from '../../../examples/browser/peote-net-offline.js';
import { Room } from '../../../examples/browser/peote-net-room.js';
import { Rpc, answering, define, implement } from '../../../examples/browser/peote-net-rpc.js';
import { Users } from '../../../examples/browser/peote-net-users.js';
import { string, u32 } from '../../../examples/browser/peote-net-value.js';
import { FakeSocket, connected, hex, listen, timed, utf8 } from './support.mjs';

const links = [];
after(() => links.forEach((link) => link.close()));
function offline(options = {}) {
  const link = new Link('offline:', { WebSocket: Offline, ...options });
  links.push(link);
  return link;
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
const text = (bytes) => String(Buffer.from(bytes));

test('offline, channels are created at once, and only those of this link can be entered', async () => {
  const link = offline();
  const told = ['a', 'a', 'b'].map((name) => listen(link.create(name)));
  const other = listen(link.enter('c'));
  const user = link.enter('a');
  await settle();
  assert.deepEqual(told, [[['open', false], ['enter', 256]], [['refused', 'name-in-use', false]], [['open', false]]]);
  assert.deepEqual([other, user.state, link.capabilities], [[['refused', 'no-such-channel', false]], 'open', { remove: true, block: true, flow: true }]);
});

test('offline, names and numbers are free again, and 128 channels are the most', async () => {
  const link = offline();
  for (let round = 0; round < 3; round++) {
    const channels = Array.from({ length: 128 }, (_, n) => link.create(`n${n}`));
    await settle();
    assert.ok(channels.every(({ state }) => state === 'open'));
    assert.equal(new Set(channels.map(({ _number }) => _number)).size, 128);
    channels.forEach((channel) => channel.delete());
  }
});

test('offline, what is said to all others is passed over, however long it is', async () => {
  const link = offline();
  const server = link.create('a', { mode: 'data', maxChunk: 1 << 20 });
  await settle();
  for (const length of [1, 125, 126, 127, 128, 32_765, 40_000, 200_000]) server.broadcast(new Uint8Array(length).fill(1));
  const next = link.create('b', { admission: 'ask' });
  await settle();
  assert.equal(next.state, 'open');
});

test('offline, calls with answers go as with a relay, with lag', async () => {
  const link = offline();
  const Greeter = define({ greet: answering(string, string), add: answering(u32, u32) });
  const server = link.create('rpc', { mode: 'rpc' });
  server.simulate({ roundTrip: 10 });
  new Rpc(server, { offer: { 0: implement(Greeter, { greet: async (name) => `hello ${name}`, add: (n) => n + 1 }) } });
  const rpc = new Rpc(link.enter('rpc', { mode: 'rpc' }), { expect: { 0: Greeter } });
  const { remote } = await new Promise((resolve) => rpc.on('offer', resolve));
  assert.deepEqual(await Promise.all([remote.greet('anna'), remote.add(41)]), ['hello anna', 42]);
});

test('a link that is closed offline says nothing more', async () => {
  const link = new Link('offline:', { WebSocket: Offline });
  const told = listen(link.create('a'));
  link.close();
  await settle();
  assert.deepEqual([told, link.state], [[], 'closed']);
});

test('users have data, which is given back once, whatever their end is', async () => {
  const link = offline();
  const server = link.create('a');
  const gone = [];
  const users = new Users(server, (user, words) => ({ name: text(words), score: 0 }), { gone: (user, { name, score }, reason) => gone.push([user, name, score, reason]) });
  server.on('message', ({ user }) => (users.get(user).score += 1));
  const players = ['anna', 'bob', 'carl', 'dora'].map((words) => link.enter('a', { words }));
  await settle();
  assert.deepEqual([...users].map(([user, { name }]) => [user, name]), [[256, 'anna'], [257, 'bob'], [258, 'carl'], [259, 'dora']]);
  players[1].send('x');
  await settle();
  players[1].leave();
  server.remove(258);
  await settle();
  assert.deepEqual([gone.splice(0), users.size, users.has(257)], [[[257, 'bob', 1, 'on-purpose'], [258, 'carl', 0, 'removed']], 2, false]);
  assert.equal(users.set(257, {}).has(257), false);
  assert.equal(users.set(256, { name: 'ann', score: 9 }).get(256).name, 'ann');
  server.delete();
  assert.deepEqual(gone.splice(0), [[256, 'ann', 9, 'on-purpose'], [259, 'dora', 0, 'on-purpose']]);
  assert.throws(() => new Users(server), TypeError);
});

test('users are gone with the connection', () => {
  const { link, socket } = connected({ reconnect: { first: 10 } });
  const gone = [];
  const server = link.create('a');
  const users = new Users(server, () => undefined, { gone: (user, data, reason) => gone.push([user, reason]) });
  socket.say(hex('00 03 01 00 05  00 04 00 00 05 07'));
  assert.deepEqual([users.size, users.get(7)], [1, undefined]);
  socket.onclose({ code: 1006 });
  assert.deepEqual(gone, [[7, 'link-lost']]);
  link.close();
});

test('messages come one after another, and hold up those who send', async () => {
  const link = offline({ window: 1024 });
  const server = link.create('a');
  const user = link.enter('a');
  await settle();
  const loop = messages(server);
  for (let n = 0; n < 4; n++) user.send(new Uint8Array(250).fill(n));
  assert.throws(() => user.send(new Uint8Array(250)), (error) => error.code === 'would-block');
  await settle();
  assert.equal(user.window, 16);
  const got = [];
  for (let n = 0; n < 3; n++) got.push((await loop.next()).value);
  await settle();
  assert.deepEqual([got.map(({ user, data }) => [user, data[0]]), user.window], [[[256, 0], [256, 1], [256, 2]], 16]);
  // Three are taken, more than half.
  const pending = [loop.next(), loop.next()];
  await settle();
  assert.equal(user.window, 1024 - 250);
  user.send('end');
  assert.deepEqual((await pending[0]).value.data[0], 3);
  assert.equal(text((await pending[1]).value.data), 'end');
  const last = loop.next();
  server.delete();
  assert.deepEqual(await last, { done: true, value: undefined });
});

test('a loop that is left holds up nobody, and what came before the end is told', async () => {
  const link = offline({ window: 1024 });
  const server = link.create('a');
  const user = link.enter('a');
  await settle();
  const got = [];
  const loop = (async () => {
    for await (const { data } of messages(user)) {
      got.push(text(data));
      if (got.length === 2) break;
    }
  })();
  // Many windows in all.
  for (let n = 0; n < 30; n++) {
    server.send(256, `${n}${'x'.repeat(100)}`);
    await settle();
  }
  await loop;
  await settle();
  assert.equal(got.length, 2);
  const rest = messages(server);
  user.send('one');
  user.send('two');
  await settle();
  link.close();
  assert.deepEqual([text((await rest.next()).value.data), text((await rest.next()).value.data), (await rest.next()).done], ['one', 'two', true]);
});

/** A room on a link of its own, and what it tells. */
function roomOn(linkOptions, options) {
  const { link, socket } = connected(linkOptions);
  const room = new Room(link, 'tea', options);
  const told = [];
  for (const type of ['serving', 'entered']) room.on(type, ({ channel }) => told.push([type, channel === room.channel]));
  for (const type of ['out', 'refused']) room.on(type, ({ reason }) => told.push([type, reason]));
  return { link, socket, room, told };
}
const enter = (tag) => [0, 1, tag, 3, ...utf8('tea')];
const create = (tag) => [0, 0, tag, 3, ...utf8('tea')];

timed('the first one serves the room, one that is faster is entered', (tick) => {
  const { socket, room, told } = roomOn();
  assert.deepEqual(socket.take(), enter(1));
  socket.say(hex('00 03 01 01 01'));
  tick(10);
  assert.deepEqual(socket.take(), create(2));
  // Another one was faster: at once the first time.
  socket.say(hex('00 03 02 01 02'));
  tick(10);
  assert.deepEqual(socket.take(), enter(3));
  socket.say(hex('00 03 03 01 01'));
  tick(10);
  assert.deepEqual(socket.take(), create(4));
  socket.say(hex('00 03 04 00 07'));
  assert.deepEqual([told, room.isServer, room.channel.users], [[['serving', true]], true, []]);
  room.leave();
  assert.deepEqual([socket.take(), room.channel, room.isServer], [hex('00 03 00 01 07'), undefined, false]);
  room.join();
  room.join();
  assert.deepEqual(socket.take(), enter(5));
});

timed('when the server goes, a user takes over', (tick) => {
  const { socket, room, told } = roomOn();
  socket.say(hex('00 03 01 00 03'));
  assert.deepEqual([told.splice(0), room.isServer], [[['entered', true]], false]);
  socket.take();
  socket.say(hex('00 04 00 02 03 01'));
  tick(10);
  assert.deepEqual([told.splice(0), socket.take()], [[['out', 'connection-lost']], create(2)]);
  // Others are faster again and again: with time in between.
  socket.say(hex('00 03 02 01 02'));
  tick(10);
  assert.deepEqual(socket.take(), enter(3));
  socket.say(hex('00 03 03 01 08'));
  assert.deepEqual(socket.take(), []);
  tick(200);
  assert.deepEqual(socket.take(), enter(4));
  socket.say(hex('00 03 04 00 03'));
  assert.deepEqual(told.splice(0), [['entered', true]]);
  // Sent away: it stays outside until it is told to.
  socket.say(hex('00 04 00 02 03 02'));
  tick(5000);
  assert.deepEqual([told.splice(0), socket.take(), room.channel], [[['refused', 'removed']], [], undefined]);
  room.join();
  assert.deepEqual(socket.take(), enter(5));
  socket.say(hex('00 03 05 01 06'));
  tick(5000);
  assert.deepEqual([told, socket.take()], [[['refused', 'blocked']], []]);
});

timed('after a loss of the connection the room begins anew', (tick) => {
  const { link, socket, room, told } = roomOn({ reconnect: { first: 100, jitter: 0 } });
  socket.say(hex('00 03 01 01 01'));
  tick(10);
  socket.say([0, 3, 2, 0, 7]);
  socket.onclose({ code: 1006 });
  assert.deepEqual(told.splice(0), [['serving', true], ['out', 'link-lost']]);
  tick(1000);
  const next = FakeSocket.all.at(-1);
  next.open();
  assert.deepEqual(next.take(), enter(1));
  // Lost while it asks.
  next.onclose({ code: 1006 });
  tick(1000);
  const third = FakeSocket.all.at(-1);
  third.open();
  assert.deepEqual([third.take(), told], [enter(1), []]);
  // Left while it asks: what comes of it is left again.
  room.leave();
  third.say(hex('00 03 01 00 05'));
  tick(1000);
  assert.deepEqual([third.take(), told, link.state], [hex('00 02 00 01 05'), [], 'open']);
});

test('options of a room are those of its channel', () => {
  const { link, socket } = connected();
  socket.say(hex('00 04 00 ff 50 07  00 05 00 03 01 01 01'));
  socket.take();
  const room = new Room(link, 'tea', { words: 'anna', maxChunk: 100, admission: 'ask', mostUsers: 3 });
  assert.deepEqual(socket.take(), [0, 7, 0, 4, ...utf8('anna'), ...enter(1)]);
  assert.throws(() => new Room(link, 'tea', { retry: 'always' }), /retry: there is no such option/);
  room.leave();
});

test('a room that was left is not kept by its link, and can be joined again', () => {
  const { link, socket } = connected();
  const signals = [];
  const on = link.on.bind(link);
  link.on = (type, act, options) => {
    signals.push(options?.signal);
    return on(type, act, options);
  };
  const room = new Room(link, 'tea');
  assert.deepEqual(signals.map((signal) => signal?.aborted), [false]);
  room.leave();
  assert.ok(signals[0].aborted);
  socket.take();
  room.join();
  assert.deepEqual([signals.length, signals[1].aborted, room.isServer], [2, false, false]);
  socket.say([0, 3, 2, 0, 0]);
  assert.equal(room.channel?.state, 'open');
});
