// What can be sent and what comes, whatever kind of JavaScript's bytes it is and whatever realm it
// is from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import { connected, hex, listen, utf8 } from './support.mjs';

/** An entered channel with number 3, in mode `data`: what is sent is what is given. */
function stream() {
  const { link, socket } = connected();
  const channel = link.enter('a', { mode: 'data' });
  const told = listen(channel);
  socket.say(hex('00 03 01 00 03'));
  socket.take();
  told.length = 0;
  return { link, socket, channel, told };
}

const foreign = (code) => vm.runInNewContext(code);
const shared = (...bytes) => {
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
};
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const half = (number) => (littleEndian ? [number & 255, number >> 8] : [number >> 8, number & 255]);

const SENDABLE = [
  ['text', 'ä\u{1f600}', [0xc3, 0xa4, 0xf0, 0x9f, 0x98, 0x80]],
  ['half of a character', 'a\ud83d', utf8('a\ufffd')],
  ['ArrayBuffer', Uint8Array.of(1, 2).buffer, [1, 2]],
  ['Uint8Array', Uint8Array.of(1, 2), [1, 2]],
  ['a part of a buffer', Uint8Array.of(1, 2, 3, 4).subarray(1, 3), [2, 3]],
  ['Buffer', Buffer.from('xy'), [0x78, 0x79]],
  ['DataView', new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2), [2, 3]],
  ['Uint8ClampedArray', Uint8ClampedArray.of(300), [255]],
  ['Int8Array', Int8Array.of(-1), [255]],
  ['Uint16Array', Uint16Array.of(0x102, 0x304), [...half(0x102), ...half(0x304)]],
  ['Float64Array', Float64Array.of(0), [0, 0, 0, 0, 0, 0, 0, 0]],
  ['BigInt64Array', BigInt64Array.of(-1n), Array(8).fill(255)],
  ['SharedArrayBuffer', shared(1, 2), [1, 2]],
  ['view of a SharedArrayBuffer', new Uint8Array(shared(1, 2, 3), 1), [2, 3]],
  ['resizable ArrayBuffer', new ArrayBuffer(2, { maxByteLength: 8 }), [0, 0]],
  ['ArrayBuffer of another realm', foreign('Uint8Array.of(1, 2).buffer'), [1, 2]],
  ['Uint8Array of another realm', foreign('Uint8Array.of(1, 2)'), [1, 2]],
  ['DataView of another realm', foreign('new DataView(Uint8Array.of(1, 2, 3).buffer, 1)'), [2, 3]],
  ['SharedArrayBuffer of another realm', foreign('new SharedArrayBuffer(2)'), [0, 0]],
];

for (const [kind, data, bytes] of SENDABLE) {
  test(`sent: ${kind}`, () => {
    const { socket, channel } = stream();
    channel.send(data);
    assert.deepEqual(socket.take(), [bytes.length + 1, 3, ...bytes]);
    const { link, socket: other } = connected();
    link.create(data);
    assert.deepEqual(other.take(), [0, 0, 1, bytes.length, ...bytes]);
  });
}

const detached = () => {
  const buffer = new ArrayBuffer(4);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
};
const detachedView = (Kind) => {
  const view = new Kind(new ArrayBuffer(8));
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
};

test('not sent: all other kinds, which is said', () => {
  const { link, socket } = connected();
  const user = link.enter('a');
  const server = link.create('b');
  const others = [
    undefined, null, 5, NaN, 0, 5n, true, false, Symbol('x'), {}, [], [1, 2, 3], { length: 2, 0: 1, 1: 2 }, () => 'x', new Blob(['x']),
    new String('x'), new Date(), new Map(), new Set([1]), Promise.resolve('x'), new Error('x'), /x/,
    { byteLength: 4 }, { [Symbol.toStringTag]: 'ArrayBuffer' }, Object.create(ArrayBuffer.prototype), foreign('[1, 2]'), foreign('({})'),
    detached(), detachedView(Uint8Array), detachedView(DataView), detachedView(Float32Array),
  ];
  for (const isOpen of [false, true]) {
    if (isOpen) socket.say(hex('00 03 01 00 03  00 03 02 00 05  00 04 00 00 05 01'));
    socket.take();
    others.forEach((data, at) => {
      for (const send of [() => user.send(data), () => server.send(1, data), () => server.broadcast(data)]) {
        assert.throws(send, (error) => error instanceof TypeError && error.message.startsWith('data: '), `number ${at}`);
      }
    });
    assert.deepEqual(socket.take(), []);
  }
  assert.throws(() => user.send(detached()), /data: its buffer is detached/);
  for (const empty of ['', new ArrayBuffer(0), new Uint8Array(0), new DataView(new ArrayBuffer(0))]) {
    assert.throws(() => user.send(empty), (error) => error.code === 'empty');
  }
});

test('what was sent is what it was then', () => {
  const { socket, channel } = stream();
  const data = Uint8Array.of(1, 2);
  channel.send(data);
  data.fill(9);
  assert.deepEqual(socket.take(), [3, 3, 1, 2]);
  const name = Uint8Array.of(97);
  const { link, socket: other } = connected({ reconnect: { first: 10 } });
  other.say(hex('00 04 00 ff 00 00'));
  link.create(name);
  name.fill(98);
  assert.deepEqual(other.take(), hex('00 00 01 01 61'));
});

const HEARD = [
  ['ArrayBuffer', Uint8Array.from(hex('03 03 61 62')).buffer],
  ['Uint8Array', Uint8Array.from(hex('03 03 61 62'))],
  ['Buffer, which is a part of a larger one', Buffer.from(hex('03 03 61 62'))],
  ['DataView', new DataView(Uint8Array.from(hex('09 03 03 61 62 09')).buffer, 1, 4)],
  ['SharedArrayBuffer', shared(...hex('03 03 61 62'))],
  ['ArrayBuffer of another realm', foreign('Uint8Array.of(3, 3, 0x61, 0x62).buffer')],
  ['Uint8Array of another realm', foreign('Uint8Array.of(3, 3, 0x61, 0x62)')],
  ['Uint16Array', new Uint16Array(Uint8Array.from(hex('03 03 61 62')).buffer)],
];

for (const [kind, data] of HEARD) {
  test(`heard: ${kind}`, () => {
    const { link, socket, channel, told } = stream();
    let message;
    channel.on('message', (event) => (message = event.data));
    socket.onmessage({ data });
    assert.deepEqual([told, link.state], [[['message', [0x61, 0x62]]], 'open']);
    // It is of this realm, and the listener's to keep.
    assert.ok(message instanceof Uint8Array && message.buffer instanceof ArrayBuffer);
    new Uint8Array(ArrayBuffer.isView(data) ? data.buffer : data).fill(0);
    assert.deepEqual([...message], [0x61, 0x62]);
  });
}

test('not heard: all other kinds, which is a loss that says so', () => {
  for (const [data, error] of [['text', undefined], [new Blob(['x']), TypeError], [undefined, TypeError], [null, TypeError], [[1, 2], TypeError]]) {
    const { link, socket } = connected();
    const losses = [];
    link.on('lost', (event) => losses.push([event.reason, event.code, event.error?.constructor]));
    socket.onmessage({ data });
    assert.deepEqual(losses, [['not-a-relay', 1003, error]]);
  }
});

test('no message to a relay is above 65,536 bytes with its frame, and together they are what was sent', () => {
  for (const mode of ['data', 'chunks']) {
    const { link, socket } = connected({ window: 1 << 20 });
    const channel = link.create('a', { mode, maxChunk: 1 << 20 });
    socket.say(hex('00 03 01 00 05  00 04 00 00 05 01'));
    for (const length of [65_500, 65_518, 65_519, 65_520, 65_536, 70_000, 131_072, 400_000]) {
      const data = new Uint8Array(length).map((_, at) => at % 251);
      for (const [send, heads] of [[() => channel.send(1, data), 2], [() => channel.broadcast(data), 1], [() => channel.broadcast(data, { except: 1 }), 2]]) {
        socket.sent.length = 0;
        send();
        const sizes = socket.sent.map((message) => message.length);
        assert.ok(sizes.every((size) => size > 0 && size + 14 <= 65_536), `${sizes}`);
        const bytes = Buffer.concat(socket.sent);
        const payload = [];
        for (let at = 0; at < bytes.length; ) {
          if (bytes[at] === 1) at += 2;
          const size = bytes[at] < 128 ? bytes[at++] : (bytes[at++] - 128) * 256 + bytes[at++];
          payload.push(bytes.subarray(at + heads, at + size));
          at += size;
        }
        const said = Buffer.concat(payload);
        assert.ok(said.subarray(said.length - length).equals(data), `${mode}, ${length}`);
        assert.ok(said.length - length <= (mode === 'data' ? 0 : 3));
      }
    }
  }
});
