// Users on the same link as their server: without the relay, with the events that there are with
// it.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { connected, hex, listen } from './support.mjs';

const code = (code) => (error) => error.name === 'PeoteError' && error.code === code;
/** Resolves when everything that is on its way without lag has arrived. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

/** A channel with number 5 and users of it on the same link. */
async function room(count, options = {}, linkOptions = {}) {
  const { link, socket } = connected(linkOptions);
  const server = link.create('tea', options);
  const heard = listen(server);
  const users = Array.from({ length: count }, () => link.enter('tea'));
  const told = users.map((user) => listen(user));
  const [, , tag, ...create] = socket.take();
  assert.deepEqual(create, hex('03 74 65 61'));
  socket.say([0, 3, tag, 0, 5]);
  await settle();
  assert.deepEqual(socket.take(), []);
  return { link, socket, server, heard, users, told };
}

test('local users enter, talk and leave, and the relay hears nothing of it', async () => {
  const { socket, server, heard, users, told } = await room(2);
  assert.deepEqual([server.users, users.map((user) => user.ownNumber)], [[256, 257], [256, 257]]);
  users[0].send('up');
  server.send(257, 'down');
  server.broadcast('all', { except: 256 });
  // Nothing happens during a call.
  assert.equal(told[1].length, 1);
  await settle();
  users[0].leave();
  await settle();
  assert.deepEqual(heard, [['open', false], ['enter', 256], ['enter', 257], ['message', 256, [117, 112]], ['leave', 256, 'on-purpose']]);
  assert.deepEqual(told, [[['open', false]], [['open', false], ['message', [...Buffer.from('down')]], ['message', [...Buffer.from('all')]]]]);
  assert.deepEqual(socket.take(), hex('01 01 05 85 02 61 6c 6c'));
  server.delete();
  await settle();
  assert.deepEqual(told[1].at(-1), ['lost', 'on-purpose', false]);
  assert.throws(() => users[1].send('x'), code('not-open'));
});

test('what is for all goes to those beyond the relay too', async () => {
  const { socket, server, told } = await room(1);
  socket.say(hex('00 04 00 00 05 01'));
  server.broadcast('x');
  server.broadcast('y', { except: 256 });
  server.broadcast('z', { except: 1 });
  assert.deepEqual(server.sendToReady('w', { except: 1 }), []);
  await settle();
  assert.deepEqual(socket.take(), hex('01 01 03 85 00 78  01 01 03 85 00 79  01 00 04 85 01 00 7a  01 00 04 85 01 00 77'));
  assert.deepEqual(told[0], [['open', false], ['message', [120]], ['message', [122]], ['message', [119]]]);
  assert.throws(() => server.broadcast('x', { except: 300 }), code('not-open'));
});

test('local users have windows, and those that keep what comes are waited for', async () => {
  const { server, users } = await room(1, {}, { window: 1024 });
  const kept = [];
  users[0].on('message', ({ keep }) => kept.push(keep()));
  assert.deepEqual([server.window(256), users[0].window], [1024, 1024]);
  for (let i = 0; i < 4; i++) server.send(256, new Uint8Array(250));
  assert.throws(() => server.send(256, new Uint8Array(250)), code('would-block'));
  assert.throws(() => server.broadcast(new Uint8Array(250)), code('would-block'));
  assert.deepEqual(server.sendToReady(new Uint8Array(250)), [256]);
  const told = [];
  server.on('room', ({ user }) => told.push(user));
  const roomy = server.room(256);
  await settle();
  assert.deepEqual([kept.length, told], [4, []]);
  kept.forEach((taken) => taken());
  await roomy;
  assert.deepEqual(told, [256]);
  server.send(256, new Uint8Array(250));
  await settle();
  assert.equal(kept.length, 5);
});

test('local users knock as others do', async () => {
  const { link, socket } = connected();
  socket.say(hex('00 04 00 ff 50 07  00 05 00 03 01 01 01'));
  const server = link.create('tea', { admission: 'ask', mostUsers: 1 });
  socket.say(hex('00 03 01 00 05'));
  const knocks = [];
  server.on('knock', ({ user, words }) => knocks.push([user, String(Buffer.from(words))]));
  const users = ['a', 'b', 'c', 'd'].map((words) => link.enter('tea', { words }));
  const told = users.map((user) => listen(user));
  const why = [];
  users[1].on('refused', ({ words }) => why.push(String(Buffer.from(words))));
  await settle();
  assert.deepEqual(knocks, [[256, 'a'], [257, 'b'], [258, 'c'], [259, 'd']]);
  const heard = listen(server);
  users[3].leave();
  server.refuse(257, 'no');
  assert.equal(server.admit(256), true);
  assert.equal(server.admit(258), false);
  await settle();
  assert.deepEqual(told, [[['open', false]], [['refused', 'refused-by-server', false]], [['refused', 'channel-full', false]], []]);
  assert.deepEqual([why, heard], [['no'], [['enter', 256], ['leave', 259, 'on-purpose']]]);
});

test('local users are removed and blocked whatever the relay can', async () => {
  const { link, server, heard, users, told } = await room(2);
  heard.length = 0;
  server.remove(256);
  await settle();
  assert.deepEqual([heard, told[0].at(-1), server.users], [[['leave', 256, 'removed']], ['lost', 'removed', false], [257]]);
  const again = link.enter('tea');
  await settle();
  assert.deepEqual([again.state, again.ownNumber], ['open', 258]);
  server.block(257);
  const blocked = link.enter('tea');
  const refused = listen(blocked);
  await settle();
  assert.deepEqual([users[1].state, refused], ['closed', [['refused', 'blocked', false]]]);
});

test('a channel that cannot be created has no users; after a loss all come back', async () => {
  const { link, socket } = connected({ reconnect: { first: 10, jitter: 0 } });
  const server = link.create('tea');
  const user = link.enter('tea');
  const told = listen(user);
  socket.say(hex('00 03 01 01 02'));
  await settle();
  assert.deepEqual([told, server.state], [[['refused', 'no-such-channel', false]], 'closed']);
  const { users, told: heard, socket: other, link: second } = await room(1, {}, { reconnect: { first: 10, jitter: 0 } });
  const { FakeSocket } = await import('./support.mjs');
  other.onclose({ code: 1006 });
  assert.deepEqual(heard[0].at(-1), ['lost', 'link-lost', true]);
  while (FakeSocket.all.at(-1) === other) await settle();
  const next = FakeSocket.all.at(-1);
  next.open();
  next.say([0, 3, next.take()[2], 0, 7]);
  await settle();
  assert.deepEqual([users[0].state, heard[0].at(-1)], ['open', ['open', true]]);
  link.close();
  second.close();
});

test('who left while the channel was being created does not come', async () => {
  const { link, socket } = connected();
  const server = link.create('tea');
  const heard = listen(server);
  link.enter('tea').leave();
  socket.say(hex('00 03 01 00 05'));
  await settle();
  assert.deepEqual(heard, [['open', false]]);
});

test('lag and bandwidth are those of the line, and order stays', () => {
  let now = 1000;
  mock.timers.enable({ apis: ['setTimeout'] });
  const clock = mock.method(performance, 'now', () => now);
  const tasks = [];
  const microtasks = mock.method(globalThis, 'queueMicrotask', (act) => tasks.push(act));
  const tick = (ms) => {
    for (let i = 0; i <= ms; i++) {
      while (tasks.length > 0) tasks.shift()();
      if (i === ms) return;
      now += 1;
      mock.timers.tick(1);
    }
  };
  try {
    const { link, socket } = connected();
    const server = link.create('tea');
    const user = link.enter('tea');
    const log = [];
    server.on('message', ({ user: from, data }) => {
      log.push([now, data.length]);
      server.send(from, 'pong');
    });
    user.on('open', () => log.push([now, 'open']));
    user.on('message', () => log.push([now, 'pong']));
    server.simulate({ roundTrip: 80, bytesPerSecond: 1000 });
    socket.say(hex('00 03 01 00 05'));
    tick(50);
    // Half a round trip to enter.
    assert.deepEqual(log.splice(0), [[1040, 'open']]);
    user.send('x'.repeat(99));
    user.send('x'.repeat(49));
    tick(400);
    // 1050 + 100 bytes + half a round trip; the second leaves behind the first.
    assert.deepEqual(log, [[1190, 99], [1235, 'pong'], [1240, 49], [1285, 'pong']]);
    for (const [line, error] of [[{ roundTrip: -1 }, RangeError], [{ bytesPerSecond: 0 }, RangeError], [{ lag: 1 }, TypeError]]) {
      assert.throws(() => server.simulate(line), error);
    }
  } finally {
    mock.timers.reset();
    clock.mock.restore();
    microtasks.mock.restore();
  }
});

test('two that answer each other at once leave time for others', async () => {
  const { server, users } = await room(1);
  let count = 0;
  server.on('message', ({ user, data }) => server.state === 'open' && server.send(user, data));
  users[0].on('message', ({ data }) => {
    count += 1;
    users[0].send(data);
  });
  users[0].send('x');
  // A timer comes although there is always something to do.
  await settle();
  server.delete();
  assert.ok(count > 10, `${count}`);
  await settle();
});

test('a knock that is not answered ends after 10 s, as from a relay', async () => {
  const timers = mock.timers;
  timers.enable({ apis: ['setTimeout'] });
  try {
    const arrive = async () => {
      for (let n = 0; n < 50; n++) {
        await null;
        timers.tick(1);
      }
    };
    const { link, socket } = connected();
    const server = link.create('tea', { admission: 'ask' });
    const log = listen(server);
    server.on('knock', ({ user }) => log.push(['knock', user]));
    socket.say(hex('00 04 00 ff 50 07  00 05 00 03 01 01 01  00 03 01 00 05'));
    const users = [link.enter('tea'), link.enter('tea')];
    const told = users.map((user) => listen(user));
    await arrive();
    assert.deepEqual(log.splice(0), [['open', false], ['knock', 256], ['knock', 257]]);
    assert.ok(server.admit(257));
    timers.tick(9_800);
    await arrive();
    assert.deepEqual([log.splice(0), told], [[['enter', 257]], [[], [['open', false]]]]);
    timers.tick(300);
    await arrive();
    assert.deepEqual([log, told[0], users[1].state], [[['leave', 256, 'on-purpose']], [['refused', 'server-silent', false]], 'open']);
    assert.throws(() => server.admit(256), code('not-open'));
  } finally {
    timers.reset();
  }
});
