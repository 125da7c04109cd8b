// Who is let in, byte by byte, with a relay that is the test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, cuts, hex, listen, utf8 } from './support.mjs';

const code = (code) => (error) => error.name === 'PeoteError' && error.code === code;
const KNOWS = hex('00 04 00 ff 50 07  00 05 00 03 01 01 01');
const knock = (user, ticket, words = '') => [0, 10 + words.length, 0, 4, 5, user, ticket, 1, 0, 128, 0, 0, ...utf8(words)];
const admit = (user, ticket) => [0, 9, 0, 3, 5, user, ticket];
const refuse = (user, ticket, code, words = '') => [0, 10, 0, 4 + words.length, 5, user, ticket, code, ...utf8(words)];

/** An own channel with number 5, and what it tells. */
function served(options = {}, knows = KNOWS) {
  const { link, socket } = connected();
  const channel = link.create('a', options);
  const told = listen(channel);
  for (const type of ['knock', 'enter']) channel.on(type, ({ user, words }) => told.push([`${type} ${user}`, String(Buffer.from(words))]));
  socket.say([...knows, ...hex('00 03 01 00 05')]);
  socket.take();
  told.length = 0;
  return { link, socket, channel, told };
}

test('who knocks is let in by itself, with its words, at every cut', () => {
  for (const pieces of cuts([...knock(7, 42, 'hi'), ...hex('04 85 07 00 61')])) {
    const { socket, channel, told } = served();
    for (const piece of pieces) socket.say(piece);
    assert.deepEqual(socket.take(), admit(7, 42));
    assert.deepEqual(told, [['enter', 7], ['enter 7', 'hi'], ['message', 7, [0x61]]]);
    assert.deepEqual([channel.users, channel.window(7)], [[7], 32_768]);
  }
});

test('a program that asks to be asked admits and refuses, when it likes', () => {
  const { socket, channel, told } = served({ admission: 'ask' });
  socket.say([...knock(1, 9, 'a'), ...knock(2, 8, 'b'), ...knock(3, 7)]);
  assert.deepEqual([socket.take(), channel.users], [[], []]);
  assert.throws(() => channel.send(1, 'x'), code('not-open'));
  assert.equal(channel.admit(2), true);
  channel.refuse(1, 'not today');
  channel.refuse(3);
  assert.deepEqual(socket.take(), [...admit(2, 8), ...refuse(1, 9, 7, 'not today'), ...refuse(3, 7, 7)]);
  assert.deepEqual(told.splice(0), [['knock 1', 'a'], ['knock 2', 'b'], ['knock 3', ''], ['enter', 2], ['enter 2', 'b']]);
  for (const user of [1, 2, 9]) {
    assert.throws(() => channel.admit(user), code('not-open'));
    assert.throws(() => channel.refuse(user), code('not-open'));
  }
  assert.throws(() => channel.admit('2'), TypeError);
  // One that goes while it knocks.
  socket.say([...knock(4, 1), ...hex('00 05 00 01 05 04 01')]);
  assert.throws(() => channel.admit(4), code('not-open'));
  assert.deepEqual(told, [['knock 4', ''], ['leave', 4, 'connection-lost']]);
  assert.throws(() => channel.refuse(2, 'x'.repeat(201)), code('too-long'));
  assert.deepEqual(socket.take(), []);
});

test('a closed channel refuses, and a change of mind answers those at the door', () => {
  const { socket, channel, told } = served({ admission: 'closed' });
  socket.say(knock(1, 1));
  assert.deepEqual(socket.take(), refuse(1, 1, 7));
  channel.setAdmission('ask');
  socket.say([...knock(2, 2), ...knock(3, 3)]);
  channel.setAdmission('open');
  assert.deepEqual([socket.take(), channel.users, channel.admission], [[...admit(2, 2), ...admit(3, 3)], [2, 3], 'open']);
  channel.setAdmission('ask');
  socket.say(knock(4, 4));
  channel.setAdmission('closed');
  assert.deepEqual([socket.take(), channel.users], [refuse(4, 4, 7), [2, 3]]);
  assert.deepEqual(told.filter(([type]) => type === 'leave'), []);
  assert.throws(() => channel.setAdmission('shut'), TypeError);
});

test('there are no more users than the program wants', () => {
  const { socket, channel } = served({ mostUsers: 2, admission: 'ask' });
  socket.say([...knock(1, 1), ...knock(2, 2), ...knock(3, 3)]);
  assert.deepEqual([channel.admit(1), channel.admit(2), channel.admit(3)], [true, true, false]);
  socket.say(knock(4, 4));
  assert.deepEqual(socket.take(), [...admit(1, 1), ...admit(2, 2), ...refuse(3, 3, 4), ...refuse(4, 4, 4)]);
  channel.setMostUsers(3);
  socket.say(knock(5, 5));
  channel.admit(5);
  assert.deepEqual([channel.users, channel.mostUsers, socket.take()], [[1, 2, 5], 3, admit(5, 5)]);
  for (const count of [-1, 1.5, NaN, 65_537]) assert.throws(() => channel.setMostUsers(count), RangeError);
});

test('who slipped in before the hello is removed unseen', () => {
  const { link, socket } = connected();
  const channel = link.create('a', { admission: 'ask' });
  const told = listen(channel);
  socket.say(hex('00 04 00 ff 50 07'));
  socket.take();
  socket.say(hex('00 03 01 00 05  00 04 00 00 05 01  00 05 00 03 01 01 01  00 0c 00 06 85 01 00 10 00 00 00 80 00 00  04 85 01 00 61'));
  socket.say(hex('00 05 00 01 05 01 02'));
  assert.deepEqual([socket.take(), told, channel.users], [hex('00 04 00 02 05 01'), [['open', false]], []]);
});

test('a relay that knows no admission is no place for such a channel', () => {
  for (const [announcement, bits] of [[[], 0], [hex('00 04 00 ff 50 03'), 3], [hex('00 04 00 ff 50 06'), 6]]) {
    const { link, socket } = connected();
    const channel = link.create('a', { admission: 'closed', retry: 'always' });
    const told = listen(channel);
    socket.say([...announcement, ...hex('00 03 01 00 05')]);
    assert.deepEqual([told, channel.state], [[['refused', 'unsupported', false]], 'closed'], `${bits}`);
    assert.deepEqual(socket.take().slice(-5), hex('00 03 00 01 05'));
    // One that is open to all goes, and cannot become another.
    const open = link.create('b');
    socket.say(hex('00 03 02 00 06'));
    assert.throws(() => open.setAdmission('ask'), code('unsupported'));
    assert.equal(open.admission, 'open');
  }
});

test('with a relay that knows none, those beyond the most are removed if that can be', () => {
  const { socket, channel, told } = served({ mostUsers: 1 }, hex('00 04 00 ff 50 01'));
  socket.say(hex('00 04 00 00 05 01  00 04 00 00 05 02'));
  assert.deepEqual([socket.take(), channel.users], [hex('00 04 00 02 05 02'), [1]]);
  assert.deepEqual(told[0], ['enter', 1]);
});

test('words are said in front of the door again after a loss of the channel, and refusals have words', () => {
  const { link, socket } = connected({ reconnect: { first: 10, jitter: 0 } });
  socket.say(KNOWS);
  socket.take();
  const channel = link.enter('b', { words: 'pass: ä' });
  const told = [];
  channel.on('refused', ({ reason, retry, words }) => told.push([reason, retry, String(Buffer.from(words))]));
  assert.deepEqual(socket.take(), [...hex('00 07 00 08'), ...utf8('pass: ä'), ...hex('00 01 01 01 62')]);
  socket.say([0, 5, 1, 1, 7, ...utf8('no')]);
  const reasons = [1, 6, 7, 8, 9].map((number) => {
    const user = link.enter('c');
    user.on('refused', ({ reason, retry, words }) => told.push([reason, retry, words.length]));
    socket.say([0, 3, socket.take()[2], 1, number]);
    return user.state;
  });
  assert.deepEqual(reasons, Array(5).fill('closed'));
  assert.deepEqual(told, [
    ['refused-by-server', false, 'no'], ['no-such-channel', false, 0], ['blocked', false, 0], ['refused-by-server', false, 0],
    ['server-silent', false, 0], ['unknown', false, 0],
  ]);
  assert.throws(() => link.enter('c', { words: 'x'.repeat(201) }), code('too-long'));
  assert.throws(() => link.enter('c', { words: 5 }), TypeError);
  // A membership that was paused for too long.
  const user = link.enter('d');
  const lost = listen(user);
  socket.say([0, 8, socket.take()[2], 0, 3, 9, 0, 1, 0, 0, ...hex('00 04 00 02 03 03')]);
  assert.deepEqual(lost, [['open', false], ['lost', 'too-slow', true]]);
  link.close();
});

test('options of channels are looked at', () => {
  const { link } = connected();
  assert.throws(() => link.create('a', { admission: 'none' }), TypeError);
  assert.throws(() => link.create('a', { mostUsers: -1 }), RangeError);
  assert.throws(() => link.create('a', { words: 'x' }), /words: there is no such option/);
  assert.throws(() => link.enter('a', { admission: 'ask' }), /admission: there is no such option/);
});
