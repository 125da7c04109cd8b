// Links and channels, byte by byte, with a relay that is the test.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Link } from '../../../examples/browser/peote-net.js';
import { FakeSocket, connected, hex, listen, random, timed, utf8 } from './support.mjs';

const code = (code) => (error) => error.name === 'PeoteError' && error.code === code;
/** An own channel `a`, open with number 5 and users. */
function served(users = [], options = {}, linkOptions = {}) {
  const { link, socket } = connected(linkOptions);
  const channel = link.create('a', options);
  const told = listen(channel);
  socket.say(hex('00 03 01 00 05'));
  for (const user of users) socket.say([0, 4, 0, 0, 5, user]);
  socket.take();
  told.length = 0;
  return { link, socket, channel, told };
}
/** An entered channel `b`, open with number 3. */
function entered(options = {}, linkOptions = {}) {
  const { link, socket } = connected(linkOptions);
  const channel = link.enter('b', options);
  const told = listen(channel);
  socket.say(hex('00 03 01 00 03'));
  socket.take();
  told.length = 0;
  return { link, socket, channel, told };
}
const RULES = { first: 100, greatest: 400, jitter: 0 };

test('commands, answers in any order, and reasons', () => {
  const { link, socket } = connected();
  const names = ['ä', '', new Uint8Array(255).fill(0x78)];
  const own = names.map((name) => link.create(name));
  const user = link.enter('b');
  assert.deepEqual(socket.take(), [
    ...hex('00 00 01 02 c3 a4  00 00 02 00  00 00 03 ff'), ...Array(255).fill(0x78), ...hex('00 01 04 01 62'),
  ]);
  const told = [];
  [...own, user].forEach((channel, i) => listen(channel, { push: (event) => told.push([i, ...event]) }));
  socket.say(hex('00 03 04 01 04  00 03 02 01 02  00 03 09 00 00  00 03 03 00 7f  00 03 01 01 63'));
  assert.deepEqual(told, [
    [3, 'refused', 'channel-full', false], [1, 'refused', 'name-in-use', false], [2, 'open', false], [0, 'refused', 'unknown', false],
  ]);
  own[2].delete();
  assert.deepEqual(socket.take(), hex('00 03 00 01 7f'));
  const reasons = [1, 2, 3, 4, 5, 6].map((number) => {
    const channel = link.enter('x');
    const seen = listen(channel);
    socket.say([0, 3, socket.take()[2], 1, number]);
    return seen[0][1];
  });
  assert.deepEqual(reasons, ['no-such-channel', 'own-channel', 'already-entered', 'channel-full', 'too-many-channels', 'blocked']);
});

test('what cannot be is an error, and nothing is sent', () => {
  const { link, socket, channel } = served([1], { maxChunk: 10 });
  assert.throws(() => link.create('x'.repeat(256)), code('name-too-long'));
  assert.throws(() => link.enter('ä'.repeat(128)), code('name-too-long'));
  for (const maxChunk of [0, 1.5, 2147483648, NaN]) assert.throws(() => link.create('x', { maxChunk }), code('chunk-limit'));
  assert.throws(() => channel.send(1, ''), code('empty'));
  assert.throws(() => channel.send(1, 'x'.repeat(11)), code('too-long'));
  assert.throws(() => channel.send(2, 'x'), code('not-open'));
  assert.throws(() => channel.broadcast('x', { except: 256 }), code('not-open'));
  channel.delete();
  socket.take();
  assert.throws(() => channel.broadcast('x'), code('not-open'));
  for (let i = 0; i < 128; i++) link.create(`n${i}`);
  assert.throws(() => link.create('x'), code('too-many-channels'));
  link.enter('the other kind');
  link.close();
  assert.throws(() => link.enter('x'), code('closed'));
});

test('a server sends to one, to all, to all but one', () => {
  const { socket, channel } = served([0, 200]);
  channel.send(200, 'hi');
  channel.broadcast('all');
  channel.broadcast('not', { except: 0 });
  assert.deepEqual(socket.take(), hex('05 85 c8 01 68 69  01 01 05 85 02 61 6c 6c  01 00 06 85 00 02 6e 6f 74'));
  channel.send(0, Uint8Array.from({ length: 129 }, () => 9).buffer);
  assert.deepEqual(socket.take(), [...hex('80 85 85 00 80 01'), ...Array(129).fill(9)]);
});

test('a user sends; two chunks are two units', () => {
  const { socket, channel } = entered();
  channel.send('a');
  channel.send('b');
  assert.deepEqual(socket.take(), hex('03 03 00 61  03 03 00 62'));
});

test('data is sent as it is, and heard as it comes', () => {
  const { socket, channel, told } = entered({ mode: 'data' });
  channel.send(new Uint8Array(32_766).subarray(0, 32_766));
  const sent = socket.take();
  assert.deepEqual([sent.length, ...sent.slice(0, 3)], [32_766 + 3 + 2, 0xff, 0xfe, 3]);
  assert.deepEqual(sent.slice(-3), [2, 3, 0]);
  socket.say(hex('03 03 85 00  01 03  02 03 07'));
  assert.deepEqual(told, [['message', [0x85, 0]], ['message', [7]]]);
});

test('a malicious user is told once and passed over, the others go on', () => {
  const { socket, channel, told } = served([1, 2]);
  socket.say(hex('07 85 01 00 61 85 00 00  04 85 01 00 62  04 85 02 00 63  00 05 00 01 05 01 01  00 04 00 00 05 01  04 85 01 00 64'));
  assert.deepEqual(told, [
    ['message', 1, [0x61]], ['malicious', 1, 'overlong'], ['message', 2, [0x63]], ['leave', 1, 'connection-lost'], ['enter', 1],
    ['message', 1, [0x64]],
  ]);
  assert.deepEqual(channel.users.sort(), [1, 2]);
});

test('a malicious server leaves the other channels alone', () => {
  const { link, socket, channel, told } = entered({ maxChunk: 4 });
  const other = link.enter('c');
  const heard = listen(other);
  socket.say(hex('00 03 02 00 04  02 03 04  03 03 00 61  03 04 00 62'));
  assert.deepEqual(told, [['malicious', 'too-long']]);
  assert.deepEqual(heard, [['open', false], ['message', [0x62]]]);
  channel.send('x');
});

test('a chunk in pieces of one user is not mixed with those of another', () => {
  const { socket, told } = served([1, 2]);
  socket.say(hex('03 85 01 02  03 85 02 01  03 85 01 61  04 85 02 78 79  05 85 01 62 63 00'));
  socket.say(hex('03 85 01 64'));
  assert.deepEqual(told, [['message', 2, utf8('xy')], ['message', 1, utf8('abc')], ['message', 1, utf8('d')]]);
});

test('stale units are dropped', () => {
  const { link, socket, channel, told } = served([1]);
  socket.say(hex('00 05 00 01 05 01 00  04 85 01 00 61  00 05 00 01 05 01 00'));
  assert.deepEqual(told, [['leave', 1, 'on-purpose']]);
  channel.delete();
  socket.say(hex('00 04 00 00 05 02  04 85 02 00 61  03 05 00 61  00 04 00 02 05 00  04 ff 00 00 61'));
  assert.equal(told.length, 1);
  assert.deepEqual(socket.take(), hex('00 03 00 01 05'));
  // Left before the answer: left again as soon as it has come.
  const user = link.enter('b');
  const heard = listen(user);
  user.leave();
  socket.take();
  socket.say(hex('00 03 02 00 09  03 09 00 61'));
  assert.deepEqual(socket.take(), hex('00 02 00 01 09'));
  assert.deepEqual(heard, []);
});

test('leaving in the middle of what came ends it there', () => {
  const { socket, channel, told } = entered();
  channel.on('message', () => channel.leave());
  socket.say(hex('05 03 00 61 00 62  03 03 00 63'));
  assert.deepEqual(told, [['message', [0x61]]]);
});

test('removing and blocking, only where the relay can', () => {
  const { link, socket, channel, told } = served([7]);
  assert.throws(() => channel.remove(7), code('unsupported'));
  assert.throws(() => channel.block(7), code('unsupported'));
  socket.say(hex('00 04 00 ff 51 03'));
  assert.throws(() => channel.remove(7), code('unsupported'));
  socket.say(hex('00 04 00 ff 50 01  00 04 00 ff 00 00'));
  assert.deepEqual(link.capabilities, { remove: true, block: false, flow: false });
  channel.remove(7);
  assert.throws(() => channel.block(7), code('unsupported'));
  socket.say(hex('00 04 00 ff 50 03'));
  channel.block(7);
  assert.throws(() => channel.block(8), code('not-open'));
  assert.deepEqual(socket.take(), hex('00 04 00 02 05 07  00 05 00 02 05 07'));
  socket.say(hex('00 05 00 01 05 07 02'));
  assert.deepEqual(told, [['leave', 7, 'removed']]);
});

timed('back-pressure: nothing is sent beyond the bound, and room is told', async (tick) => {
  const { link, socket, channel } = entered({}, { maxBuffered: 1024 });
  socket.bufferedAmount = 1000;
  channel.send('x'.repeat(21));
  socket.take();
  assert.throws(() => channel.send('x'.repeat(22)), code('would-block'));
  assert.throws(() => channel.send('x'.repeat(1100)), code('too-long'));
  // Commands that need an answer wait; those of five bytes do not.
  const other = link.enter('c');
  assert.equal(other.state, 'waiting');
  assert.deepEqual(socket.take(), []);
  channel.leave();
  assert.deepEqual(socket.take(), hex('00 02 00 01 03'));
  socket.bufferedAmount = 100;
  tick(10);
  assert.deepEqual(socket.take(), hex('00 01 02 01 63'));
});

test('room comes when half of the bound is free, and never on a closed link', async () => {
  const { link, socket } = connected({ maxBuffered: 1024 });
  socket.bufferedAmount = 513;
  let there = false;
  const room = link.room().then(() => (there = true));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(there, false);
  socket.bufferedAmount = 512;
  await room;
  socket.bufferedAmount = 513;
  const never = assert.rejects(link.room(), code('closed'));
  link.close();
  await never;
});

test('255 commands wait at most; the next one takes the tag that has become free', () => {
  const { link, socket } = connected();
  for (let i = 0; i < 128; i++) link.create('o');
  const last = Array.from({ length: 128 }, () => link.enter('e')).at(-1);
  assert.equal(socket.take().length, 255 * 5);
  assert.equal(last.state, 'waiting');
  socket.say(hex('00 03 64 01 02'));
  assert.deepEqual(socket.take(), hex('00 01 64 01 65'));
});

timed('after a loss channels come back by name, and it is told which and which not', (tick) => {
  const { link, socket } = connected({ reconnect: RULES, random: () => 0 });
  const losses = [];
  link.on('lost', ({ reason, unsent, retryIn }) => losses.push([reason, unsent, retryIn]));
  const told = [];
  const channels = [link.create('a'), link.enter('b'), link.enter('c', { retry: 'never' }), link.create('d')];
  channels.forEach((channel, i) => listen(channel, { push: (event) => told.push([i, ...event]) }));
  socket.say(hex('00 03 01 00 00  00 03 02 00 00  00 03 03 00 01  00 04 00 00 00 09'));
  assert.deepEqual(told.splice(0), [[0, 'open', false], [1, 'open', false], [2, 'open', false], [0, 'enter', 9]]);
  socket.bufferedAmount = 12;
  socket.onclose({ code: 1001 });
  assert.deepEqual(losses, [['closed', 12, 100]]);
  assert.deepEqual(told.splice(0), [
    [0, 'lost', 'link-lost', true], [1, 'lost', 'link-lost', true], [2, 'lost', 'link-lost', false], [3, 'refused', 'link-lost', true],
  ]);
  assert.deepEqual(channels[0].users, []);
  assert.throws(() => channels[0].broadcast('x'), code('not-open'));
  tick(100);
  const next = FakeSocket.all.at(-1);
  assert.notEqual(next, socket);
  next.open();
  assert.deepEqual(next.take(), hex('00 00 01 01 61  00 01 02 01 62  00 00 03 01 64'));
  // The name is still in use: by what is left of the connection that was lost. The one that was
  // never open is given up.
  next.say(hex('00 03 01 01 02  00 03 02 00 07  00 03 03 01 02'));
  assert.deepEqual(told.splice(0), [
    [0, 'refused', 'name-in-use', true], [1, 'open', true], [3, 'refused', 'name-in-use', false],
  ]);
  tick(99);
  assert.deepEqual(next.take(), []);
  tick(1);
  assert.deepEqual(next.take(), hex('00 00 04 01 61'));
  next.say(hex('00 03 04 01 02'));
  tick(200);
  next.say([0, 3, next.take()[2], 0, 3]);
  assert.deepEqual(told.splice(0), [[0, 'refused', 'name-in-use', true], [0, 'open', true]]);
  // What the former socket says is not heard.
  socket.say(hex('03 00 00 61'));
  socket.onclose({ code: 1006 });
  assert.deepEqual([told, link.state], [[], 'open']);
  // Its server is coming back, too; one that has deleted it is not.
  next.say(hex('00 04 00 02 07 01'));
  tick(100);
  next.say([0, 3, next.take()[2], 0, 7]);
  next.say(hex('00 04 00 02 07 00'));
  assert.deepEqual(told, [
    [1, 'lost', 'connection-lost', true], [1, 'open', true], [1, 'lost', 'on-purpose', false],
  ]);
});

timed('delays double, and are short again only after an answer', (tick) => {
  const link = new Link('ws://relay', { WebSocket: FakeSocket, reconnect: { ...RULES, attempts: 6 }, random: () => 0 });
  const channel = link.create('a');
  const delays = [];
  let closed = 0;
  link.on('lost', ({ reason, retryIn }) => delays.push(`${reason} ${retryIn}`));
  link.on('closed', () => closed++);
  const fail = (act) => {
    act(FakeSocket.all.at(-1));
    tick(400);
  };
  fail((socket) => socket.onclose({ code: 1006 }));
  fail((socket) => socket.onclose({ code: 1006 }));
  const opened = (socket) => {
    socket.open();
    socket.onclose({ code: 1008 });
  };
  fail(opened);
  fail(opened);
  fail((socket) => {
    socket.open();
    socket.say([0, 3, socket.take()[2], 1, 1]);
    assert.equal(channel.state, 'closed');
    socket.onclose({ code: 1006 });
  });
  for (let i = 0; i < 6; i++) fail((socket) => socket.onclose({ code: 1006 }));
  assert.deepEqual(delays, [
    'unreachable 100', 'unreachable 200', 'closed 400', 'closed 400', 'closed 100', 'unreachable 200', 'unreachable 400',
    'unreachable 400', 'unreachable 400', 'unreachable 400', 'unreachable undefined',
  ]);
  assert.deepEqual([closed, link.state], [1, 'closed']);
});

timed('jitter shortens delays by up to its share', () => {
  const shortened = (jitter, random) => {
    const link = new Link('ws://relay', { WebSocket: FakeSocket, reconnect: { first: 100, jitter }, random: () => random });
    let delay;
    link.on('lost', ({ retryIn }) => (delay = retryIn));
    FakeSocket.all.at(-1).onclose({ code: 1006 });
    return delay;
  };
  assert.deepEqual([shortened(0.5, 0), shortened(0.5, 0.5), shortened(1, 0.9).toFixed()], [100, 75, '10']);
});

timed('silence is noticed', (tick) => {
  const { link, socket } = connected({ silenceLimit: 20_000 });
  let lost;
  link.on('lost', ({ reason }) => (lost = reason));
  for (let i = 0; i < 10; i++) {
    tick(19_000);
    socket.say(hex('00 04 00 ff 00 00'));
  }
  assert.equal(lost, undefined);
  tick(19_999);
  assert.equal(lost, undefined);
  tick(5_020);
  assert.deepEqual([lost, link.state, socket.closed], ['silent', 'closed', true]);
});

timed('waking up after an hour is not silence', (tick) => {
  const { link, socket } = connected();
  mock.timers.tick(3_600_000);
  assert.equal(link.state, 'open');
  socket.say(hex('00 04 00 ff 00 00'));
  tick(19_000);
  assert.equal(link.state, 'open');
});

timed('an attempt that takes too long is given up', (tick) => {
  const link = new Link('ws://relay', { WebSocket: FakeSocket, reconnect: false, connectTimeout: 3000 });
  let lost;
  link.on('lost', ({ reason }) => (lost = reason));
  tick(3000);
  assert.deepEqual([lost, FakeSocket.all.at(-1).closed], ['timeout', true]);
});

test('who says text is no relay', () => {
  const { link, socket } = connected();
  let lost;
  link.on('lost', ({ reason }) => (lost = reason));
  socket.onmessage({ data: 'hello' });
  assert.equal(lost, 'not-a-relay');
});

test('closing leaves on purpose, sends nothing more and tells nothing more', () => {
  const { link, socket, channel, told } = served([1]);
  link.close();
  assert.deepEqual(socket.take(), hex('00 03 00 01 05'));
  assert.deepEqual([socket.closed, channel.state, link.state], [true, 'closed', 'closed']);
  socket.say(hex('04 85 01 00 61'));
  link.close();
  assert.deepEqual(told, []);
});

test('a relay that says twice that a user has entered confuses nobody', () => {
  const { socket, told } = served([1]);
  socket.say(hex('04 85 01 01 61  00 04 00 00 05 01  03 85 01 62'));
  assert.deepEqual(told, [['message', 1, utf8('ab')]]);
});

test('a relay that gives out a number twice confuses nobody', () => {
  const { link, socket, told } = entered();
  const other = link.enter('c');
  socket.say(hex('00 03 02 00 03  03 03 00 61'));
  assert.deepEqual(told, [['lost', 'unknown', false]]);
  assert.equal(other.state, 'open');
});

test('nothing that a relay says makes a link throw', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const { link, socket } = connected();
    link.create('a', { maxChunk: 1 + next(300) });
    link.enter('b', { mode: 'data' });
    link.create('c', { retry: 'always' });
    socket.say(hex('00 03 01 00 00  00 03 02 00 00  00 04 00 00 00 00'));
    for (let i = 0; i < 60; i++) socket.say(Array.from({ length: next(40) }, () => [next(7), 128 + next(3), next(256)][next(3)]));
    link.close();
  }
});

test('room for a message above half of the buffer is waited for, and not asked for without a pause', async () => {
  const { link, socket } = connected({ maxBuffered: 1024 });
  const channel = link.enter('a');
  socket.say([0, 3, 1, 0, 0]);
  socket.bufferedAmount = 400;
  assert.throws(() => channel.send(new Uint8Array(700)), code('would-block'));
  let there = false;
  const room = channel.room().then(() => (there = true));
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.ok(!there, 'no room for so much');
  socket.bufferedAmount = 300;
  await room;
  channel.send(new Uint8Array(700));
});

test('who is left out of a broadcast is one that is there, and not the next one with its number', () => {
  const { link, socket } = connected();
  const server = link.create('a');
  const speak = ({ user }) => {
    server.broadcast('x', { except: user });
    server.sendToReady('y', { except: user });
  };
  socket.say([...hex('00 03 01 00 05'), ...hex('00 04 00 00 05 07'), ...hex('00 04 00 00 05 08')]);
  server.on('leave', speak);
  // Another one has the number at the relay by now.
  socket.say(hex('00 05 00 01 05 07 00'));
  assert.deepEqual(socket.take().slice(5), hex('01 01 03 85 00 78  01 01 03 85 00 79'));
  speak({ user: 8 });
  assert.deepEqual(socket.take(), hex('01 00 04 85 08 00 78  01 00 04 85 08 00 79'));
});
