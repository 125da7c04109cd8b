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
  const here = code.replace("'./peote-net.js'", `'${new URL('peote-net.js', folder)}'`);
  await import(`data:text/javascript,${encodeURIComponent(here)}`);
  const socket = FakeSocket.all.at(-1);
  socket.open();
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

test('whoever says too much is blocked, where the relay can do it', async () => {
  for (const capabilities of [0, 3]) {
    const socket = await run(`${examples[1]}\n// ${capabilities}`);
    socket.take();
    socket.say([...hex('00 03 01 00 00  00 04 00 00 00 09  00 04 00 ff 50'), capabilities]);
    const long = Array(101).fill(0x61);
    socket.say([2 + 1 + long.length, 128, 9, long.length - 1, ...long]);
    assert.deepEqual(socket.take(), capabilities ? hex('00 05 00 02 00 09') : []);
    socket.say(hex('04 80 09 00 61'));
    assert.deepEqual(socket.take(), hex('01 00 04 80 09 00 61'));
  }
  assert.equal(examples.length, 2, 'each example has a test');
});
