// The examples of examples/browser/README.md run, and do what they are for.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FakeSocket, hex, utf8 } from './support.mjs';

const folder = new URL('../../../examples/browser/', import.meta.url);
const guide = readFileSync(new URL('README.md', folder), 'utf8');
const examples = [...guide.matchAll(/^```js\n(.*?)^```$/gmsu)].map(([, code]) => code);

globalThis.WebSocket = FakeSocket;
// Their links are never closed, and must not keep this process alive.
const { setTimeout: timeout } = globalThis;
globalThis.setTimeout = (...call) => timeout(...call).unref();
const log = [];
console.log = (...what) => log.push(what.join(' '));

/** Runs an example up to its end; gives its socket, open. */
async function run(code) {
  const here = code.replaceAll(/'\.\/(peote-net[a-z-]*\.js)'/gu, (_, file) => `'${new URL(file, folder)}'`);
  await import(`data:text/javascript,${encodeURIComponent(here)}`);
  const socket = FakeSocket.all.at(-1);
  socket?.open();
  return socket;
}

test('an echo server and a user', async () => {
  const socket = await run(examples[0]);
  assert.deepEqual(socket.take(), [...hex('00 00 01 04'), ...utf8('echo'), ...hex('00 01 02 04'), ...utf8('news')]);
  socket.say(hex('00 03 01 00 00  00 04 00 00 00 09  04 80 09 00 61'));
  assert.deepEqual(socket.take(), hex('04 80 09 00 61'));
  socket.say(hex('00 03 02 00 00'));
  assert.deepEqual(socket.take(), [7, 0, 4, ...utf8('hello')]);
  socket.say(hex('03 00 00 62'));
  assert.deepEqual(log.splice(0), ['b']);
});

test('a server that asks for a password, and a user that knocks', async () => {
  const socket = await run(examples[1]);
  socket.say(hex('00 04 00 ff 50 07  00 05 00 03 01 01 01'));
  const sent = String(Buffer.from(socket.take()));
  assert.ok(sent.indexOf('club') < sent.indexOf('swordfish') && sent.indexOf('swordfish') < sent.indexOf('other club'));
  const knock = (user, words) => [0, 10 + words.length, 0, 4, 0, user, 9, 1, 0, 4, 0, 0, ...utf8(words)];
  socket.say([...hex('00 03 01 00 00'), ...knock(1, 'swordfish'), ...knock(2, 'x')]);
  assert.deepEqual(socket.take(), [...hex('00 09 00 03 00 01 09  00 0a 00 12 00 02 09 07'), ...utf8('wrong password')]);
  socket.say([...hex('00 0a 02 01 07'), ...utf8('not you')]);
  assert.deepEqual(log.splice(0), ['refused-by-server not you']);
});

test('a game offline', async () => {
  const before = FakeSocket.all.length;
  FakeSocket.all.push(undefined);
  await run(examples[2]);
  assert.equal(FakeSocket.all.length, before + 1);
  FakeSocket.all.pop();
  while (log.length === 0) await new Promise((resolve) => timeout(resolve, 5));
  assert.deepEqual(log.splice(0), ['jump']);
});

test('whoever says too much is blocked, where the relay can do it', async () => {
  for (const capabilities of [0, 3]) {
    const socket = await run(`${examples[3]}\n// ${capabilities}`);
    socket.take();
    socket.say([...hex('00 03 01 00 00  00 04 00 00 00 09  00 04 00 ff 50'), capabilities]);
    const long = Array(101).fill(0x61);
    socket.say([2 + 1 + long.length, 128, 9, long.length - 1, ...long]);
    assert.deepEqual(socket.take(), capabilities ? hex('00 05 00 02 00 09') : []);
    socket.say(hex('04 80 09 00 61'));
    assert.deepEqual(socket.take(), hex('01 00 04 80 09 00 61'));
  }
  assert.equal(examples.length, 4, 'each example has a test');
});
