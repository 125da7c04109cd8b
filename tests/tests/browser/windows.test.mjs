// Windows of every size that matters against chunks of every length that matters, through a relay
// and on one link: whatever is sent arrives, and no sender waits for ever. PEOTE_RELAY is the
// relay's address, HOST:PORT.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Link } from '../../../examples/browser/peote-net.js';
import { NetSocket } from './socket.mjs';
import { connected, hex, random } from './support.mjs';

const WINDOWS = [1024, 1025, 2048, 4096, 32_768, 65_536, 100_000];
/** Chunks of each stream. */
const CHUNKS = 8;

/** Lengths around all borders of a window. */
function lengths(next, window, most) {
  const half = Math.floor(window / 2);
  const borders = [1, half - 1, half, half + 1, window - 4, window - 3, window - 2, window - 1, window, window + 1, most - 1, most];
  return Array.from({ length: CHUNKS }, () => Math.min(borders[next(borders.length)], most));
}

/** Chunks one after the other: what is still to be sent, and what has to come. */
class Stream {
  constructor(by, lengths) {
    Object.assign(this, { by, left: [...lengths], expected: [...lengths] });
  }
  /** Sends all, each as soon as there is room. */
  async run(send, room) {
    for (; this.left.length > 0; this.left.shift()) {
      const data = new Uint8Array(this.left[0]).fill(this.by);
      for (;;) {
        try {
          send(data);
          break;
        } catch (error) {
          if (error.code !== 'would-block') throw error;
        }
        await room();
      }
    }
  }
  came(data) {
    assert.equal(data.length, this.expected.shift(), 'lost, doubled or torn');
    assert.ok(data.every((byte) => byte === this.by));
  }
}

/** Three streams between a server and its user: to the user, to the server, and to all. */
async function talk(server, user, serverWindow, userWindow, what) {
  const next = random(serverWindow + userWindow);
  const stream = (by, window) => new Stream(by, lengths(next, window, server.maxChunk));
  const [down, up, all] = [stream(1, userWindow), stream(2, serverWindow), stream(3, userWindow)];
  user.on('message', ({ data }) => (data[0] === 3 ? all : down).came(data));
  server.on('message', ({ data }) => up.came(data));
  const opened = new Promise((resolve) => user.on('open', resolve));
  const number = await new Promise((resolve) => server.on('enter', (event) => resolve(event.user)));
  await opened;
  const sent = Promise.all([
    up.run((data) => user.send(data), () => user.room()),
    // Behind what is for the one, which it would keep from ever having room.
    down.run((data) => server.send(number, data), () => server.room(number))
      .then(() => all.run((data) => server.broadcast(data), () => server.room())),
  ]);
  const isOver = () => [down, up, all].every(({ left, expected }) => left.length + expected.length === 0);
  let failure;
  sent.catch((error) => (failure = error));
  const deadline = Date.now() + 20_000;
  while (!isOver()) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (failure) throw failure;
    assert.ok(Date.now() < deadline, `somebody waits for ever: ${what}, ${JSON.stringify([down, up, all])}`);
  }
}

test('chunks of nearly a window go through a relay, with windows of all sizes on both sides', async () => {
  for (const serverWindow of WINDOWS) {
    await Promise.all(WINDOWS.map(async (userWindow) => {
      const link = (window) => new Link(`ws://${process.env.PEOTE_RELAY}/`, { WebSocket: NetSocket, reconnect: false, window });
      const what = `windows ${serverWindow} and ${userWindow}`;
      const [serving, using] = [link(serverWindow), link(userWindow)];
      // Longer than a window where that may be.
      const maxChunk = Math.max(32_768, Math.min(serverWindow, userWindow));
      const server = serving.create(what, { maxChunk });
      await new Promise((resolve) => server.on('open', resolve));
      await talk(server, using.enter(what, { maxChunk }), serverWindow, userWindow, what);
      [serving, using].forEach((link) => link.close());
    }));
  }
});

test('chunks of nearly a window go to users on the same link', async () => {
  for (const window of WINDOWS) {
    const { link, socket } = connected({ window });
    const maxChunk = Math.max(32_768, window);
    const server = link.create('a', { maxChunk });
    socket.say(hex('00 04 00 ff 50 07  00 05 00 03 01 01 01'));
    socket.say([0, 3, window < 65_536 ? 240 + Math.floor(Math.log2(window)) : 1, 0, 5]);
    await talk(server, link.enter('a', { maxChunk }), window, window, `window ${window}`);
  }
});
