// Closed channels: the vectors of the Rust package, and what is refused. The ciphers are those of
// Node.js, in the shape that the module wants.
import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SealedError, SealedServer, SealedUser } from '../../../examples/browser/peote-net-sealed.js';

const bytes = (buffer) => new Uint8Array(buffer);
const ciphers = {
  chacha20: (key, nonce, data) => {
    // the first four bytes are the number of the first block
    const cipher = createCipheriv('chacha20', key, Buffer.concat([Buffer.alloc(4), nonce]));
    return bytes(cipher.update(data));
  },
  chacha20poly1305: (key, nonce) => ({
    encrypt: (plain) => {
      const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
      const text = Buffer.concat([cipher.update(plain), cipher.final()]);
      return bytes(Buffer.concat([text, cipher.getAuthTag()]));
    },
    decrypt: (sealed) => {
      const cipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
      cipher.setAuthTag(sealed.subarray(sealed.length - 16));
      return bytes(Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]));
    },
  }),
};

const hex = (text) => bytes(Buffer.from(text, 'hex'));
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const utf8 = (text) => new TextEncoder().encode(text);

function pair() {
  const server = new SealedServer(ciphers, KEY);
  const user = new SealedUser(ciphers, KEY);
  const { member, chunk } = server.welcome(user.hello);
  assert.deepEqual(user.open(chunk), { type: 'welcome' });
  return { server, user, member };
}

test('sealed: the vectors', () => {
  const file = new URL('../../../boards/sealed/vectors.txt', import.meta.url);
  const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
  const values = {};
  let server;
  const users = {};
  const members = {};
  for (const line of lines) {
    const [what, who, plain, sealed] = line.split(' ').map((word) => (word === '-' ? '' : word));
    if (what === 'key' || what === 'session') values[what] = hex(who);
    else if (what === 'hello') {
      server ??= new SealedServer(ciphers, values.key, values.session);
      users[who] = new SealedUser(ciphers, values.key, hex(plain));
      assert.deepEqual(users[who].hello, hex(plain));
    } else if (what === 'welcome') {
      const { member, chunk } = server.welcome(users[who].hello);
      members[who] = member;
      assert.deepEqual(chunk, hex(sealed));
      assert.deepEqual(users[who].open(hex(sealed)), { type: 'welcome' });
    } else if (what === 'to-server') {
      assert.deepEqual(users[who].seal(hex(plain)), hex(sealed));
      assert.deepEqual(members[who].open(hex(sealed)), hex(plain));
    } else if (what === 'to-user') {
      assert.deepEqual(members[who].seal(hex(plain)), hex(sealed));
      assert.deepEqual(users[who].open(hex(sealed)), { type: 'chunk', payload: hex(plain) });
    } else if (what === 'to-all') {
      assert.deepEqual(server.sealForAll(hex(plain)), hex(sealed));
      for (const name of who.split(',').filter((name) => name !== 'nobody')) {
        assert.deepEqual(users[name].open(hex(sealed)), { type: 'broadcast', payload: hex(plain) });
      }
    } else assert.fail(line);
  }
  assert.equal(lines.length, 16);
});

test('sealed: what is changed, repeated, reflected or out of order is refused, and the next one opened', () => {
  const { server, user, member } = pair();
  assert.equal(member.isProven, false);
  const first = user.seal(utf8('first'));
  const second = user.seal(utf8('second'));
  assert.throws(() => member.open(second), SealedError);
  for (let at = 0; at < first.length; at += 1) {
    const changed = first.slice();
    changed[at] ^= 1;
    assert.throws(() => member.open(changed), SealedError);
  }
  assert.throws(() => user.open(first), SealedError);
  assert.deepEqual(member.open(first), utf8('first'));
  assert.equal(member.isProven, true);
  assert.throws(() => member.open(first), SealedError);
  assert.deepEqual(member.open(second), utf8('second'));
  const all = server.sealForAll(utf8('all'));
  assert.deepEqual(user.open(all), { type: 'broadcast', payload: utf8('all') });
  assert.throws(() => user.open(all), SealedError);
});

test('sealed: another key, a second membership and a late user', () => {
  const { server, user, member } = pair();
  const stranger = new SealedUser(ciphers, KEY.map((byte) => byte ^ 1));
  assert.throws(() => stranger.open(server.welcome(stranger.hello).chunk), SealedError);
  const missed = server.sealForAll(utf8('missed'));
  const late = new SealedUser(ciphers, KEY);
  assert.throws(() => late.open(missed), SealedError);
  late.open(server.welcome(late.hello).chunk);
  assert.throws(() => late.open(missed), SealedError);
  assert.throws(() => late.open(member.seal(utf8('for the first user'))), SealedError);
  const all = server.sealForAll(utf8('all'));
  for (const one of [user, late]) assert.equal(one.open(all).type, 'broadcast');
});

test('sealed: wrong arguments are told', () => {
  assert.throws(() => new SealedUser(ciphers, new Uint8Array(31)), RangeError);
  assert.throws(() => new SealedServer(ciphers, 'key'), TypeError);
  assert.throws(() => new SealedUser(ciphers, KEY).seal(utf8('early')), /not answered/);
  assert.equal(new SealedServer(ciphers, KEY).welcome(new Uint8Array(11)), undefined);
});
