// The chat's session without a page: who may remove whom, and what becomes of those who are
// removed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { encodeFromServer, encodeFromUser } from '../../../examples/browser/chat-message.js';
import { Session } from '../../../examples/browser/chat-session.js';
import { FakeSocket, hex, said, utf8 } from './support.mjs';

const ROOM = utf8('chat/tea');
const sessions = [];
after(() => sessions.forEach((session) => session.leave()));

/** Somebody called anna on the way into the room; what they see is kept. */
function anna() {
  const seen = { notices: [], said: [], people: [], state: '', problem: '' };
  const view = {
    notice: (text) => seen.notices.push(text),
    say: (nick, text) => seen.said.push(`${nick}: ${text}`),
    people: (nicks) => (seen.people = [...nicks]),
    state: (state) => (seen.state = state),
    problem: (text) => (seen.problem = text),
  };
  const session = new Session('ws://relay', 'tea', 'anna', view, { WebSocket: FakeSocket });
  const socket = FakeSocket.all.at(-1);
  socket.open();
  assert.deepEqual(socket.take(), [0, 1, 1, ROOM.length, ...ROOM]);
  sessions.push(session);
  return { session, socket, seen };
}

/** A chunk up to 128 bytes, with its length in front. */
const chunk = (bytes) => [bytes.length - 1, ...bytes];
const unit = (head, payload) => [head.length + payload.length, ...head, ...payload];

/**
 * anna runs the server, own channel 0; bob is user 7 and eve user 8. The relay has announced these
 * capabilities.
 */
function serving(capabilities) {
  const { session, socket, seen } = anna();
  if (capabilities !== undefined) socket.say([0, 4, 0, 255, 0x50, capabilities]);
  socket.say(hex('00 03 01 01 01'));
  assert.deepEqual(socket.take().slice(0, 4), [0, 0, 2, ROOM.length]);
  socket.say(hex('00 03 02 00 00'));
  for (const [number, nick] of [[7, 'bob'], [8, 'eve']]) {
    socket.say([0, 4, 0, 0, 0, number]);
    socket.say(unit([128, number], chunk(encodeFromUser({ kind: 'hello', nick }))));
  }
  assert.deepEqual(seen.people, ['anna', 'bob', 'eve']);
  socket.take();
  const from = (number, message) => socket.say(unit([128, number], chunk(encodeFromUser(message))));
  return { session, socket, seen, from };
}

/** anna is a user, of a room whose server is bob's. */
function visiting() {
  const { session, socket, seen } = anna();
  socket.say(hex('00 03 01 00 03'));
  const tell = (message) => socket.say(unit([3], chunk(encodeFromServer(message))));
  tell({ kind: 'welcome', you: 'anna', server: 'bob' });
  assert.equal(seen.state, 'open');
  socket.take();
  return { session, socket, seen, tell };
}

test('who runs the server removes and blocks, and the others hear of it', () => {
  const { session, socket, seen, from } = serving(3);
  assert.equal(session.canRemove, true);
  assert.equal(session.type('/kick bob'), undefined);
  assert.deepEqual(socket.take(), hex('00 04 00 02 00 07'));
  // What is still under way is not heard, and nobody is removed twice.
  from(7, { kind: 'say', text: 'spam' });
  assert.match(session.type('/kick bob'), /nobody is called bob/u);
  assert.deepEqual([socket.take(), seen.said], [[], []]);
  socket.say(hex('00 05 00 01 00 07 02'));
  const left = encodeFromServer({ kind: 'left', nick: 'bob', how: 'removed' });
  assert.deepEqual(said(socket.take()), [{ to: 'all 128', bytes: chunk(left) }]);
  assert.equal(seen.notices.at(-1), 'bob was removed');
  assert.deepEqual(seen.people, ['anna', 'eve']);
  assert.equal(session.type('/block eve'), undefined);
  assert.deepEqual(socket.take(), hex('00 05 00 02 00 08'));
  assert.match(seen.notices.at(-1), /eve is kept out/u);
  // Who leaves in the same moment has left.
  socket.say(hex('00 05 00 01 00 08 00'));
  assert.equal(seen.notices.at(-1), 'eve left');
  // The next one with that number is somebody else.
  socket.say(hex('00 04 00 00 00 07'));
  from(7, { kind: 'hello', nick: 'joe' });
  from(7, { kind: 'say', text: 'hello' });
  assert.deepEqual(seen.said, ['joe: hello']);
});

test('what cannot be is said, and nothing is sent', () => {
  const { session, socket, seen } = serving(3);
  assert.match(session.type('/kick joe'), /nobody is called joe; \/who/u);
  assert.match(session.type('/block anna'), /that is you/u);
  assert.match(session.type('/kick'), /\/kick is not known; \/help tells/u);
  for (const [capabilities, works] of [[undefined, []], [0, []], [1, ['/kick bob']], [2, ['/block bob']]]) {
    const { session, socket } = serving(capabilities);
    assert.equal(session.canRemove, capabilities === 1);
    for (const typed of ['/kick bob', '/block bob']) {
      const answer = session.type(typed);
      if (works.includes(typed)) assert.equal(answer, undefined);
      else assert.match(answer, works.length ? /nobody is called|cannot remove/u : /this relay cannot remove anybody; peote-relay can/u);
      assert.equal(socket.take().length, works.includes(typed) ? 6 : 0);
    }
  }
  assert.deepEqual([socket.take(), seen.people], [[], ['anna', 'bob', 'eve']]);
});

test('only who runs the server can', () => {
  const { session, socket, seen, tell } = visiting();
  socket.say([0, 4, 0, 255, 0x50, 3]);
  assert.equal(session.canRemove, false);
  assert.equal(session.type('/kick eve'), 'only bob, who runs the server, can do that');
  tell({ kind: 'renamed', old: 'bob', nick: 'bobby' });
  assert.equal(session.type('/block bobby'), 'only bobby, who runs the server, can do that');
  tell({ kind: 'left', nick: 'eve', how: 'removed' });
  assert.equal(seen.notices.at(-1), 'eve was removed');
  assert.deepEqual(socket.take(), []);
});

test('who is removed stops and does not come back', () => {
  const { session, socket, seen } = visiting();
  const sockets = FakeSocket.all.length;
  socket.say(hex('00 04 00 02 03 02'));
  assert.deepEqual([seen.state, seen.problem], ['off', 'The one who runs the server of room tea has removed you.']);
  assert.deepEqual([socket.take(), socket.closed, FakeSocket.all.length], [[], true, sockets]);
  assert.deepEqual(seen.people, []);
  assert.notEqual(session.type('hello'), undefined);
});

test('who is removed while waiting for the welcome stops as well', () => {
  const { socket, seen } = anna();
  socket.say(hex('00 03 01 00 03  00 04 00 02 03 02'));
  assert.deepEqual([seen.state, seen.problem], ['off', 'The one who runs the server of room tea has removed you.']);
});

test('who is blocked is told so', () => {
  const { socket, seen } = anna();
  socket.say(hex('00 03 01 01 06'));
  assert.equal(seen.state, 'off');
  assert.equal(seen.problem, 'Cannot enter room tea: the one who runs its server does not let you in.');
  assert.equal(socket.closed, true);
});

test('nobody gets a name that looks like another, or one with something invisible', () => {
  const { session, socket, seen, from } = serving(3);
  // The same as in examples/tests/hostile_chat.rs: eve is user 8, one more is user 9.
  socket.say(hex('00 04 00 00 00 09'));
  for (const nick of ['anna\u034f', 'anna\u3164', 'anna\u2800', 'anna\u{e0100}', '\u0301anna']) from(9, { kind: 'hello', nick });
  assert.deepEqual(seen.people, ['anna', 'bob', 'eve']);
  from(9, { kind: 'hello', nick: 'ann\u0430' });
  assert.deepEqual(seen.people, ['anna', 'bob', 'eve', 'ann\u0430-2']);
  socket.take();
  for (const nick of ['\u0430nna', 'b\u043eb', 'ann\u0430-2']) {
    from(9, { kind: 'rename', nick });
    assert.deepEqual(said(socket.take()), [{ to: 'one 128,9', bytes: chunk(encodeFromServer({ kind: 'taken', nick })) }]);
  }
  from(9, { kind: 'rename', nick: 'anna\u034f' });
  assert.deepEqual(socket.take(), []);
  from(9, { kind: 'rename', nick: 'anna-2' });
  assert.deepEqual(seen.people, ['anna', 'bob', 'eve', 'anna-2']);
  assert.equal(session.type('/nick b\u043eb'), 'b\u043eb is taken');
  assert.equal(session.type('/nick \u0430nna'), undefined);
  assert.deepEqual(seen.people[0], '\u0430nna');
  socket.take();
  // One need not have the letters of a name to remove who has it.
  from(9, { kind: 'rename', nick: '\u0441\u0430r\u043el' });
  socket.take();
  assert.equal(session.type('/kick carol'), undefined);
  assert.deepEqual(socket.take(), hex('00 04 00 02 00 09'));
  assert.match(session.type('/kick anna'), /that is you/u);
});

test('one who takes nothing holds up nobody, hears what waits when there is room, and is removed in the end', async () => {
  const { session, socket, seen } = anna();
  socket.say(hex('00 04 00 ff 50 07  00 05 00 03 01 01 01  00 03 01 01 01'));
  socket.take();
  socket.say(hex('00 03 02 00 00'));
  for (const [number, nick, window] of [[7, 'bob', 255], [8, 'eve', 60]]) {
    socket.say([0, 10, 0, 4, 0, number, 1, 1, window, window === 255 ? 255 : 0, 0, 0]);
    socket.say(unit([128, number], chunk(encodeFromUser({ kind: 'hello', nick }))));
  }
  socket.take();
  const texts = (number) => said(socket.sent.flatMap((bytes) => [...bytes])).filter(({ to }) => to === `one 128,${number}` || to === 'all 128').map(({ bytes }) => String.fromCharCode(...bytes));
  for (let n = 0; n < 20; n++) session.type(`line ${n} of many`);
  const heard = (number) => texts(number).join('').match(/line \d+/gu) ?? [];
  const all = Array.from({ length: 20 }, (_, n) => `line ${n}`);
  assert.deepEqual(heard(7), all);
  const first = heard(8).length;
  assert.ok(first < 4, `${first}`);
  // It takes everything now: 60 bytes at a time.
  for (let n = 0; n < 40; n++) {
    await new Promise((resolve) => setImmediate(resolve));
    socket.say(hex('00 08 00 05 80 08 1e 00 00 00'));
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(heard(8), all);
  // And then nothing any more.
  socket.take();
  for (let n = 0; n < 150; n++) session.type(`more ${n} of many`);
  const sent = socket.take();
  assert.ok(String.fromCharCode(...sent).includes('more 149'));
  assert.ok(said(sent).some(({ to, bytes }) => to === 'relay' && String(bytes) === '0,4,0,2,0,8'));
  assert.ok(seen.notices.some((notice) => notice.includes('eve does not take')));
});
