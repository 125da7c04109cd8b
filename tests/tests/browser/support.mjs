// What the tests of the module need: a socket without a network, seeded random numbers, recordings.
import { readFileSync } from 'node:fs';
import { after, mock, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Link } from '../../../examples/browser/peote-net.js';

// A loop without end fails instead of hanging: it stops this thread, and no other.
new Worker("setTimeout(() => process.kill(process.pid, 'SIGKILL'), 60_000)", { eval: true }).unref();

/** Stands in for the browser's WebSocket; the test is the relay. */
export class FakeSocket {
  static all = [];
  bufferedAmount = 0;
  sent = [];
  closed = false;
  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }
  send(bytes) {
    this.sent.push(Uint8Array.from(bytes));
  }
  close() {
    this.closed = true;
  }
  open() {
    this.onopen({});
  }
  /** The relay says this, in one message. */
  say(bytes) {
    this.onmessage({ data: Uint8Array.from(bytes).buffer });
  }
  /** All that was sent since the last call, as one array of numbers. */
  take() {
    return this.sent.splice(0).flatMap((bytes) => [...bytes]);
  }
}

const links = [];
// Their timers would keep the process alive.
after(() => links.forEach((link) => link.close()));

/** A link with a fake socket that is open, and that socket. */
export function connected(options = {}) {
  const link = new Link('ws://relay', { WebSocket: FakeSocket, reconnect: false, ...options });
  const socket = FakeSocket.all.at(-1);
  socket.open();
  links.push(link);
  return { link, socket };
}

/** With a clock that the test moves. */
export function timed(name, run) {
  test(name, () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    // As real timers do it; those of the test wait as long as they are told.
    const { setTimeout: wait } = globalThis;
    globalThis.setTimeout = (act, delay) => wait(act, delay >= 1 && delay <= 2 ** 31 - 1 ? delay : 1);
    try {
      run((ms) => {
        // In steps, because the clock moves before timers run.
        for (; ms > 0; ms -= 10) mock.timers.tick(Math.min(ms, 10));
      });
    } finally {
      mock.timers.reset();
    }
  });
}

export const utf8 = (text) => [...new TextEncoder().encode(text)];
export const hex = (digits) => digits.trim().split(/\s+/).map((byte) => parseInt(byte, 16));

/** What a target tells, in order, as arrays: type, then what it is about. */
export function listen(target, told = []) {
  const fields = {
    open: (e) => [e.again],
    refused: (e) => [e.reason, e.retry],
    lost: (e) => [e.reason, e.retry],
    enter: (e) => [e.user],
    leave: (e) => [e.user, e.reason],
    message: (e) => [...(e.user === undefined ? [] : [e.user]), [...e.data]],
    malicious: (e) => [...(e.user === undefined ? [] : [e.user]), e.violation],
  };
  for (const [type, read] of Object.entries(fields)) target.on(type, (event) => told.push([type, ...read(event)]));
  return told;
}

/** The same seed, the same numbers (xorshift32); from 0 up to and without `bound`. */
export function random(seed) {
  let state = seed * 2654435769 >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** Bytes of one connection and direction of a recording in tests/vectors. */
export function stream(file, connection, direction) {
  const text = readFileSync(new URL(`../../vectors/${file}.txt`, import.meta.url), 'utf8');
  const lines = text.trim().split('\n').map((line) => line.split(' '));
  const mine = lines.filter(([c, d, bytes]) => +c === connection && d === direction && bytes !== 'EOF');
  return mine.flatMap(([, , bytes]) => bytes.match(/../g).map((byte) => parseInt(byte, 16)));
}

/** Every way to cut in two, and byte by byte. */
export function* cuts(bytes) {
  for (let at = 0; at <= bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)];
  yield bytes.map((byte) => [byte]);
}

/**
 * What an endpoint said: commands, and the payloads of units for the same receivers put together.
 * Written apart from the module.
 */
export function said(bytes) {
  const all = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === 0) {
      const end = at + 4 + bytes[at + 3];
      all.push({ to: 'relay', bytes: bytes.slice(at, end) });
      at = end;
      continue;
    }
    const mode = bytes[at] === 1 ? ['all but', 'all'][bytes[at + 1]] : 'one';
    if (mode !== 'one') at += 2;
    const size = bytes[at] < 128 ? bytes[at++] : (bytes[at++] - 128) * 256 + bytes[at++];
    const head = bytes[at] < 128 || mode === 'all' ? 1 : 2;
    const to = `${mode} ${bytes.slice(at, at + head)}`;
    const payload = bytes.slice(at + head, at + size);
    at += size;
    if (all.at(-1)?.to === to) all.at(-1).bytes.push(...payload);
    else all.push({ to, bytes: payload });
  }
  return all;
}
