// Hello, windows and grants, byte by byte, with a relay that is the test.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { FakeSocket, connected, cuts, hex, listen, random, timed, utf8 } from './support.mjs';

const code = (code) => (error) => error.name === 'PeoteError' && error.code === code;
const four = (number) => [number & 255, (number >> 8) & 255, (number >> 16) & 255, number >>> 24];
/** The relay knows everything. */
const ANNOUNCEMENT = hex('00 04 00 ff 50 07');
/** It is in force. */
const IN_FORCE = hex('00 05 00 03 01 01 01');
/** The tag of the first command: if the window is small, it says how small (section 11.5). */
const firstTag = ({ window = 65_536 }) => (window < 65_536 ? 240 + Math.floor(Math.log2(window)) : 1);
const hello = (window) => [0, 6, 0, 9, 1, 1, 1, 6, 4, ...four(window)];

/** An entered channel with number 3 and own number 9; `window` bytes may be sent. */
function entered(window, options = {}, linkOptions = { window: 1024 }) {
  const { link, socket } = connected(linkOptions);
  const channel = link.enter('b', options);
  socket.say([...ANNOUNCEMENT, ...IN_FORCE, 0, 8, firstTag(linkOptions), 0, 3, 9, ...four(window)]);
  socket.take();
  return { link, socket, channel, told: listen(channel) };
}

/** An own channel with number 5, and users with their windows. */
function served(windows, options = {}, linkOptions = { window: 1024 }) {
  const { link, socket } = connected(linkOptions);
  const channel = link.create('a', options);
  socket.say([...ANNOUNCEMENT, ...IN_FORCE, 0, 3, firstTag(linkOptions), 0, 5]);
  for (const [user, window] of Object.entries(windows)) socket.say([0, 10, 0, 4, 5, +user, 7, 1, ...four(window)]);
  socket.take();
  return { link, socket, channel, told: listen(channel) };
}

/** Units with a chunk for a receiver. */
const chunk = (head, length) => {
  const field = length > 128 ? [128 + ((length - 1) & 127), (length - 1) >> 7] : [length - 1];
  const size = head.length + field.length + length;
  return [...(size > 127 ? [128 + (size >> 8), size & 255] : [size]), ...head, ...field, ...Array(length).fill(0x61)];
};
const grantTo = (head, bytes) => [0, 8, 0, head.length + 4, ...head, ...four(bytes)];

test('hello is said to a relay that announces it, once, in front of all data, at every cut', () => {
  for (const pieces of cuts([...ANNOUNCEMENT, ...ANNOUNCEMENT, ...hex('00 03 01 00 03')])) {
    const { link, socket } = connected();
    link.enter('b').on('open', ({ target }) => target.send('x'));
    for (const piece of pieces) socket.say(piece);
    assert.deepEqual(socket.take(), [...hex('00 01 01 01 62'), ...hello(65_536), ...hex('03 03 00 78')]);
  }
  for (const capabilities of [0, 3, 0x83]) {
    const { socket } = connected();
    socket.say([...hex('00 04 00 ff 50'), capabilities]);
    assert.deepEqual(socket.take(), []);
  }
});

test('hello has what the program wants', () => {
  const { socket } = connected({ window: 4096, keepalive: 59_001, program: 'dä/1', token: () => 'x'.repeat(300) });
  socket.say(ANNOUNCEMENT);
  assert.deepEqual(socket.take(), [
    ...hex('00 06 00 16 01 01 01 06 04 00 10 00 00 02 04 3c 00 00 00 03 05 64 c3 a4 2f 31'),
    ...[0, 6, 0, 253, 4, 251, ...Array(251).fill(0x78)], ...[0, 6, 0, 51, 5, 49, ...Array(49).fill(0x78)],
  ]);
  for (const options of [{ window: 1023 }, { window: 2 ** 28 }, { keepalive: 4999 }, { keepalive: 86_400_001 }, { program: 'x'.repeat(65) }, { token: 'x'.repeat(4097) }]) {
    assert.throws(() => connected(options), RangeError, JSON.stringify(options));
  }
  for (const options of [{ window: '1' }, { program: 5 }, { token: 5 }]) assert.throws(() => connected(options), TypeError);
});

timed('what counts only behind the hello waits for the announcement, and not for long', (tick) => {
  // Something else is asked for: the announcement comes with its answer.
  const { link, socket } = connected();
  link.create('a');
  socket.say([...ANNOUNCEMENT]);
  socket.take();
  link.enter('b', { words: 'hi' });
  assert.deepEqual(socket.take(), hex('00 07 00 02 68 69  00 01 02 01 62'));
  for (const options of [{}, { token: 'secret' }]) {
    const { link, socket } = connected(options);
    link.enter('b', { words: 'hi' });
    // A relay announces when the first byte has come. Each command begins with it.
    assert.deepEqual(socket.take(), [0]);
    link.enter('c');
    const others = options.token ? [] : hex('01 01 01 63');
    assert.deepEqual(socket.take(), others);
    socket.say(ANNOUNCEMENT);
    const token = options.token ? [0, 6, 0, 8, 5, 6, ...utf8('secret')] : [];
    const enters = options.token ? hex('00 07 00 02 68 69  00 01 01 01 62  00 01 02 01 63') : hex('00 07 00 02 68 69  00 01 02 01 62');
    assert.deepEqual(socket.take(), [...hello(65_536).slice(options.token ? 1 : 0), ...token, ...enters]);
  }
  // A relay without it: nothing at first, or something else.
  for (const say of [() => tick(2000), (socket) => socket.say(hex('00 04 00 ff 00 00'))]) {
    const { link, socket } = connected();
    link.enter('b', { words: 'hi' });
    tick(1990);
    assert.deepEqual(socket.take(), [0]);
    say(socket);
    assert.deepEqual(socket.take(), hex('01 01 01 62'));
    link.close();
  }
});

test('a token that cannot be had is an error that nobody catches, and the link goes on without', () => {
  for (const [token, kind] of [[() => 'x'.repeat(5000), RangeError], [() => 5, TypeError], [() => { throw new SyntaxError(); }, SyntaxError]]) {
    const later = [];
    const microtasks = mock.method(globalThis, 'queueMicrotask', (act) => later.push(act));
    const { link, socket } = connected({ token });
    link.create('a');
    socket.say(ANNOUNCEMENT);
    microtasks.mock.restore();
    assert.deepEqual(socket.take(), [0, ...hello(65_536).slice(1), ...hex('00 00 01 01 61')]);
    assert.throws(() => later.forEach((act) => act()), kind);
  }
});

test('a user hears its own number and its window', () => {
  const { channel } = entered(500);
  assert.deepEqual([channel.ownNumber, channel.window], [9, 500]);
  channel.send('x'.repeat(98));
  assert.equal(channel.window, 401);
  channel.leave();
  assert.deepEqual([channel.ownNumber, channel.window], [undefined, undefined]);
});

test('a chunk goes whole or not at all, and room is told when it would fit', async () => {
  const { socket, channel, told } = entered(300);
  const rooms = [];
  channel.on('room', () => rooms.push(channel.window));
  channel.send('x'.repeat(128));
  channel.send('x'.repeat(100));
  socket.take();
  assert.throws(() => channel.send('x'.repeat(70)), code('would-block'));
  // The window is more than half used up: the server will grant by itself.
  assert.deepEqual(socket.take(), []);
  let there = false;
  const room = channel.room().then(() => (there = true));
  socket.say([0, 7, 0, 5, 3, 0, 0, 0, 0]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual([there, rooms], [false, []]);
  socket.say([0, 7, 0, 5, 3, 1, 0, 0, 0]);
  await room;
  assert.deepEqual(rooms, [71]);
  channel.send('x'.repeat(70));
  assert.equal(channel.window, 0);
  assert.deepEqual(told, []);
});

test('what a grant is kept back for is asked for once', () => {
  const { socket, channel } = entered(300);
  channel.send('x'.repeat(9));
  socket.take();
  for (let i = 0; i < 3; i++) assert.throws(() => channel.send(new Uint8Array(400)), code('would-block'));
  assert.deepEqual(socket.take(), grantTo([3], 0));
  // Nothing is outstanding: it goes, whatever its size.
  socket.say([0, 7, 0, 5, 3, 10, 0, 0, 0]);
  channel.send(new Uint8Array(400));
  assert.equal(channel.window, 0);
  socket.say([0, 7, 0, 5, 3, ...four(402)]);
  assert.equal(channel.window, 300);
  // More than there was at first: the relay had promised less than the server can take.
  socket.say([0, 7, 0, 5, 3, ...four(1000)]);
  assert.equal(channel.window, 1300);
});

test('a window that was granted more than it was begins anew', () => {
  // As the core has it. It has 65 bytes, of which 10 are under way.
  const { socket, channel } = entered(20);
  channel.send('x'.repeat(9));
  socket.say([0, 7, 0, 5, 3, ...four(45)]);
  assert.equal(channel.window, 55);
  socket.say([0, 7, 0, 5, 3, ...four(10)]);
  channel.send('x'.repeat(9));
  assert.equal(channel.window, 55);
  assert.throws(() => channel.send('x'.repeat(64)), code('would-block'));
  socket.say([0, 7, 0, 5, 3, ...four(10)]);
  channel.send('x'.repeat(64));
  assert.equal(channel.window, 0);
  // Other data has as much as the window has become.
  const raw = entered(20, { mode: 'data' });
  raw.socket.say([0, 7, 0, 5, 3, ...four(45)]);
  raw.channel.send('x'.repeat(65));
  assert.equal(raw.channel.window, 0);
});

test('data above the window is an error that names it', () => {
  const { channel } = entered(300, { mode: 'data' });
  assert.throws(() => channel.send(new Uint8Array(301)), /300/);
  assert.throws(() => channel.send(new Uint8Array(301)), code('too-long'));
  channel.send(new Uint8Array(200));
  assert.throws(() => channel.send(new Uint8Array(101)), code('would-block'));
  channel.send(new Uint8Array(100));
});

test('what was taken is granted at half a window, at every cut', () => {
  // 1,024 bytes: the second chunk of 260 with its field makes 524.
  const bytes = [...chunk([3], 260), ...chunk([3], 260), ...chunk([3], 260)];
  for (const at of [0, 1, 2, 5, 263, 264, 265, 266, 270, 500, 528, 529, 530, 600, bytes.length]) {
    const { socket, told } = entered(500);
    socket.say(bytes.slice(0, at));
    socket.say(bytes.slice(at));
    assert.equal(told.length, 3);
    // What has come of the third one counts as it is taken, and it is not there in between.
    const sent = socket.take();
    assert.deepEqual(sent.slice(0, 5), grantTo([3], 0).slice(0, 5));
    assert.ok([524, 525, 526, 786].includes(sent[5] + 256 * sent[6]), `${at}: ${sent}`);
    assert.equal(sent.length, 9);
  }
});

test('what the program keeps is not granted until it says so', () => {
  const { socket, channel, told } = entered(500);
  const kept = [];
  channel.on('message', ({ keep }) => kept.push(keep()));
  for (let i = 0; i < 4; i++) socket.say(chunk([3], 250));
  assert.equal(told.length, 4);
  // The length fields are taken: 8 bytes, and a window of 1,024.
  assert.deepEqual(socket.take(), []);
  kept[1]();
  kept[1]();
  assert.deepEqual(socket.take(), []);
  kept[0]();
  // 508 bytes, less than half.
  assert.deepEqual(socket.take(), []);
  kept[2]();
  assert.deepEqual(socket.take(), grantTo([3], 758));
  kept[3]();
  socket.say(chunk([3], 262));
  assert.deepEqual(socket.take(), []);
  kept[4]();
  assert.deepEqual(socket.take(), grantTo([3], 514));
});

test('who sends beyond its window is told once, and costs no more memory than that', () => {
  const { socket, channel, told } = entered(500, { maxChunk: 300 });
  let kept = 0;
  channel.on('message', ({ data, keep }) => ((kept += data.length), keep()));
  // What an honest one may: a window, in which the last chunk ends. And one beyond, as the first
  // one may be larger than the window.
  for (let i = 0; i < 100; i++) socket.say(chunk([3], 250));
  assert.deepEqual(told.at(-1), ['malicious', 'window']);
  assert.ok(told.filter(([type]) => type === 'malicious').length === 1 && kept <= 1024 + 300, `${kept} bytes`);
  // Also if it is one chunk that is put together, and bytes of the stream.
  for (const options of [{ maxChunk: 60_000 }, { mode: 'data' }]) {
    const { socket, channel, told } = entered(500, options);
    channel.on('message', ({ keep }) => keep());
    for (let i = 0; i < 100; i++) socket.say([0x80 | (20_001 >> 8), 20_001 & 255, 3, ...Array(20_000).fill(0x61)]);
    assert.deepEqual(told.at(-1), ['malicious', 'window'], JSON.stringify(options));
  }
});

test('a server that asks is granted everything until nothing is outstanding', () => {
  const { socket, channel } = entered(500);
  const kept = [];
  channel.on('message', ({ keep }) => kept.push(keep()));
  socket.say(chunk([3], 20));
  socket.say(hex('00 07 00 05 03 00 00 00 00'));
  assert.deepEqual(socket.take(), grantTo([3], 1));
  kept[0]();
  assert.deepEqual(socket.take(), grantTo([3], 20));
  socket.say(chunk([3], 20));
  kept[1]();
  assert.deepEqual(socket.take(), []);
});

// §11.6-greatest-chunk
test('chunks of a channel are no longer than what a relay keeps for a window', () => {
  for (const [window, most] of [[1024, 65_536], [65_536, 65_536], [65_537, 65_537], [1 << 20, 1 << 20]]) {
    const { link } = connected({ window });
    for (const make of ['create', 'enter']) {
      for (const mode of ['chunks', 'rpc']) {
        assert.throws(() => link[make]('a', { mode, maxChunk: most + 1 }), code('chunk-limit'));
        assert.equal(link[make](`${mode}`, { mode, maxChunk: most }).maxChunk, most);
      }
      assert.equal(link[make]('d', { mode: 'data', maxChunk: 1 << 30 }).mode, 'data');
    }
  }
});

test('a chunk that is longer than the window comes whole all the same, in parts too', () => {
  const { socket, told } = entered(500, { maxChunk: 32_768 });
  const whole = chunk([3], 20_000).slice(3);
  let credit = 1024;
  for (let at = 0; at < whole.length; ) {
    const part = whole.slice(at, at + Math.min(credit, 100));
    assert.ok(part.length > 0, `no window at ${at}`);
    socket.say([part.length + 1, 3, ...part]);
    at += part.length;
    credit -= part.length;
    for (let sent = socket.take(); sent.length > 0; sent = sent.slice(9)) credit += sent[5] + 256 * sent[6];
  }
  assert.equal(told.length, 1);
});

test('whatever comes and is kept, nobody may send more than a window beyond what was taken, and all is granted in the end', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const next = random(seed);
    const { link, socket, channel } = entered(500);
    let [credit, came, kept] = [1024, 0, []];
    channel.on('message', ({ data, keep }) => next(2) && kept.push([data.length, keep()]));
    const granted = () => {
      for (let sent = socket.take(); sent.length > 0; sent = sent.slice(9)) credit += sent[5] + 256 * sent[6];
    };
    for (let step = 0; step < 100; step++) {
      const length = 1 + next(300);
      const bytes = length + (length > 128 ? 2 : 1);
      if (bytes <= credit || credit === 1024) {
        for (const unit of next(2) ? [chunk([3], length)] : chunk([3], length).map((byte) => [byte])) socket.say(unit);
        credit -= bytes;
        came += bytes;
      } else if (credit >= 512) {
        socket.say(hex('00 07 00 05 03 00 00 00 00'));
      } else kept.splice(next(kept.length + 1), 1).forEach(([, taken]) => taken());
      granted();
      const held = kept.reduce((sum, [length]) => sum + length, 0);
      assert.ok(credit + held <= 1024, `seed ${seed}: ${credit} and ${held}`);
    }
    kept.forEach(([, taken]) => taken());
    socket.say(hex('00 07 00 05 03 00 00 00 00'));
    granted();
    assert.equal(credit, 1024, `seed ${seed}`);
    assert.ok(came > 2048);
    link.close();
  }
});

test('users have windows of their own; a broadcast waits for all, and a server grants to each', async () => {
  const { socket, channel, told } = served({ 1: 300, 2: 100 });
  assert.deepEqual(channel.users, [1, 2]);
  channel.send(1, 'x'.repeat(99));
  channel.broadcast('x'.repeat(49), { except: 1 });
  assert.deepEqual([channel.window(1), channel.window(2), channel.window()], [200, 50, 50]);
  socket.take();
  assert.throws(() => channel.broadcast('x'.repeat(60)), code('would-block'));
  assert.deepEqual(socket.take(), grantTo([133, 2], 0));
  const rooms = [];
  channel.on('room', ({ user }) => rooms.push(user));
  await channel.room(1);
  const room = channel.room();
  socket.say([0, 8, 0, 5, 133, 2, ...four(50)]);
  await room;
  assert.deepEqual(rooms, [2]);
  channel.broadcast('x'.repeat(60));
  assert.deepEqual([channel.window(1), channel.window(2)], [139, 39]);
  socket.take();
  for (let i = 0; i < 2; i++) socket.say(chunk([133, 1], 300));
  assert.deepEqual(socket.take(), grantTo([133, 1], 604));
  assert.equal(told.length, 2);
});

test('room is over when the user is gone, and when the channel is', async () => {
  const { link, socket, channel } = served({ 1: 100, 2: 100 });
  for (const user of [1, 2]) {
    channel.send(user, 'x'.repeat(80));
    assert.throws(() => channel.send(user, 'x'.repeat(80)), code('would-block'));
  }
  const gone = channel.room(1);
  socket.say(hex('00 05 00 01 05 01 00'));
  await gone;
  assert.throws(() => channel.send(1, 'x'), code('not-open'));
  const deleted = channel.room(2);
  channel.delete();
  await deleted;
  link.close();
  await assert.rejects(channel.room(), code('closed'));
});

test('those that are late are left out, and marked once', () => {
  const { socket, channel } = served({ 1: 300, 2: 100, 3: 300 });
  assert.deepEqual(channel.sendToReady('x'.repeat(49)), []);
  assert.deepEqual(socket.take().slice(0, 5), hex('01 02 33 85 30'));
  assert.deepEqual(channel.sendToReady('x'.repeat(59)), [2]);
  // It has used up no more than half, so it is asked as well, or it would be left out for ever.
  assert.deepEqual(socket.take().slice(0, 11), hex('00 0b 00 02 85 02  01 02 3d 85 3a'));
  socket.take();
  assert.deepEqual(channel.sendToReady('x'.repeat(59), { except: 3 }), [2]);
  assert.deepEqual(socket.take().slice(0, 5), hex('01 03 3e 85 03'));
  socket.say([0, 8, 0, 5, 133, 2, ...four(50)]);
  assert.deepEqual(channel.sendToReady('x'.repeat(59)), []);
  assert.deepEqual(socket.take().slice(0, 11), hex('00 0b 00 02 85 02  01 02 3d 85 3a'));
  assert.deepEqual([1, 2, 3].map((user) => channel.window(user)), [300 - 50 - 180, 40, 300 - 50 - 120]);
});

test('one that is late with little under way is asked', () => {
  const { socket, channel } = served({ 1: 100 });
  channel.sendToReady('x'.repeat(9));
  socket.take();
  assert.deepEqual(channel.sendToReady('x'.repeat(95)), [1]);
  const sent = socket.take();
  assert.deepEqual(sent.slice(-10), grantTo([133, 1], 0));
});

test('without windows all are ready, and nothing is marked', () => {
  const { link, socket } = connected();
  const channel = link.create('a');
  socket.say(hex('00 03 01 00 05  00 04 00 00 05 01'));
  socket.take();
  assert.deepEqual([channel.sendToReady('x'), channel.sendToReady('x', { except: 1 }), channel.window(1)], [[], [], undefined]);
  assert.deepEqual(socket.take(), hex('01 01 03 85 00 78  01 00 04 85 01 00 78'));
  for (let i = 0; i < 100; i++) socket.say(chunk([133, 1], 3000));
  assert.deepEqual(socket.take(), []);
});

test('what began before the hello is raised', () => {
  // Own channel 5 with user 1, entered channel 3: both before.
  const { link, socket } = connected({ window: 1024 });
  const own = link.create('a');
  const user = link.enter('b');
  assert.deepEqual(socket.take(), hex('00 00 fa 01 61  00 01 fb 01 62'), '2 to the power of 10 bytes have room');
  socket.say(hex('00 03 fa 00 05  00 04 00 00 05 01  00 03 fb 00 03'));
  socket.say(chunk([3], 100));
  socket.say([...ANNOUNCEMENT]);
  socket.take();
  user.send('x'.repeat(19));
  own.send(1, 'x'.repeat(29));
  assert.deepEqual([user.window, own.window(1), user.ownNumber], [undefined, undefined, undefined]);
  // 500 may be sent as of the hello, and 200 more may come.
  socket.say([...IN_FORCE, 0, 12, 0, 6, 3, 8, ...four(500), ...four(200), 0, 12, 0, 6, 133, 1, ...four(400), ...four(2000)]);
  assert.deepEqual([user.window, own.window(1), user.ownNumber], [480, 370, 8]);
  socket.take();
  // 824 bytes were granted with it, more than half of the window; the server may send 4 less by now.
  socket.say(chunk([3], 3));
  assert.deepEqual(socket.take(), []);
  socket.say(chunk([3], 600));
  assert.deepEqual(socket.take(), grantTo([3], 606));
  // The user may send 2,000, more than the window: nothing is granted until it has.
  for (let i = 0; i < 4; i++) socket.say(chunk([133, 1], 348));
  assert.deepEqual(socket.take(), []);
  socket.say(chunk([133, 1], 348));
  assert.deepEqual(socket.take(), grantTo([133, 1], 5 * 350 - (2000 - 1024)));
});

timed('who says more rarely is waited for longer, unless the program says how long', (tick) => {
  for (const [options, limit] of [[{}, 240_000], [{ silenceLimit: 20_000 }, 20_000]]) {
    const { link, socket } = connected(options);
    socket.say(ANNOUNCEMENT);
    socket.say(hex('00 0b 00 03 01 01 01 02 04 3c 00 00 00'));
    // The tick that has begun is a short one.
    tick(limit * 0.9);
    assert.equal(link.state, 'open');
    tick(limit * 0.6);
    assert.equal(link.state, 'closed');
  }
});

timed('a relay that says when to come back is believed', (tick) => {
  const { link, socket } = connected({ reconnect: { first: 100, jitter: 0 } });
  const told = [];
  link.on('come-back', ({ delay }) => told.push(['come-back', delay]));
  link.on('lost', ({ reason, retryIn }) => told.push([reason, retryIn]));
  socket.say([...ANNOUNCEMENT, ...hex('00 0c 00 03 01 01 01 03 05 72 65 6c 61 79  00 08 00 03 07 04 e8 03 00 00')]);
  assert.equal(link.relay, 'relay');
  socket.onclose({ code: 1001 });
  tick(990);
  assert.equal(FakeSocket.all.at(-1), socket);
  tick(10);
  const next = FakeSocket.all.at(-1);
  assert.notEqual(next, socket);
  // And once.
  next.onclose({ code: 1006 });
  assert.deepEqual(told, [['come-back', 1000], ['closed', 1000], ['unreachable', 200]]);
});

timed('a relay cannot ask for a shorter pause than the rules have', (tick) => {
  const { link, socket } = connected({ reconnect: { first: 100, jitter: 0 } });
  const told = [];
  link.on('lost', ({ retryIn }) => told.push(retryIn));
  for (let last = socket; told.length < 3; last = FakeSocket.all.at(-1)) {
    if (last !== socket) last.open();
    last.say([...ANNOUNCEMENT, ...hex('00 08 00 03 07 04 00 00 00 00')]);
    last.onclose({ code: 1001 });
    tick(1000);
  }
  assert.deepEqual(told, [100, 200, 400]);
});

test('until a window is told, one chunk or 64 bytes go to each', async () => {
  for (const says of [hex('00 0c 00 06 00 09  00 04 00 00  00 04 00 00'), hex('00 05 00 03 01 01 00')]) {
    const { link, socket } = connected({ window: 1024 });
    const channel = link.enter('b');
    const data = link.enter('c', { mode: 'data' });
    socket.say([...ANNOUNCEMENT, ...hex('00 03 fa 00 00  00 03 fb 00 01')]);
    socket.take();
    channel.send('x'.repeat(500));
    assert.throws(() => channel.send('y'), code('would-block'));
    data.send('x'.repeat(60));
    data.send('x'.repeat(4));
    assert.throws(() => data.send('y'), code('would-block'));
    let isThere = 0;
    for (const one of [channel, data]) one.room().then(() => isThere++);
    await new Promise(setImmediate);
    assert.equal(isThere, 0);
    socket.say([...IN_FORCE.slice(0, 6), says[1] === 5 ? 0 : 1, ...(says[1] === 5 ? [] : says)]);
    if (says[1] !== 5) socket.say(hex('00 0c 00 06 01 09  00 04 00 00  00 04 00 00'));
    await new Promise(setImmediate);
    assert.equal(isThere, 2);
    // What was sent since the hello counts.
    assert.equal(channel.window, says[1] === 5 ? undefined : 1024 - 502);
    channel.send('z');
    data.send('z');
  }
});

test('nothing is broadcast until the hello has been answered', async () => {
  const { link, socket } = connected({ window: 1024 });
  const channel = link.create('a');
  socket.say([...ANNOUNCEMENT, ...hex('00 03 fa 00 05')]);
  assert.throws(() => channel.broadcast('x'), code('would-block'));
  assert.throws(() => channel.sendToReady('x'), code('would-block'));
  let isThere = false;
  channel.room().then(() => (isThere = true));
  await new Promise(setImmediate);
  assert.equal(isThere, false);
  socket.take();
  socket.say(IN_FORCE);
  await new Promise(setImmediate);
  assert.equal(isThere, true);
  channel.broadcast('x');
  assert.deepEqual(socket.take(), hex('01 01 03 85 00 78'));
});

test('grants for numbers that mean nobody, and of nonsense, do nothing', () => {
  const { link, socket } = entered(300);
  link.create('a');
  socket.take();
  socket.say(hex('00 07 00 05 07 01 00 00 00  00 08 00 05 85 01 01 00 00 00  00 0c 00 06 07 05 00 10 00 00 00 80 00 00  00 0a 00 04 09 01 00 00 00 10 00 00'));
  assert.deepEqual([socket.take(), link.state], [[], 'open']);
});
