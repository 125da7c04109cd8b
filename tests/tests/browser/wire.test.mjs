// Units and chunks, against bytes of docs/PROTOCOL.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Assembler, Decoder, encodeData, encodedLength, lengthBytes, lengthField } from '../../../examples/browser/peote-net-wire.js';
import { cuts, hex, random, utf8 } from './support.mjs';

const units = (pieces) => {
  const decoder = new Decoder();
  const all = [];
  for (const piece of pieces) {
    for (const unit of decoder.push(Uint8Array.from(piece))) all.push(unit.payload ? { ...unit, payload: [...unit.payload] } : unit);
  }
  return all;
};
const chunks = (limit, pieces) => {
  const assembler = new Assembler(limit);
  const all = [];
  for (const piece of pieces) {
    for (const chunk of assembler.push(Uint8Array.from(piece))) {
      all.push(typeof chunk === 'string' ? chunk : [...chunk]);
      if (typeof chunk === 'string') return all;
    }
  }
  return all;
};

test('length fields are those of section 6.1, at every limit', () => {
  for (const [limit, length, field] of [
    [256, 1, '00'], [256, 128, '7f'], [256, 129, '80'], [256, 256, 'ff'],
    [32768, 1, '00'], [32768, 128, '7f'], [32768, 129, '80 01'], [32768, 256, 'ff 01'], [32768, 16384, 'ff 7f'],
    [32768, 16385, '80 80'], [32768, 32768, 'ff ff'],
    [4194304, 16385, '80 80 01'], [4194304, 32768, 'ff ff 01'], [4194304, 4194304, 'ff ff ff'],
    [536870912, 536870912, 'ff ff ff ff'], [2147483647, 2147483647, 'fe ff ff ff 07'], [2147483647, 536870913, '80 80 80 80 02'],
  ]) assert.deepEqual(lengthField(length, limit), hex(field), `${length} of ${limit}`);
  const edges = [[1, 256, 257, 32768, 32769, 4194304, 4194305, 536870912, 536870913], [1, 1, 2, 2, 3, 3, 4, 4, 5]];
  assert.deepEqual(edges[0].map(lengthBytes), edges[1]);
});

test('lengths that break the rules are named', () => {
  assert.deepEqual(chunks(32768, [hex('85 00')]), ['overlong']);
  assert.deepEqual(chunks(32768, [hex('00 61 85'), hex('00')]), [[0x61], 'overlong']);
  assert.deepEqual(chunks(4194304, [hex('80 80 00')]), ['overlong']);
  assert.deepEqual(chunks(100, [[99, ...Array(100).fill(7)]]), [Array(100).fill(7)]);
  assert.deepEqual(chunks(100, [[100]]), ['too-long']);
  assert.deepEqual(chunks(1000, [hex('e8 07')]), ['too-long']);
  assert.deepEqual(chunks(2147483647, [hex('ff ff ff ff ff')]), ['too-long']);
  assert.deepEqual(chunks(2147483647, [hex('ff ff ff ff 07')]), ['too-long']);
  assert.deepEqual(chunks(2147483647, [hex('fe ff ff ff 07')]), []);
});

test('a length takes memory only as its bytes come', () => {
  const before = process.memoryUsage().arrayBuffers;
  const all = Array.from({ length: 256 }, () => new Assembler(2147483647));
  for (const assembler of all) assert.deepEqual([...assembler.push(Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 7, 1))], []);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 20);
});

test('units of every kind, at every cut', () => {
  const bytes = hex(`00 03 05 00 07  00 03 06 01 02  00 04 00 00 01 02  00 05 00 01 01 02 00  00 04 00 02 03 01
    00 04 00 ff 00 00  00 04 00 ff 50 03  00 00  00 01 00  80 00  01 82  01 05  80 03 85 09 61  05 03 61 62 63 64`);
  const expected = [
    { kind: 'answer', tag: 5, refused: false, value: 7 }, { kind: 'answer', tag: 6, refused: true, value: 2 },
    { kind: 'user-entered', channel: 1, user: 2 }, { kind: 'user-gone', channel: 1, user: 2, code: 0 },
    { kind: 'channel-gone', channel: 3, code: 1 }, { kind: 'keepalive', capabilities: undefined },
    { kind: 'keepalive', capabilities: 3 }, { kind: 'nothing' }, { kind: 'nothing' }, { kind: 'nothing' }, { kind: 'nothing' },
    { kind: 'data', channel: 5, user: undefined, payload: [] }, { kind: 'data', channel: 5, user: 9, payload: [0x61] },
    { kind: 'data', channel: 3, user: undefined, payload: [0x61, 0x62, 0x63, 0x64] },
  ];
  for (const pieces of cuts(bytes)) assert.deepEqual(units(pieces), expected);
});

test('the units of sections 11.4 to 11.7, at every cut', () => {
  const bytes = hex(`00 10 00 03 01 01 01 02 04 3c 00 00 00 03 03 72 2f 31  00 08 00 03 07 04 e8 03 00 00
    00 0c 00 06 00 05 00 10 00 00 00 80 00 00  00 0c 00 06 81 07 00 01 00 00 00 00 01 00
    00 08 00 05 83 02 00 40 00 00  00 07 00 05 00 00 00 00 00  00 0c 00 04 02 05 2a 01 00 80 00 00 68 69
    00 08 09 00 00 05 00 80 00 00  00 05 09 01 07 6e 6f  00 0a 00 04 7f ff ff 00 ff ff ff ff`);
  const plain = (unit) => ({ ...unit, ...(unit.words && { words: [...unit.words] }) });
  const expected = [
    { kind: 'hello', hello: { takesPart: true, keepalive: 60, name: 'r/1' } }, { kind: 'hello', hello: { comeBack: 1000 } },
    { kind: 'raised', isOwn: false, channel: 0, user: 5, send: 4096, receive: 32_768 },
    { kind: 'raised', isOwn: true, channel: 1, user: 7, send: 256, receive: 65_536 },
    { kind: 'grant', channel: 3, user: 2, bytes: 16_384 }, { kind: 'grant', channel: 0, user: undefined, bytes: 0 },
    { kind: 'knock', channel: 2, user: 5, ticket: 42, window: 32_768, words: utf8('hi') },
    { kind: 'answer', tag: 9, refused: false, value: 0, entered: { user: 5, window: 32_768 } },
    { kind: 'answer', tag: 9, refused: true, value: 7, words: utf8('no') },
    { kind: 'knock', channel: 127, user: 255, ticket: 255, window: 4_294_967_295, words: [] },
  ];
  for (const pieces of cuts(bytes)) assert.deepEqual(units(pieces).map(plain), expected);
  // Too short for what they should be.
  for (const short of ['00 09 00 04 02 05 2a 01 00 80 00', '00 07 00 05 83 02 00 40 00', '00 06 00 05 00 00 00 00', '00 0b 00 06 00 05 00 10 00 00 00 80 00']) {
    assert.deepEqual(units([hex(short)]), [{ kind: 'nothing' }], short);
  }
  // Items: unknown ones, too short ones, longer ones, and one that is cut.
  const hello = units([hex('00 17 00 03 63 00 01 00 02 03 01 00 00 01 02 00 ff 03 02 c3 a4 02 05 07 00')]);
  assert.deepEqual(hello, [{ kind: 'hello', hello: { takesPart: false, name: 'ä' } }]);
});

test('what is longer than known is skipped by its length', () => {
  const bytes = hex('00 06 00 00 01 02 ff ff  00 05 07 00 03 09 09  00 03 00 63 00  02 00 61');
  assert.deepEqual(units([bytes]).map((unit) => unit.kind), ['user-entered', 'answer', 'nothing', 'data']);
});

test('long payloads are cut at 32,765 bytes, with the length field in the first unit', () => {
  const payload = Uint8Array.from({ length: 32_768 }, (_, i) => i);
  const bytes = encodeData([1, 0], [130, 9], lengthField(32_768, 32_768), payload);
  assert.deepEqual([...bytes.slice(0, 8)], hex('01 00 ff ff 82 09 ff ff'));
  const second = 6 + 32_765;
  assert.deepEqual([...bytes.slice(second)], [...hex('01 00 07 82 09'), ...payload.slice(32_763)]);
});

test('the length is known before', () => {
  const next = random(4);
  for (const length of [1, 2, 124, 125, 126, 127, 128, 32_762, 32_763, 32_764, 32_765, 32_766, 65_529, 65_530, 65_531, 98_295]) {
    for (const prefix of [[], [1, 1]]) {
      for (const head of [[5], [130, next(256)]]) {
        for (const field of [[], [1], [128, 1]]) {
          const bytes = encodeData(prefix, head, field, new Uint8Array(length));
          assert.equal(encodedLength(prefix, head, field, { length }), bytes.length, `${length} ${prefix} ${head} ${field}`);
        }
      }
    }
  }
});

test('random chunks come out whatever the cuts and merges', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const limit = [1, 200, 256, 257, 5000, 32_768, 70_000, 536_870_913][next(8)];
    const sent = Array.from({ length: 1 + next(6) }, () => {
      const length = 1 + next(Math.min(limit, [3, 300, 40_000][next(3)]));
      return Array.from({ length }, () => next(256));
    });
    // As units with cuts of their own, of users and of servers, in pieces.
    const head = [[5], [133, 7]][next(2)];
    const payload = sent.flatMap((chunk) => [...lengthField(chunk.length, limit), ...chunk]);
    const bytes = [];
    for (let at = 0; at < payload.length; ) {
      const length = 1 + next([4, 200, 32_765][next(3)]);
      for (const byte of encodeData([], head, [], Uint8Array.from(payload.slice(at, at + length)))) bytes.push(byte);
      at += length;
    }
    const pieces = [];
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + next([3, 500, 50_000][next(3)]);
      pieces.push(bytes.slice(at, at + length));
      at += length;
    }
    assert.deepEqual(chunks(limit, units(pieces).map((unit) => unit.payload)), sent, `seed ${seed}`);
  }
});

test('any bytes can be taken apart, the same at any cut', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const bytes = Array.from({ length: next(3000) }, () => (next(3) ? next(6) : next(256)));
    const at = next(bytes.length + 1);
    const whole = units([bytes]);
    assert.deepEqual(units([bytes.slice(0, at), bytes.slice(at)]), whole, `seed ${seed}`);
    assert.deepEqual(units(bytes.map((byte) => [byte])), whole, `seed ${seed}`);
  }
});
