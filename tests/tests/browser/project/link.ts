// Link and channels alone.
import { type EnteredChannel, Link, type OwnChannel, PeoteError } from 'peote-net';

export function start(url: string): { own: OwnChannel; entered: EnteredChannel } {
  const link = new Link(url, { reconnect: { first: 100 } });
  link.on('lost', ({ reason, retryIn }) => console.log(reason, retryIn));
  // @ts-expect-error there is no such event
  link.on('nothing', () => {});
  // @ts-expect-error there is no such option
  new Link(url, { nothing: 1 });
  const own = link.create('echo', { admission: 'ask', mostUsers: 9 });
  own.on('knock', ({ user, words }) => (words.length > 0 ? own.admit(user) : own.refuse(user, 'say who you are')));
  own.on('message', async ({ user, data, keep }) => {
    const bytes: Uint8Array = data;
    const taken: () => void = keep();
    try {
      own.send(user, bytes);
    } catch (error) {
      if (!(error instanceof PeoteError && error.code === 'would-block')) throw error;
      await own.room(user);
    }
    taken();
    const late: number[] = own.sendToReady('tick');
    console.log(late);
  });
  // @ts-expect-error there is no such admission
  own.setAdmission('shut');
  return { own, entered: link.enter('news', { words: 'anna' }) };
}
