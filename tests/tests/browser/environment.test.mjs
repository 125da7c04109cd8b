// What an environment's WebSocket may do, and relays that leave a program waiting: every link comes
// back or says that it does not.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mock, test } from 'node:test';
import { Link } from '../../../examples/browser/peote-net.js';
import { FakeSocket, connected, hex, listen, timed } from './support.mjs';

const RULES = { first: 100, greatest: 400, jitter: 0 };
const code = (code) => (error) => error.name === 'PeoteError' && error.code === code;
/** What a link tells: type, reason, and what was thrown. */
function told(link) {
  const all = [];
  for (const type of ['open', 'lost', 'closed']) {
    link.on(type, ({ reason, error }) => all.push([type, reason, error?.message].filter((each) => each !== undefined).join(' ')));
  }
  return all;
}

/** A constructor that throws at these attempts, counted from 1. */
function throwing(...attempts) {
  let count = 0;
  return class extends FakeSocket {
    constructor(url) {
      count += 1;
      if (attempts.includes(count)) throw new Error(`attempt ${count}`);
      super(url);
    }
    static get count() {
      return count;
    }
  };
}

test('what the constructor throws at the first attempt is thrown, and that is all', async () => {
  const WebSocket = throwing(1);
  assert.throws(() => new Link('ws://relay', { WebSocket, reconnect: { first: 10, greatest: 10 } }), /^Error: attempt 1$/);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(WebSocket.count, 1);
});

timed('what it throws later is a loss, and there is another attempt', (tick) => {
  const WebSocket = throwing(2, 3);
  const link = new Link('ws://relay', { WebSocket, reconnect: RULES, random: () => 0 });
  const all = told(link);
  FakeSocket.all.at(-1).onclose({ code: 1006 });
  tick(100);
  tick(200);
  tick(400);
  assert.equal(WebSocket.count, 4);
  FakeSocket.all.at(-1).open();
  assert.deepEqual(all, ['lost unreachable', 'lost unreachable attempt 2', 'lost unreachable attempt 3', 'open']);
  assert.equal(link.state, 'open');
  link.close();
});

timed('a constructor that always throws later ends when the attempts do', (tick) => {
  const WebSocket = throwing(2, 3, 4, 5, 6, 7);
  const link = new Link('ws://relay', { WebSocket, reconnect: { ...RULES, attempts: 3 }, random: () => 0 });
  const all = told(link);
  const channel = link.enter('a');
  FakeSocket.all.at(-1).onclose({ code: 1006 });
  tick(5_000);
  assert.deepEqual(all.slice(1), ['lost unreachable attempt 2', 'lost unreachable attempt 3', 'lost unreachable attempt 4', 'closed']);
  assert.deepEqual([WebSocket.count, link.state, channel.state], [4, 'closed', 'closed']);
});

timed('a link can be closed while an attempt throws', (tick) => {
  const WebSocket = throwing(2);
  const link = new Link('ws://relay', { WebSocket, reconnect: RULES });
  link.on('lost', ({ error }) => error && link.close());
  FakeSocket.all.at(-1).onclose({ code: 1006 });
  tick(10_000);
  assert.deepEqual([WebSocket.count, link.state], [2, 'closed']);
});

test('a socket that cannot send is a loss, told later, and nothing is left half done', async () => {
  const { link, socket } = connected({ reconnect: { first: 10, greatest: 10 } });
  const channel = link.enter('a');
  socket.say(hex('00 03 01 00 03'));
  const all = told(link);
  socket.send = () => {
    throw new Error('InvalidStateError');
  };
  socket.close = () => {
    throw new Error('cannot close either');
  };
  assert.throws(() => channel.send('x'), code('not-open'));
  const other = link.create('b');
  const told2 = listen(other);
  assert.deepEqual([all, link.state], [[], 'open']);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(all, ['lost closed InvalidStateError']);
  assert.deepEqual(told2, [['refused', 'link-lost', true]]);
  while (FakeSocket.all.at(-1) === socket) await new Promise((resolve) => setTimeout(resolve, 2));
  const next = FakeSocket.all.at(-1);
  next.open();
  assert.deepEqual(next.take(), hex('00 01 01 01 61  00 00 02 01 62'));
  link.close();
});

test('leaving where nothing can be sent throws nothing', () => {
  const { link, socket } = connected();
  const channel = link.enter('a');
  socket.say(hex('00 03 01 00 03'));
  socket.send = () => {
    throw new Error('InvalidStateError');
  };
  channel.leave();
  link.close();
  assert.deepEqual([channel.state, link.state], ['closed', 'closed']);
});

test('an implementation that says less than others is enough', () => {
  const { link, socket } = connected();
  const all = told(link);
  for (const amount of [undefined, null, NaN, -1, 'none']) {
    socket.bufferedAmount = amount;
    assert.equal(link.bufferedAmount, 0);
  }
  const channel = link.enter('a');
  socket.say(hex('00 03 01 00 03'));
  channel.send('x');
  socket.onerror();
  socket.onclose();
  assert.deepEqual(all, ['lost closed', 'closed']);
});

timed('an error after which nothing comes is a loss, too', (tick) => {
  for (const isOpen of [false, true]) {
    const link = new Link('ws://relay', { WebSocket: FakeSocket, reconnect: false, connectTimeout: Infinity });
    const all = told(link);
    const socket = FakeSocket.all.at(-1);
    if (isOpen) socket.open();
    socket.onerror();
    socket.onerror();
    tick(1_000);
    assert.deepEqual(all, isOpen ? ['open', 'lost closed', 'closed'] : ['lost unreachable', 'closed']);
  }
  // One that is followed by its end is told once.
  const link = new Link('ws://relay', { WebSocket: FakeSocket, reconnect: RULES });
  const all = told(link);
  FakeSocket.all.at(-1).onerror();
  FakeSocket.all.at(-1).onclose({ code: 1006 });
  tick(50);
  link.close();
  tick(5_000);
  assert.deepEqual(all, ['lost unreachable', 'closed']);
});

test('random numbers that throw are seen, and are no hot loop', () => {
  const module = new URL('../../../examples/browser/peote-net.js', import.meta.url);
  const script = `
    import { Link } from ${JSON.stringify(module.href)};
    let [attempts, uncaught] = [0, 0];
    class Refused {
      constructor() {
        attempts += 1;
        setTimeout(() => this.onclose({ code: 1006 }));
      }
      close() {}
    }
    process.on('uncaughtException', ({ message }) => (uncaught += message === 'mine'));
    const random = () => { throw new Error('mine'); };
    new Link('ws://relay', { WebSocket: Refused, random, reconnect: { first: 50, attempts: 2 } }).on('closed', () => {
      setTimeout(() => console.log(attempts, uncaught));
    });
  `;
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 30_000 });
  assert.deepEqual([ran.stdout, ran.stderr], ['3 2\n', '']);
});

timed('room costs nothing while there is no connection', async () => {
  const { link, socket } = connected({ reconnect: RULES, random: () => 0 });
  socket.onclose({ code: 1006 });
  let timers = 0;
  const { setTimeout: wait } = globalThis;
  globalThis.setTimeout = (...call) => {
    timers += 1;
    return wait(...call);
  };
  let there = false;
  const room = link.room().then(() => (there = true));
  mock.timers.tick(100);
  await undefined;
  assert.deepEqual([there, timers], [false, 1], 'one timer: that of the attempt');
  FakeSocket.all.at(-1).open();
  await room;
  const never = link.room();
  await never;
  link.close();
  await assert.rejects(link.room(), code('closed'));
});

/** The relay says that it is there, and nothing else, for so long. */
function keepalives(tick, socket, millis) {
  for (let left = millis; left > 0; left -= 1_000) {
    tick(Math.min(left, 1_000));
    socket.say(hex('00 04 00 ff 00 00'));
  }
}

timed('a relay that says keepalives and answers nothing is lost in time', (tick) => {
  const { link, socket } = connected({ reconnect: RULES, random: () => 0, answerTimeout: 8_000 });
  const all = told(link);
  const channels = [link.create('a'), link.enter('b'), link.enter('c', { retry: 'never' })];
  const heard = [];
  channels.forEach((channel, i) => listen(channel, { push: (event) => heard.push([i, ...event]) }));
  keepalives(tick, socket, 8_000);
  assert.deepEqual([all, heard], [[], []]);
  keepalives(tick, socket, 2_000);
  assert.deepEqual(all, ['lost no-answer']);
  assert.deepEqual(heard, [
    [0, 'refused', 'no-answer', true], [1, 'refused', 'no-answer', true], [2, 'refused', 'no-answer', false],
  ]);
  assert.deepEqual([socket.closed, channels[2].state], [true, 'closed']);
  // The next one answers.
  tick(100);
  const next = FakeSocket.all.at(-1);
  next.open();
  assert.deepEqual(next.take(), hex('00 00 01 01 61  00 01 02 01 62'));
  next.say(hex('00 03 01 00 00  00 03 02 00 00'));
  keepalives(tick, next, 60_000);
  assert.equal(link.state, 'open');
  link.close();
});

timed('by default within 20 s, and without reconnecting the link is closed', (tick) => {
  const { link, socket } = connected();
  const all = told(link);
  const channel = link.enter('a');
  const heard = listen(channel);
  keepalives(tick, socket, 14_000);
  assert.equal(link.state, 'open');
  keepalives(tick, socket, 6_000);
  assert.deepEqual([all, heard], [['lost no-answer', 'closed'], [['refused', 'no-answer', true]]]);
});

timed('one answer does not stand for another', (tick) => {
  const { link, socket } = connected({ answerTimeout: 4_000 });
  const all = told(link);
  link.enter('never answered');
  for (let i = 0; i < 4; i++) {
    tick(1_000);
    socket.take();
    const channel = link.enter('answered');
    const [, , tag] = socket.take();
    socket.say([0, 3, tag, 0, 1]);
    channel.leave();
  }
  assert.deepEqual(all, []);
  tick(1_000);
  assert.deepEqual(all, ['lost no-answer', 'closed']);
});

timed('time in which a command waits behind what is being sent does not count; time in which nothing goes does', (tick) => {
  const { link, socket } = connected({ answerTimeout: 4_000 });
  const all = told(link);
  const first = link.enter('a');
  socket.say(hex('00 03 01 00 03'));
  first.send('x'.repeat(30_000));
  socket.bufferedAmount = 30_000;
  link.enter('b');
  socket.bufferedAmount += 5;
  for (let second = 0; second < 25; second++) {
    socket.bufferedAmount -= 1_000;
    keepalives(tick, socket, 1_000);
  }
  assert.deepEqual(all, []);
  keepalives(tick, socket, 5_000);
  assert.deepEqual(all, ['lost no-answer', 'closed']);
});
