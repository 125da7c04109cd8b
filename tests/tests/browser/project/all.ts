// Everything that there is.
import { Rpc, answering, calling, define, implement } from 'peote-net/rpc';
import * as value from 'peote-net/value';
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
  new Rpc(own, {
    offer: {
      0: implement(Store, {
        note: (text) => console.log(text),
        count: async (article, { signal }) => (signal.aborted ? 0 : article),
        buy: (_article, pieces) => ({ ok: pieces }),
        points: () => [],
      }),
    },
  });
  const rpc = new Rpc(entered, { expect: { 0: Store } });
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

// @ts-expect-error a procedure is missing
implement(Store, { note: () => {} });

export { value };
