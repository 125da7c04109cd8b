// Everything that there is.
import { messages } from 'peote-net/messages';
import { Offline } from 'peote-net/offline';
import { Room } from 'peote-net/room';
import { Rpc, answering, calling, define, implement } from 'peote-net/rpc';
import { type Ciphers, SealedServer, SealedUser } from 'peote-net/sealed';
import { Users } from 'peote-net/users';
import * as value from 'peote-net/value';
import { Link } from 'peote-net';
import { start } from './link.js';

const { list, option, result, string, tuple, u16, u32, u8 } = value;

const Store = define({
  note: calling(string),
  count: answering(u32, u16),
  buy: answering(result(u32, string), u16, u32),
  points: answering(list(tuple(u8, string)), option(u8)),
});

export async function run(url: string): Promise<number> {
  const { own, entered } = start(url);
  const calls = new Link(url);
  new Rpc(calls.create('store', { mode: 'rpc' }), {
    offer: {
      0: implement(Store, {
        note: (text) => console.log(text),
        count: async (article, { signal }) => (signal.aborted ? 0 : article),
        buy: (_article, pieces) => ({ ok: pieces }),
        points: () => [],
      }),
    },
  });
  const rpc = new Rpc(calls.enter('store', { mode: 'rpc' }), { expect: { 0: Store } });
  const store = rpc.remote(Store, 0);
  store.note('x');
  // @ts-expect-error a string is wanted
  store.note(1);
  // @ts-expect-error there is no such procedure
  store.nothing();
  const count: number = await store.count(7, { timeout: 1000 });
  const bought = await store.buy(1, 2);
  const points: [number, string][] = await store.points(undefined);
  return count + ('ok' in bought ? bought.ok : bought.error.length) + points.length;
}

interface Player {
  name: string;
  score: number;
}

export async function play(url: string | undefined): Promise<void> {
  const link = url === undefined ? new Link('offline:', { WebSocket: Offline }) : new Link(url);
  const server = link.create('game', { admission: 'ask' });
  server.simulate({ roundTrip: 80 });
  const players = new Users<Player>(server, (_user, words) => ({ name: new TextDecoder().decode(words), score: 0 }), {
    gone: (_user, { name, score }) => console.log(name, score),
  });
  for await (const { user, data } of messages(server)) {
    const player: Player | undefined = user === undefined ? undefined : players.get(user);
    if (player) player.score += data.length;
    // @ts-expect-error there is no such field
    player?.points;
  }
  const room = new Room(link, 'tea', { words: 'anna' });
  room.on('serving', ({ channel }) => channel.setMostUsers(4));
  room.on('entered', ({ channel }) => channel.send('hello'));
}

export function seal(ciphers: Ciphers, key: Uint8Array): [SealedUser, SealedServer] {
  return [new SealedUser(ciphers, key), new SealedServer(ciphers, key)];
}

// @ts-expect-error a procedure is missing
implement(Store, { note: () => {} });

export { value };
