// What docs/CONFORMANCE.md asks of an endpoint, with the JavaScript module:
// `node javascript.mjs ws://HOST:PORT`.
import { Link, PeoteError } from '../../../examples/browser/peote-net.js';
// Node.js before version 22 has no WebSocket.
import { NetSocket } from '../../../tests/tests/browser/socket.mjs';

const url = process.argv[2];
if (!url) {
  console.error('usage: node javascript.mjs ws://HOST:PORT');
  process.exit(2);
}
const WebSocket = globalThis.WebSocket ?? NetSocket;
let wasOpen = false;
serve();

/** One connection, and the next one when it is lost. Without a relay it is over. */
function serve() {
  const link = new Link(url, { WebSocket, reconnect: false });
  let opened = false;
  link.on('open', () => (opened = true));
  link.on('closed', () => {
    if (!opened) process.exit(wasOpen ? 0 : 1);
    wasOpen = true;
    setTimeout(serve, 1);
  });
  const own = link.create('conformance');
  const small = link.create('conformance-small', { maxChunk: 100 });
  const peer = link.enter('conformance-peer');
  // There is nothing more to be tried.
  own.on('refused', ({ reason }) => {
    if (reason === 'too-many-channels') process.exit(0);
  });
  for (const channel of [own, small]) {
    const users = new Map();
    channel.on('enter', ({ user }) => users.set(user, inOrder()));
    channel.on('message', ({ user, data, keep }) => {
      const all = data[0] === 0x2a || data[0] === 0x2d;
      users.get(user)(keep(), () => obeyUser(channel, user, data), () => (all ? channel.room() : channel.room(user)));
    });
  }
  const after = inOrder();
  peer.on('message', ({ data, keep }) => after(keep(), () => obey((bytes) => peer.send(bytes), data), () => peer.room()));

  function obeyUser(channel, user, data) {
    const answer = (bytes) => channel.send(user, bytes);
    switch (String.fromCharCode(data[0])) {
      case '*': return channel.broadcast(data);
      case '-': return channel.broadcast(data, { except: user });
      case 'u': return answer(Uint8Array.of(data[0], ...[...channel.users].sort((a, b) => a - b)));
      case 'r': return supported(() => channel.remove(user), answer);
      case 'b': return supported(() => channel.block(user), answer);
      case 'D': return own.delete();
      default: return obey(answer, data);
    }
  }

  function obey(answer, data) {
    switch (String.fromCharCode(data[0])) {
      case '=': return answer(data);
      case 'n': {
        const length = new DataView(data.buffer, data.byteOffset).getUint32(1, true);
        return answer(Uint8Array.from({ length }, (_, at) => at % 251));
      }
      case 'L': return peer.leave();
    }
  }
}

/**
 * Does one thing after another, at once if it can. What has no room is tried again, and not taken
 * until it is done.
 */
function inOrder() {
  const waiting = [];
  return (taken, act, room) => {
    waiting.push({ taken, act, room });
    if (waiting.length === 1) work();
  };
  async function work() {
    while (waiting.length > 0) {
      const { taken, act, room } = waiting[0];
      try {
        act();
      } catch (error) {
        if (!(error instanceof PeoteError)) throw error;
        if (error.code === 'would-block') {
          await room().catch(() => {});
          continue;
        }
        // Its user, or the channel, is gone by now.
      }
      taken();
      waiting.shift();
    }
  }
}

function supported(act, answer) {
  try {
    act();
  } catch (error) {
    if (!(error instanceof PeoteError && error.code === 'unsupported')) throw error;
    answer('!');
  }
}
