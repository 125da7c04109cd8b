// Arguments and options of every public function: each wrong kind is a TypeError that names it,
// each number out of range an error of its own, and nothing has happened then. No option makes a
// link try without a pause, or never again.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Link } from '../../../examples/browser/peote-net.js';
import { FakeSocket, connected, hex, timed } from './support.mjs';

/** Values that are no numbers, and that JavaScript would take for one in places. */
const NO_NUMBERS = [null, '5', '', 5n, true, [], [5], {}, () => 5, Symbol('5'), new Number(5)];
/** What is no object with options. */
const NO_OPTIONS = [null, 5, NaN, 'first', true, 5n, [], [1], () => {}, new Map(), new Date(), new Uint8Array(1), Symbol('x')];

/** A TypeError whose text begins with what it is about. */
const names = (name) => (error) => error instanceof TypeError && error.message.startsWith(`${name}: `);
const range = (name) => (error) => error instanceof RangeError && error.message.startsWith(`${name}: `);
const code = (code) => (error) => error.code === code;

const link = (options) => new Link('ws://relay', { WebSocket: FakeSocket, reconnect: false, ...options });
const linkAgain = (reconnect) => new Link('ws://relay', { WebSocket: FakeSocket, reconnect });

/** Nobody tries to connect when arguments are wrong. */
function connectsNot(run) {
  const before = FakeSocket.all.length;
  run();
  assert.equal(FakeSocket.all.length, before);
}

test('options of a link: wrong kinds', () => connectsNot(() => {
  for (const options of NO_OPTIONS) assert.throws(() => new Link('ws://relay', options), names('options'), String(options));
  for (const name of ['maxBuffered', 'silenceLimit', 'connectTimeout', 'answerTimeout']) {
    for (const value of NO_NUMBERS) assert.throws(() => link({ [name]: value }), names(`options.${name}`));
  }
  for (const value of [null, 'WebSocket', 5, {}, () => {}, async function later() {}, Math.max]) assert.throws(() => link({ WebSocket: value }), names('options.WebSocket'));
  for (const value of [null, 0.5, 'Math.random', {}]) assert.throws(() => link({ random: value }), names('options.random'));
  for (const value of [...NO_OPTIONS, 0, '']) assert.throws(() => linkAgain(value), names('options.reconnect'));
  for (const name of ['first', 'greatest', 'jitter', 'attempts']) {
    for (const value of NO_NUMBERS) assert.throws(() => linkAgain({ [name]: value }), names(`options.reconnect.${name}`));
  }
  for (const url of [undefined, null, 5, {}, ['ws://relay'], Symbol('ws'), { href: 5 }]) {
    assert.throws(() => new Link(url, { WebSocket: FakeSocket }), names('url'));
  }
}));

test('options of a link: numbers out of range', () => connectsNot(() => {
  for (const name of ['silenceLimit', 'connectTimeout', 'answerTimeout']) {
    for (const value of [NaN, 0, -0, -1, -Infinity]) assert.throws(() => link({ [name]: value }), range(`options.${name}`));
  }
  for (const value of [NaN, -1, 0, 1023, -Infinity]) assert.throws(() => link({ maxBuffered: value }), range('options.maxBuffered'));
  for (const [name, values] of [
    ['first', [NaN, 0, -1]], ['greatest', [NaN, 0, -1]], ['jitter', [NaN, -0.1, 1.1, Infinity]], ['attempts', [NaN, -1, 1.5, -Infinity]],
  ]) {
    for (const value of values) assert.throws(() => linkAgain({ [name]: value }), range(`options.reconnect.${name}`));
  }
}));

test('an option that there is not is said', () => connectsNot(() => {
  assert.throws(() => link({ silentLimit: 5 }), names('options.silentLimit'));
  assert.throws(() => link({ timeout: undefined }), names('options.timeout'));
  assert.throws(() => linkAgain({ max: 5 }), (error) => names('options.reconnect.max')(error) && /first, greatest/.test(error.message));
}));

test('undefined is as if it were left out', () => {
  const undefinedOptions = (...all) => Object.fromEntries(all.map((name) => [name, undefined]));
  const rules = undefinedOptions('first', 'greatest', 'jitter', 'attempts');
  const others = undefinedOptions('maxBuffered', 'silenceLimit', 'connectTimeout', 'answerTimeout', 'random');
  for (const reconnect of [undefined, rules]) {
    const made = new Link(new URL('ws://relay/'), { WebSocket: FakeSocket, ...others, reconnect });
    const losses = [];
    made.on('lost', ({ retryIn }) => losses.push(retryIn));
    FakeSocket.all.at(-1).onclose({ code: 1006 });
    assert.ok(losses[0] >= 125 && losses[0] <= 250, `${losses}`);
    made.close();
  }
  const { link: other } = connected();
  const channel = other.create('a', { mode: undefined, maxChunk: undefined, retry: undefined });
  assert.deepEqual([channel.mode, channel.maxChunk], ['chunks', 32_768]);
  other.enter('b', undefined);
  // An object of a class, and one without a prototype, are objects with options.
  class Settings {
    mode = 'data';
  }
  assert.equal(other.create('c', new Settings()).mode, 'data');
  assert.equal(other.create('d', Object.assign(Object.create(null), { mode: 'data' })).mode, 'data');
});

test('the environment has to have a WebSocket, and its own is the default', () => {
  const { WebSocket } = globalThis;
  try {
    globalThis.WebSocket = undefined;
    assert.throws(() => new Link('ws://relay'), names('options.WebSocket'));
    globalThis.WebSocket = FakeSocket;
    const made = new Link('ws://relay/there');
    assert.equal(FakeSocket.all.at(-1).url, 'ws://relay/there');
    made.close();
  } finally {
    globalThis.WebSocket = WebSocket;
  }
});

test('channels: names and options', () => {
  const { link, socket } = connected();
  for (const make of [(...all) => link.create(...all), (...all) => link.enter(...all)]) {
    for (const name of [undefined, null, 5, [97], { length: 1 }, Symbol('a'), new String('a')]) assert.throws(() => make(name), names('name'));
    for (const options of NO_OPTIONS) assert.throws(() => make('a', options), names('options'));
    for (const mode of [null, '', 'chunk', 5, ['data']]) assert.throws(() => make('a', { mode }), names('options.mode'));
    for (const retry of [null, '', true, 'sometimes', 3]) assert.throws(() => make('a', { retry }), names('options.retry'));
    for (const maxChunk of NO_NUMBERS) assert.throws(() => make('a', { maxChunk }), names('options.maxChunk'));
    for (const maxChunk of [NaN, 0, -1, 1.5, 2 ** 31, Infinity]) assert.throws(() => make('a', { maxChunk }), code('chunk-limit'));
    assert.throws(() => make('a', { maxchunk: 5 }), names('options.maxchunk'));
  }
  assert.deepEqual(socket.take(), []);
});

test('users and broadcasts', () => {
  const { link, socket } = connected();
  const channel = link.create('a');
  // Wrong kinds are said, whatever the state.
  for (const isOpen of [false, true]) {
    if (isOpen) socket.say(hex('00 03 01 00 05  00 04 00 00 05 01  00 04 00 ff 50 03'));
    socket.take();
    for (const user of [undefined, ...NO_NUMBERS]) {
      for (const act of ['send', 'remove', 'block']) assert.throws(() => channel[act](user, 'x'), names('user'));
    }
    for (const except of NO_NUMBERS) assert.throws(() => channel.broadcast('x', { except }), names('options.except'));
    for (const options of NO_OPTIONS) assert.throws(() => channel.broadcast('x', options), names('options'));
    assert.throws(() => channel.broadcast('x', { expect: 1 }), names('options.expect'));
    for (const user of [NaN, -1, 0.5, 256, Infinity]) {
      assert.throws(() => channel.send(user, 'x'), code('not-open'));
      assert.throws(() => channel.broadcast('x', { except: user }), code('not-open'));
    }
    assert.deepEqual(socket.take(), []);
  }
  channel.broadcast('x', { except: undefined });
  assert.deepEqual(socket.take(), hex('01 01 03 85 00 78'));
});

test('listeners', () => {
  const { link } = connected();
  const channel = link.enter('a');
  for (const type of [undefined, null, 5, '', 'opened', 'message ']) {
    assert.throws(() => link.on(type, () => {}), names('type'));
    assert.throws(() => channel.on(type, () => {}), names('type'));
  }
  assert.throws(() => link.on('message', () => {}), names('type'));
  for (const listener of [undefined, null, 'f', {}]) assert.throws(() => link.on('open', listener), names('listener'));
  for (const options of NO_OPTIONS) assert.throws(() => link.on('open', () => {}, options), names('options'));
  assert.throws(() => link.on('open', () => {}, { onec: true }), names('options.onec'));
  let closed = 0;
  link.on('closed', () => closed++, { once: true });
  link.close();
  assert.equal(closed, 1);
});

for (const millis of [2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5_000, 1e12]) {
  timed(`a limit of ${millis} ms is one`, () => {
    const made = new Link('ws://relay', { WebSocket: FakeSocket, reconnect: false, connectTimeout: millis });
    const losses = [];
    made.on('lost', ({ reason }) => losses.push(reason));
    const pass = (share) => {
      // Timers are called one at a time, because those that they start begin at the end of a step.
      for (let left = millis * share; left > 0; left -= 1e7) mock.timers.tick(Math.ceil(Math.min(left, 1e7)));
    };
    pass(0.9);
    assert.deepEqual(losses, []);
    pass(0.4);
    assert.deepEqual(losses, ['timeout']);
  });
}

for (const millis of [2 ** 33, 1e12, Infinity]) {
  timed(`a silence limit, an answer limit of ${millis} ms`, () => {
    const { link, socket } = connected({ silenceLimit: millis, answerTimeout: millis, connectTimeout: Infinity });
    const losses = [];
    link.on('lost', ({ reason }) => losses.push(reason));
    link.enter('a');
    for (let day = 0; day < 90; day++) mock.timers.tick(86_400_000);
    assert.deepEqual([link.state, losses, socket.closed], ['open', [], false]);
  });
}

timed('whatever the rules, there is a pause between attempts, and there is another attempt', () => {
  const extreme = [
    { first: Infinity }, { greatest: Infinity }, { first: Infinity, greatest: Infinity }, { first: 2 ** 40, greatest: 2 ** 40 },
    { first: 1e-9, greatest: 1e-9 }, { first: Number.MIN_VALUE }, { jitter: 1 }, { first: 1, greatest: 1, jitter: 1 }, { attempts: Infinity },
  ];
  for (const rules of extreme) {
    for (const random of [() => 0, () => 1, () => 0.999999999, () => -5, () => NaN, () => Infinity, () => undefined, () => 1n]) {
      const made = new Link('ws://relay', { WebSocket: FakeSocket, reconnect: rules, random });
      let retryIn;
      made.on('lost', (event) => (retryIn = event.retryIn));
      for (let attempt = 0; attempt < 1_100; attempt++) {
        FakeSocket.all.at(-1).onclose({ code: 1006 });
        assert.ok(retryIn >= 10 && retryIn <= 2 ** 31 - 1, `${JSON.stringify(rules)}, ${random}: ${retryIn} ms`);
        const before = FakeSocket.all.length;
        mock.timers.tick(retryIn - 1);
        assert.equal(FakeSocket.all.length, before);
        mock.timers.tick(2);
        assert.equal(FakeSocket.all.length, before + 1);
        // Only the first ones differ.
        if (attempt === 40) attempt = 1_090;
      }
      made.close();
    }
  }
});

timed('no attempt means none', () => {
  for (const reconnect of [false, { attempts: 0 }]) {
    const made = linkAgain(reconnect);
    const told = [];
    made.on('lost', ({ retryIn }) => told.push(retryIn)).on('closed', () => told.push('closed'));
    FakeSocket.all.at(-1).onclose({ code: 1006 });
    assert.deepEqual(told, [undefined, 'closed']);
  }
});

timed('a channel is asked for again after a pause, too', (tick) => {
  const { link, socket } = connected({ reconnect: { first: 1e-9, greatest: 1e-9, jitter: 1 }, random: () => 0.9999 });
  link.enter('a', { retry: 'always' });
  for (let i = 0; i < 5; i++) {
    const [, , tag] = socket.take();
    socket.say([0, 3, tag, 1, 1]);
    tick(9);
    assert.deepEqual(socket.take(), []);
    tick(1);
  }
});
