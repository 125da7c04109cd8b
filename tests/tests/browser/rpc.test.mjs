// Typed values and remote procedure calls of the module: recorded bytes, answers, interfaces.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Link } from '../../../examples/browser/peote-net.js';
import { Rpc, answering, calling, define, implement } from '../../../examples/browser/peote-net-rpc.js';
import * as t from '../../../examples/browser/peote-net-value.js';
import { fourBytes } from '../../../examples/browser/peote-net-wire.js';
import { connected, random, said, stream, timed, utf8 } from './support.mjs';

/** Lets promises that are settled go on. */
const settle = async () => {
  for (let n = 0; n < 20; n++) await null;
};

/** The chunks that were said to the server of an entered channel, or to user 0. */
function chunks(socket) {
  const all = [];
  for (const { to, bytes } of said(socket.take())) {
    if (!to.startsWith('one')) continue;
    for (let at = 0; at < bytes.length; ) {
      let length = bytes[at++];
      if (length > 127) length = (length & 127) + bytes[at++] * 128;
      all.push(bytes.slice(at, at + length + 1));
      at += length + 1;
    }
  }
  return all;
}

/** A user of a channel whose server is the test. */
function user(options) {
  const { link, socket } = connected();
  const channel = link.enter('rpc', { mode: 'rpc' });
  const rpc = new Rpc(channel, options);
  const told = [];
  for (const type of ['offer', 'mismatch', 'violation']) rpc.on(type, (event) => told.push(event));
  socket.say([0, 3, 1, 0, 0]);
  const hear = (...bytes) => socket.say([bytes.length + 2, 0, bytes.length - 1, ...bytes]);
  return { link, socket, channel, rpc, told, hear, chunks: () => chunks(socket) };
}

const Store = define({
  note: calling(t.string),
  count: answering(t.u32, t.u16),
  buy: answering(t.result(t.u32, t.string), t.u16, t.u32),
});

test('every kind of parameter that existing peers have is read and written as they do', () => {
  const types = {
    Bool: t.bool, Byte: t.u8, Int: t.i32, Int32: t.i32, Int16: t.i16, UInt16: t.u16, Float: t.f32, Double: t.f64,
    String: t.string, Bytes: t.bytes, 'Array<Int>': t.list(t.i32), 'List<String>': t.list(t.string),
    'Vector<Double>': t.list(t.f64), 'Map<String;Int>': t.map(t.string, t.i32), 'Map<Int;String>': t.map(t.i32, t.string),
    'IntMap<Bytes>': t.map(t.i32, t.bytes), 'StringMap<Array<Float>>': t.map(t.string, t.list(t.f32)),
    'Array<Array<Array<Int16>>>': t.list(t.list(t.list(t.i16))), 'Map<String;Array<String>>': t.map(t.string, t.list(t.string)),
    'Array<Player>': t.list(t.haxe), 'Map<String;Colour>': t.map(t.string, t.haxe), '(none)': t.tuple(),
    '9 arguments': t.tuple(t.bool, t.u8, t.i16, t.u16, t.i32, t.f32, t.f64, t.string, t.bytes),
  };
  const text = readFileSync(new URL('../../vectors/rpc-kinds.txt', import.meta.url), 'utf8');
  let [known, asText] = [0, 0];
  for (const line of text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) {
    const [kind, shown, digits] = line.split('\t');
    const bytes = Uint8Array.from(digits.match(/../g).slice(2), (byte) => parseInt(byte, 16));
    const type = types[kind] ?? t.haxe;
    const value = t.decode(type, bytes);
    assert.deepEqual(t.encode(type, value), bytes, line);
    if (types[kind]) known += 1;
    else asText += 1;
    if (type === t.i32 || type === t.u8 || type === t.bool || type === t.i16 || type === t.u16) assert.equal(String(value), shown, line);
    if (kind === 'Array<Int>') assert.equal(JSON.stringify(value), shown, line);
  }
  assert.ok(known >= 60 && asText >= 20, `${known}, ${asText}`);
});

test('the recorded session is called as the existing client did it', () => {
  const recorded = define({
    hello: calling(),
    message: calling(t.string, t.i32),
    scalars: calling(t.bool, t.u8, t.u16, t.i16, t.i32, t.f32, t.f64),
    blobs: calling(t.bytes, t.bytes),
    lists: calling(t.list(t.i32), t.list(t.string), t.list(t.bool), t.list(t.list(t.i32))),
    maps: calling(t.map(t.string, t.i32), t.map(t.i32, t.string), t.map(t.string, t.list(t.i32))),
    dyn: calling(t.haxe),
  });
  const speaker = define({ say: calling(t.string) });
  const heard = [];
  const { socket, told, chunks: sent } = user({ expect: { 0: recorded }, offer: { 3: implement(speaker, { say: (text) => heard.push(text) }) } });
  assert.deepEqual(sent(), [[254], [255], [3]]);
  // What the server said, but the answer to "enter", which has been said.
  socket.say(stream('rpc', 1, '<').slice(5));
  assert.deepEqual(heard, ['grüße']);
  const { remote, object, answers } = told[0];
  assert.deepEqual([told.length, object, answers], [1, 0, false]);
  remote.hello();
  remote.message('hi ✓', -5);
  remote.scalars(true, 200, 65535, -32768, -2147483648, 1.5, -0.1);
  remote.blobs(Uint8Array.of(0, 255, 128), new Uint8Array());
  remote.lists([1, -1, 300], ['a', 'bc'], [true, false], [[1, 2], [], [65535]]);
  remote.maps(new Map([['k', 7]]), new Map([[9, 'nine']]), new Map([['x', [1, 2]]]));
  remote.dyn('oy1:ai1y1:by3:twoy1:cad1.5d2hg');
  const theirs = { take: () => stream('rpc', 1, '>') };
  const [, ...calls] = chunks(theirs);
  assert.deepEqual(sent(), calls.slice(0, 7));
});

test('values that a type does not have are errors, and nothing is sent', () => {
  const wrong = [
    [t.u8, 256], [t.u8, -1], [t.u8, 1.5], [t.i16, 40000], [t.u32, -1], [t.u24, 1 << 24], [t.i24, 1 << 23], [t.i32, 2 ** 31],
    [t.u64, -1n], [t.i64, 1n << 63n], [t.u64, 1], [t.bool, 1], [t.string, 1], [t.bytes, [1]], [t.list(t.u8), 'x'], [t.map(t.u8, t.u8), {}],
    [t.result(t.u8, t.u8), {}], [t.tuple(t.u8, t.u8), [1]], [t.f32, '1'], [t.list(t.u8), [1, 'x']],
  ];
  for (const [type, value] of wrong) assert.throws(() => t.encode(type, value), /TypeError|RangeError/, String(value));
});

test('values come back as they were', () => {
  const all = [
    [t.u24, 0xfffffe], [t.i24, -2], [t.i24, -8388608], [t.u64, (1n << 64n) - 1n], [t.i64, -(1n << 63n)], [t.i8, -128],
    [t.option(t.u8), undefined], [t.option(t.u8), 3], [t.result(t.u8, t.string), { ok: 1 }], [t.result(t.u8, t.string), { error: 'x' }],
    [t.tuple(t.u8, t.string), [1, 'x']], [t.string, '\ufeffx\u0000y'], [t.nothing, undefined], [t.list(t.u8), Array(300).fill(7)],
  ];
  for (const [type, value] of all) {
    const bytes = t.encode(type, value);
    assert.deepEqual(t.decode(type, bytes), value);
    for (let end = 0; end < bytes.length; end++) assert.throws(() => t.decode(type, bytes.subarray(0, end)), t.ValueError);
    assert.throws(() => t.decode(type, Uint8Array.of(...bytes, 0)), t.ValueError);
  }
});

test('lengths that could not be true are refused before anything is made of them', () => {
  for (const bytes of [[0xff, 0xff, 0xff, 0xff], [0x80, 0], [0x80], [5, 1]]) {
    for (const type of [t.list(t.nothing), t.list(t.u8), t.string, t.bytes, t.map(t.u8, t.nothing)]) {
      assert.throws(() => t.decode(type, Uint8Array.from(bytes)), t.ValueError, `${bytes}`);
    }
  }
  assert.throws(() => t.decode(t.string, Uint8Array.of(1, 255)), t.ValueError);
});

test('forms and hashes are those of section 8.5', () => {
  const board = define({ draw: calling(t.i16, t.i16, t.u8), line: calling(t.list(t.i16), t.u8), sayIt: calling(t.string), count: answering(t.u32) });
  assert.deepEqual(board.hashes, [0x0bc6719b, 0xb702f19b, 0x9210ccbf, 0x37f8d835]);
});

test('a call gets its answer, whatever comes before it', async () => {
  const { told, hear, rpc, chunks: sent } = user({ expect: { 0: Store } });
  hear(255);
  hear(0);
  sent();
  const { remote, answers } = told[0];
  assert.ok(answers);
  const [count, bought, refused] = [remote.count(7), remote.buy(1, 2), remote.buy(3, 4)];
  assert.deepEqual(sent(), [[0, 1, 0, 0, 0, 0, 7, 0], [0, 2, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0], [0, 2, 2, 0, 0, 0, 3, 0, 4, 0, 0, 0]]);
  hear(255, 0, 2, 0, 0, 0, 4, 0, 2, ...utf8('no'));
  hear(255, 0, 0, 0, 0, 0, 4, 9, 0, 0, 0);
  hear(255, 0, 1, 0, 0, 0, 5, 1, 2, 0, 0, 0);
  hear(255, 0, 1, 0, 0, 0, 5, 1, 2, 0, 0, 0); // nobody waits for it
  assert.deepEqual(await Promise.all([count, bought, refused]), [9, { ok: 2 }, { error: 'no' }]);
  assert.equal(rpc.open, 0);
  // one that is none is an error at both ends
  const broken = remote.count(7);
  hear(255, 0, 3, 0, 0, 0, 1, 9);
  await assert.rejects(broken, t.ValueError);
  assert.equal(told.at(-1).type, 'violation');
});

test('calls end with a reason: refused, cancelled, lost, not possible', async () => {
  const { told, hear, link, rpc, chunks: sent } = user({ expect: { 0: Store }, maxOpen: 3 });
  hear(255);
  hear(0);
  const { remote } = told[0];
  sent();
  for (const code of [0, 1, 2, 77]) {
    const call = remote.count(7);
    const [number] = sent()[0].slice(2);
    hear(255, 1, number, 0, 0, 0, code);
    await assert.rejects(call, { code: 'call-refused' });
  }
  const abort = new AbortController();
  const cancelled = remote.count(7, { signal: abort.signal });
  abort.abort();
  await assert.rejects(cancelled, { code: 'call-cancelled' });
  assert.deepEqual(sent(), [[0, 1, 4, 0, 0, 0, 7, 0], [255, 2, 4, 0, 0, 0]]);
  await assert.rejects(remote.count(7, { signal: abort.signal }), { name: 'AbortError' });
  const open = [remote.count(1), remote.count(2), remote.count(3)];
  await assert.rejects(remote.count(4), { code: 'too-many-calls' });
  for (const wrong of [() => remote.count(), () => remote.count('x'), () => remote.count(7, { timeout: 0 }), () => remote.count(7, { wait: 1 })]) {
    await assert.rejects(wrong(), /TypeError|RangeError|PeoteError/);
  }
  assert.equal(rpc.open, 3);
  const lost = Promise.all(open.map((call) => assert.rejects(call, { code: 'call-lost' })));
  link.close();
  await lost;
  assert.throws(() => remote.note('x'), { code: 'not-open' });
});

timed('a call without an answer ends with its time', (wait) => {
  const { told, hear } = user({ expect: { 0: Store } });
  hear(255);
  hear(0);
  let code;
  told[0].remote.count(7, { timeout: 100 }).catch((error) => (code = error.code));
  wait(90);
  wait(20);
  setImmediate(() => assert.equal(code, 'call-timeout'));
});

test('a peer that has not offered the object for answers is not asked', async () => {
  const { told, hear, chunks: sent } = user({ expect: { 0: Store } });
  hear(0);
  sent();
  await assert.rejects(told[0].remote.count(7), { code: 'no-answers' });
  assert.deepEqual(sent(), []);
  told[0].remote.note('x');
  assert.deepEqual(sent(), [[0, 0, 1, 120]]);
});

test('calls are answered at once, later, or refused, and can be cancelled', async () => {
  let later;
  let signal;
  const implementation = {
    note: () => {},
    count: (article, from) => (article === 1 ? 42 : new Promise((resolve) => ([later, signal] = [resolve, from.signal]))),
    buy: (article, pieces, from) => {
      if (article === 9) throw new Link('nonsense:').name; // anything
      return pieces > 3 ? { error: `no ${from.user}` } : { ok: pieces };
    },
  };
  const uncaught = [];
  globalThis.reportError = (error) => uncaught.push(error);
  const { hear, told, chunks: sent } = user({ offer: { 5: implement(Store, implementation) } });
  sent();
  hear(5, 1, 1, 0, 0, 0, 1, 0);
  hear(5, 1, 2, 0, 0, 0, 2, 0);
  hear(5, 2, 3, 0, 0, 0, 1, 0, 2, 0, 0, 0);
  hear(5, 2, 4, 0, 0, 0, 1, 0, 4, 0, 0, 0);
  hear(5, 2, 5, 0, 0, 0, 9, 0, 4, 0, 0, 0);
  hear(5, 2, 6, 0, 0, 0, 9); // too short
  await settle();
  assert.deepEqual(new Set(sent().map(String)), new Set([
    [255, 0, 1, 0, 0, 0, 4, 42, 0, 0, 0], [255, 0, 3, 0, 0, 0, 5, 1, 2, 0, 0, 0],
    [255, 0, 4, 0, 0, 0, 14, 0, 12, ...utf8('no undefined')], [255, 1, 5, 0, 0, 0, 0], [255, 1, 6, 0, 0, 0, 2],
  ].map(String)));
  delete globalThis.reportError;
  assert.deepEqual([uncaught.length, told.map((event) => [event.type, event.object, event.procedure])], [1, [['violation', 5, 2]]]);
  hear(255, 2, 2, 0, 0, 0);
  assert.ok(signal.aborted);
  later(7);
  await settle();
  assert.deepEqual(sent(), [[255, 0, 2, 0, 0, 0, 4, 7, 0, 0, 0]]);
});

test('interfaces are compared before anything can be called', () => {
  const other = define({ note: calling(t.bytes) }, '9');
  const ours = define({ note: calling(t.string), more: calling() }, '2');
  const { hear, told, rpc, chunks: sent } = user({ expect: { 0: ours, 1: ours }, offer: { 7: implement(other, { note: () => {} }) } });
  assert.deepEqual(sent(), [[254], [255], [7]]);
  hear(254);
  assert.deepEqual(sent(), [[254, 0, 7, 1, 57, 1, ...fourBytes(other.hashes[0])]]);
  hear(0);
  hear(1);
  hear(2);
  assert.deepEqual(told, []);
  hear(254, 0, 0, 1, 57, 1, ...fourBytes(other.hashes[0]));
  const [{ type, object, version, theirs, procedure, name }] = told.splice(0);
  assert.deepEqual([type, object, version, theirs, procedure, name], ['mismatch', 0, '2', '9', 0, 'note']);
  assert.throws(() => rpc.remote(ours, 0), { code: 'not-open' });
  // one that lacks the last procedure, and one that nobody expects
  hear(254, 0, 1, 0, 1, ...fourBytes(ours.hashes[0]));
  hear(254, 0, 2, 0, 0);
  hear(254, 0, 2, 0, 0);
  assert.deepEqual(told.map((event) => [event.type, event.object]), [['offer', 1], ['offer', 2]]);
  rpc.remote(ours, 1).note('x');
  assert.deepEqual(sent(), [[1, 0, 1, 120]]);
});

test('whatever is said, nothing but violations comes of it', async () => {
  const pick = random(5);
  const { hear, told, chunks: sent } = user({ expect: { 0: Store }, offer: { 0: implement(Store, { note: () => {}, count: () => 1, buy: () => ({ ok: 1 }) }) } });
  for (let n = 0; n < 3000; n++) {
    const head = [[0, 1, 2], [255, 0, 1, 2], [254, 0]][pick(3)];
    const bytes = Array.from({ length: 1 + pick(14) }, (_, at) => (at === 0 ? head[0] : at === 1 ? head[1 + pick(head.length - 1)] : pick(4) ? pick(3) : pick(256)));
    hear(...bytes);
  }
  await settle();
  sent();
  assert.ok(told.length > 100 && told.some((event) => event.type === 'violation'));
});

test('a server has a remote object of each user', async () => {
  const { link, socket } = connected();
  const channel = link.create('rpc', { mode: 'rpc' });
  const rpc = new Rpc(channel, { expect: { 0: Store } });
  const offers = [];
  rpc.on('offer', (event) => offers.push(event));
  socket.say([0, 3, 1, 0, 0]);
  for (const user of [0, 1]) {
    socket.say([0, 4, 0, 0, 0, user]);
    socket.say([4, 128, user, 0, 255]);
    socket.say([4, 128, user, 0, 0]);
  }
  assert.deepEqual(offers.map(({ user }) => user), [0, 1]);
  const calls = offers.map(({ remote }) => remote.count(7));
  // user 1 answers the call to user 0, which counts for nothing, then its own
  for (const number of [0, 1]) socket.say([14, 128, 1, 10, 255, 0, number, 0, 0, 0, 4, 5, 0, 0, 0]);
  assert.equal(await calls[1], 5);
  socket.say([0, 5, 0, 1, 0, 0, 1]);
  await assert.rejects(calls[0], { code: 'call-lost' });
  assert.throws(() => offers[0].remote.note('x'), { code: 'not-open' });
  assert.equal(rpc.open, 0);
});

test('records and choices are typed values, at every cut', () => {
  const shape = t.choice({ none: [0], dot: [4, t.record({ x: t.i16, y: t.u8 })], line: [5, t.u8, t.list(t.u8)] });
  for (const [value, bytes] of [
    [{ none: [] }, [0]], [{ dot: [{ x: -2, y: 7 }] }, [4, 254, 255, 7]], [{ line: [1, [2, 3]] }, [5, 1, 2, 2, 3]],
  ]) {
    assert.deepEqual([...t.encode(shape, value)], bytes);
    assert.deepEqual(t.decode(shape, Uint8Array.from(bytes)), value);
    for (let length = 0; length < bytes.length; length++) assert.throws(() => t.decode(shape, Uint8Array.from(bytes.slice(0, length))), t.ValueError);
    assert.throws(() => t.decode(shape, Uint8Array.from([...bytes, 0])), t.ValueError);
  }
  assert.throws(() => t.decode(shape, Uint8Array.of(1)), /no variant 1/);
  for (const wrong of [undefined, null, 5, {}, { dot: [] }, { dot: [{ x: 1 }] }, { none: [], dot: [] }, { line: [1] }, { cube: [] }]) {
    assert.throws(() => t.encode(shape, wrong), TypeError);
  }
  assert.throws(() => t.encode(t.record({ x: t.u8 }), 5), TypeError);
  // As in Rust: a struct is the tuple of its fields.
  assert.equal(t.record({ a: t.u8, b: t.string }).form, t.tuple(t.u8, t.string).form);
});

test('calls have channels of their own, and nothing else goes there', () => {
  const { link, socket, channel, chunks } = user();
  const refused = (send) => assert.throws(send, { code: 'only-rpc' });
  refused(() => channel.send('a plain message'));
  assert.deepEqual(chunks(), [[254], [255]], 'the offers, and nothing of the message');
  const own = link.create('own', { mode: 'rpc' });
  socket.say([0, 3, 2, 0, 0]);
  assert.equal(own.state, 'open');
  for (const send of [() => own.broadcast('x'), () => own.sendToReady('x')]) refused(send);
  for (const mode of ['chunks', 'data']) {
    const other = link.create(mode, { mode });
    assert.throws(() => new Rpc(other), new TypeError(`the channel is of mode ${mode}; give it { mode: 'rpc' }`));
  }
});
