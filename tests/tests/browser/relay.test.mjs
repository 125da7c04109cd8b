// The module with the relay itself, where its bytes are not the test's. PEOTE_RELAY is the relay's
// address, HOST:PORT; without it there is nothing to test.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Link } from '../../../examples/browser/peote-net.js';
import { NetSocket } from './socket.mjs';
import { listen } from './support.mjs';

const relay = process.env.PEOTE_RELAY;
const links = [];
after(() => links.forEach((link) => link.close()));
let names = 0;

/** A relay of the original protocol: keepalives announce nothing. */
class Original extends NetSocket {
  filter = (bytes) => {
    const hidden = Buffer.from(bytes);
    for (let at = hidden.indexOf('000400ff50', 'hex'); at >= 0; at = hidden.indexOf('000400ff50', 'hex')) hidden.fill(0, at + 4, at + 6);
    return hidden;
  };
}

function connect(WebSocket = NetSocket) {
  const link = new Link(`ws://${relay}/`, { WebSocket, reconnect: false });
  links.push(link);
  return link;
}

/** Resolves when it is so; never by time alone. */
async function until(what, isSo) {
  const deadline = Date.now() + 30_000;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, `it never comes to that: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A channel that is open, and what it tells from then on. */
async function open(channel) {
  const told = listen(channel);
  await until(`${channel.name} is open: ${JSON.stringify(told)}`, () => channel.state === 'open');
  await until(`${channel.name} tells it`, () => told.length > 0);
  told.length = 0;
  return { channel, told };
}

/** A server, users of it on links of their own, and their numbers. */
async function room(count, WebSocket) {
  const name = `room ${(names += 1)}`;
  const link = connect(WebSocket);
  const server = await open(link.create(name));
  const users = [];
  for (let user = 0; user < count; user += 1) {
    const own = connect();
    users.push({ link: own, ...(await open(own.enter(name))) });
    await until('the user has come', () => server.told.length > user);
  }
  const numbers = server.told.splice(0).map(([type, number]) => {
    assert.equal(type, 'enter');
    return number;
  });
  return { name, link, server, users, numbers };
}

const options = { skip: relay === undefined };
const error = (code) => (thrown) => thrown.code === code;
const last = ({ told }) => told.at(-1) ?? [];

test('a relay announces what it can do, and who is removed may come again', options, async () => {
  const { name, link, server, users, numbers } = await room(2);
  await until('it is announced', () => link.capabilities.remove);
  await until('flow control is in force', () => link.capabilities.flow);
  assert.deepEqual(link.capabilities, { remove: true, block: true, flow: true });
  server.channel.send(numbers[0], 'good bye');
  server.channel.remove(numbers[0]);
  await until('both are told', () => last(server)[0] === 'leave' && last(users[0])[0] === 'lost');
  assert.deepEqual(server.told, [['leave', numbers[0], 'removed']]);
  assert.deepEqual(users[0].told, [['message', [...Buffer.from('good bye')]], ['lost', 'removed', false]]);
  assert.deepEqual([users[0].channel.state, server.channel.users], ['closed', [numbers[1]]]);
  assert.throws(() => users[0].channel.send('x'), error('not-open'));
  assert.throws(() => server.channel.remove(numbers[0]), error('not-open'));
  const again = await open(users[0].link.enter(name));
  again.channel.send('back');
  await until('it is heard', () => last(server)[0] === 'message');
  server.channel.broadcast('all');
  for (const each of [again, users[1]]) await until('both hear', () => last(each)[0] === 'message');
});

test('who is blocked does not come again with that connection', options, async () => {
  const { name, link, server, users, numbers } = await room(2);
  await until('it is announced', () => link.capabilities.block);
  server.channel.block(numbers[0]);
  await until('both are told', () => last(server)[0] === 'leave' && last(users[0])[0] === 'lost');
  assert.deepEqual([server.told, users[0].told], [[['leave', numbers[0], 'removed']], [['lost', 'removed', false]]]);
  // Whatever it is told to do when it is refused: this does not pass.
  const refused = users[0].link.enter(name, { retry: 'always' });
  const told = listen(refused);
  await until('it is refused', () => told.length > 0);
  assert.deepEqual([told, refused.state], [[['refused', 'blocked', false]], 'closed']);
  // Other channels and other connections are not concerned.
  await open(users[0].link.create(`${name} other`));
  await open(connect().enter(name));
  assert.equal(users[1].channel.state, 'open');
  // A channel that was deleted takes its blocks along.
  server.channel.delete();
  await open(link.create(name));
  await open(users[0].link.enter(name));
});

test('a relay that announces nothing is told nothing', options, async () => {
  const { link, server, users, numbers } = await room(1, Original);
  server.channel.send(numbers[0], 'hello');
  await until('it is heard', () => last(users[0])[0] === 'message');
  assert.deepEqual(link.capabilities, { remove: false, block: false, flow: false });
  for (const call of ['remove', 'block']) assert.throws(() => server.channel[call](numbers[0]), error('unsupported'));
  users[0].channel.send('still here');
  await until('it is heard', () => last(server)[0] === 'message');
  assert.deepEqual([link.state, server.channel.users], ['open', numbers]);
});

test('what somebody said is not heard after their end, however much is under way', options, async () => {
  const { name, link, server, users } = await room(1);
  await until('it is announced', () => link.capabilities.remove);
  // Before that, a user may send one chunk.
  await until('the user knows its window', () => users[0].link.capabilities.flow);
  for (let round = 0; round < 20; round += 1) {
    server.told.length = 0;
    const [number] = server.channel.users;
    const user = round === 0 ? users[0].channel : users[0].next;
    for (let i = 0; i < 50; i += 1) user.send('x'.repeat(300));
    await until('something is heard', () => last(server)[0] === 'message');
    server.channel.remove(number);
    await until('the user is told', () => user.state === 'closed');
    users[0].next = (await open(users[0].link.enter(name))).channel;
    await until('the next one has come', () => last(server)[0] === 'enter');
    const kinds = server.told.map(([kind]) => kind);
    const end = kinds.indexOf('leave');
    assert.deepEqual([kinds.slice(0, end).every((kind) => kind === 'message'), kinds.slice(end)], [true, ['leave', 'enter']]);
  }
});

test('a user that keeps what comes holds up nobody else, and gets all of it in the end', options, async () => {
  const { link, server, users, numbers } = await room(2);
  await until('flow control is in force', () => link.capabilities.flow && server.channel.window(numbers[0]) !== undefined);
  const [slow, fast] = users;
  const kept = [];
  slow.channel.on('message', ({ data, keep }) => kept.push([data[0], keep()]));
  const chunk = (n) => new Uint8Array(5000).fill(n);
  const next = [0, 0];
  const send = (at) => {
    try {
      server.channel.send(numbers[at], chunk(next[at]));
      next[at] += 1;
      return true;
    } catch (thrown) {
      assert.equal(thrown.code, 'would-block');
      return false;
    }
  };
  for (let round = 0; round < 400; round += 1) {
    if (next[0] < 100) send(0);
    while (next[1] < round && !send(1)) await server.channel.room(numbers[1]);
  }
  // The fast one has had 2 MB; the slow one is where its window ends.
  await until('the fast one has all', () => fast.told.length === 399);
  await until('the slow one has what fits', () => kept.length === next[0]);
  assert.ok(next[0] >= 12 && next[0] < 40, `${next[0]}`);
  const all = [];
  const takeAll = () => kept.splice(0).forEach(([n, taken]) => all.push(n) && taken());
  while (next[0] < 100) {
    takeAll();
    while (next[0] < 100 && send(0));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await until('the slow one has all', () => takeAll() ?? all.length === 100);
  assert.deepEqual(all, Array.from({ length: 100 }, (_, n) => n));
});

test('data goes both ways between those that take part and those that do not', options, async () => {
  for (const [serverSocket, userSocket] of [[NetSocket, Original], [Original, NetSocket], [NetSocket, NetSocket], [Original, Original]]) {
    const name = `mixed ${(names += 1)}`;
    const server = await open(connect(serverSocket).create(name));
    const user = await open(connect(userSocket).enter(name));
    await until('the user has come', () => server.channel.users.length > 0);
    const [number] = server.channel.users;
    const sent = { up: 0, down: 0 };
    const say = async (way, send, roomy) => {
      for (let n = 0; n < 60; n += 1) {
        for (;;) {
          try {
            send(new Uint8Array(1 + ((n * 977) % 30_000)).fill(n));
            break;
          } catch (thrown) {
            assert.equal(thrown.code, 'would-block');
            await roomy();
          }
        }
        sent[way] += 1;
      }
    };
    server.channel.on('message', ({ keep }) => setTimeout(keep(), 1));
    await Promise.all([
      say('up', (data) => user.channel.send(data), () => user.channel.room()),
      say('down', (data) => server.channel.send(number, data), () => server.channel.room(number)),
    ]);
    await until('all is there', () => user.told.length === 60 && server.told.filter(([type]) => type === 'message').length === 60);
    user.told.forEach(([, bytes], n) => assert.deepEqual([bytes.length, bytes[0]], [1 + ((n * 977) % 30_000), n]));
  }
});

test('a server is asked, and hears words; refusals and the numbers of users are heard', options, async () => {
  const name = `asked ${(names += 1)}`;
  const link = connect();
  const server = await open(link.create(name, { admission: 'ask', mostUsers: 2 }));
  const knocks = [];
  server.channel.on('knock', ({ user, words }) => knocks.push([user, String(Buffer.from(words))]));
  const refused = [];
  const enter = (words, WebSocket) => {
    const channel = connect(WebSocket).enter(name, { words });
    channel.on('refused', ({ reason, words: why }) => refused.push([words, reason, String(Buffer.from(why))]));
    return channel;
  };
  const users = [enter('anna'), enter('bob'), enter('carl')];
  await until('all knock', () => knocks.length === 3);
  const numberOf = (words) => knocks.find(([, said]) => said === words)[0];
  server.channel.refuse(numberOf('bob'), 'not you');
  server.channel.admit(numberOf('anna'));
  await until('anna is in', () => users[0].state === 'open');
  assert.equal(users[0].ownNumber, numberOf('anna'));
  assert.ok(users[0].window > 0);
  server.channel.admit(numberOf('carl'));
  await until('carl is in', () => users[2].state === 'open');
  enter('dora');
  await until('two are refused', () => refused.length === 2);
  assert.deepEqual(refused.splice(0), [['bob', 'refused-by-server', 'not you'], ['dora', 'channel-full', '']]);
  // One that knows no admission: no words either way.
  server.channel.setMostUsers(5);
  enter('emil', Original);
  await until('it knocks', () => knocks.length === 4);
  assert.equal(knocks[3][1], '');
  server.channel.refuse(knocks[3][0], 'no');
  await until('it is refused', () => refused.length === 1);
  assert.deepEqual(refused.splice(0), [['emil', 'channel-full', '']]);
  server.channel.setAdmission('closed');
  enter('fred');
  await until('it is refused', () => refused.length === 1);
  assert.deepEqual(refused.splice(0), [['fred', 'refused-by-server', '']]);
  // One that goes while it knocks.
  server.channel.setAdmission('ask');
  const gone = enter('gina');
  await until('it knocks', () => knocks.length === 5);
  gone.leave();
  server.channel.admit(knocks[4][0]);
  await until('it has left as soon as it was in', () => last(server)[0] === 'leave');
  users[0].send('x');
  await until('the others are not concerned', () => last(server)[0] === 'message');
});

test('a relay that announces nothing has no place for a channel that asks', options, async () => {
  const channel = connect(Original).create(`asks ${(names += 1)}`, { admission: 'ask' });
  const told = listen(channel);
  await until('it is refused', () => told.length > 0);
  assert.deepEqual(told, [['refused', 'unsupported', false]]);
});

test('those that are late are left out, by the relay too', options, async () => {
  const { server, users, numbers } = await room(2);
  await until('there are windows', () => server.channel.window() !== undefined);
  const kept = [];
  users[0].channel.on('message', ({ keep }) => kept.push(keep()));
  let late = 0;
  for (let round = 0; round < 60; round += 1) {
    late += server.channel.sendToReady(new Uint8Array(3000).fill(round)).filter((user) => user === numbers[0]).length;
    await until('the other one has it', () => users[1].told.length === round + 1);
  }
  await until('the late one has the rest', () => users[0].told.length === 60 - late);
  assert.ok(late > 20 && late < 60, `${late}`);
  kept.forEach((taken) => taken());
  await until('there is room', () => server.channel.window(numbers[0]) > 30_000);
  assert.deepEqual(server.channel.sendToReady('newest'), []);
  await until('it is heard', () => last(users[0])[1]?.length === 6);
});
