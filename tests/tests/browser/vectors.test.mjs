// The module in the place of the recorded endpoints (tests/vectors), at every cut of what the relay
// said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, cuts, listen, said, stream, utf8 } from './support.mjs';

const chunk = (length) => Array.from({ length }, (_, i) => (7 * i + length) & 255);
const ALL = ['message', utf8('all')];
const not = (user) => ['message', utf8(`not${user}`)];

/** Does what `act` does with a channel, and holds what is told and sent against the recording. */
function check(file, connection, act, expected) {
  const recorded = said(stream(file, connection, '>'));
  for (const pieces of cuts(stream(file, connection, '<'))) {
    const { link, socket } = connected();
    const channel = act(link);
    const told = listen(channel);
    for (const piece of pieces) socket.say(piece);
    assert.deepEqual(told, expected);
    assert.deepEqual(said(socket.take()), recorded);
    link.close();
  }
}

const server = (options) => (link) => {
  const channel = link.create('chunks', options);
  channel.on('enter', ({ user }) => {
    channel.broadcast('all');
    channel.broadcast(`not${user}`, { except: user });
  });
  channel.on('message', ({ user, data }) => {
    channel.send(user, data);
    if (data.length === 3) channel.delete();
  });
  return channel;
};
const user = (options, lengths, last) => (link) => {
  const channel = link.enter('chunks', options);
  channel.on('open', () => lengths.forEach((length) => channel.send(Uint8Array.from(chunk(length)))));
  channel.on('message', ({ data }) => {
    if (data.length === last && data[0] === chunk(last)[0]) channel.leave();
  });
  return channel;
};
const spoke = (number, lengths) => lengths.map((length) => ['message', number, chunk(length)]);
const heard = (lengths) => [['open', false], ALL, ...lengths.map((length) => ['message', chunk(length)])];
const SHORT = { maxChunk: 256 };
const GONE = ['lost', 'on-purpose', false];

test('servers', () => {
  const visit = (lengths) => [['open', false], ['enter', 0], ...spoke(0, lengths), ['leave', 0, 'on-purpose'], ['enter', 0]];
  check('chunks-32k', 0, server(), [...visit([1, 2, 127, 128, 129, 5]), ...spoke(0, [5, 3])]);
  check('chunks-32k', 3, server(SHORT), visit([1, 127, 128, 255, 256]));
  check('chunks-256', 0, server(SHORT), [...visit([1, 127, 128, 255, 256]), ...spoke(0, [5, 3])]);
  check('broadcast', 0, server(), [['open', false], ['enter', 0], ['enter', 1], ['enter', 2], ...spoke(2, [5, 3])]);
});

test('users that speak', () => {
  check('chunks-32k', 1, user({}, [1, 2, 127, 128, 129, 5], 5), heard([1, 2, 127, 128, 129, 5]));
  check('chunks-32k', 2, user({ retry: 'never' }, [5, 3]), [...heard([5, 3]), GONE]);
  check('chunks-32k', 4, user(SHORT, [1, 127, 128, 255, 256], 256), heard([1, 127, 128, 255, 256]));
  check('chunks-256', 1, user(SHORT, [1, 127, 128, 255, 256], 256), heard([1, 127, 128, 255, 256]));
  check('chunks-256', 2, user(SHORT, [5, 3]), [...heard([5, 3]), GONE]);
  check('broadcast', 3, user({}, [5, 3]), [...heard([5, 3]), GONE]);
});

test('users that listen', () => {
  check('broadcast', 1, user({}, []), [['open', false], ALL, ALL, not(1), ALL, not(2), GONE]);
  check('broadcast', 2, user({}, []), [['open', false], ALL, ALL, not(2), GONE]);
});

test('remote procedure calls, as chunks', () => {
  // Length field and bytes are two units each in the recording, so the payloads put together are
  // chunks one after another.
  const sent = said(stream('rpc', 1, '>')).filter(({ to }) => to === 'one 0')[0].bytes;
  const chunks = [];
  for (let at = 0; at < sent.length; at += 1 + sent[at] + 1) chunks.push(sent.slice(at + 1, at + 2 + sent[at]));
  assert.equal(chunks.length, 8);
  const say = [3, 0, 7, ...utf8('grüße')];
  check('rpc', 0, (link) => {
    const channel = link.create('rpc');
    channel.on('enter', () => channel.send(0, Uint8Array.of(0)));
    channel.on('message', ({ data }) => data.length === 1 && data[0] === 3 && channel.send(0, Uint8Array.from(say)));
    return channel;
  }, [['open', false], ['enter', 0], ...chunks.map((c) => ['message', 0, c]), ['leave', 0, 'connection-lost']]);
  check('rpc', 1, (link) => {
    const channel = link.enter('rpc');
    channel.on('message', ({ data }) => data.length === 1 && chunks.forEach((c) => channel.send(Uint8Array.from(c))));
    return channel;
  }, [['open', false], ['message', [0]], ['message', say]]);
});
