// Link and channels alone.
import { type EnteredChannel, Link, type OwnChannel, PeoteError } from 'peote-net';

export function start(url: string): { own: OwnChannel; entered: EnteredChannel } {
  const link = new Link(url, { reconnect: { first: 100 } });
  link.on('lost', ({ reason, retryIn }) => console.log(reason, retryIn));
  // @ts-expect-error there is no such event
  link.on('nothing', () => {});
  // @ts-expect-error there is no such option
  new Link(url, { nothing: 1 });
  const own = link.create('echo');
  own.on('message', ({ user, data }) => {
    const bytes: Uint8Array = data;
    try {
      own.send(user, bytes);
    } catch (error) {
      if (!(error instanceof PeoteError && error.code === 'would-block')) throw error;
    }
  });
  return { own, entered: link.enter('news') };
}
