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
  assert.deepEqual(link.capabilities, { remove: true, block: true });
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
  assert.deepEqual(link.capabilities, { remove: false, block: false });
  for (const call of ['remove', 'block']) assert.throws(() => server.channel[call](numbers[0]), error('unsupported'));
  users[0].channel.send('still here');
  await until('it is heard', () => last(server)[0] === 'message');
  assert.deepEqual([link.state, server.channel.users], ['open', numbers]);
});

test('what somebody said is not heard after their end, however much is under way', options, async () => {
  const { name, link, server, users } = await room(1);
  await until('it is announced', () => link.capabilities.remove);
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
