// A WebSocket for Node.js before version 22, which has none: as much of it as the module uses, over
// TCP.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

export class NetSocket {
  #socket;
  #received = Buffer.alloc(0);
  #isOpen = false;
  /** Called with each message before it is told; what it gives is told instead. */
  filter = (bytes) => bytes;

  constructor(url) {
    const { hostname, port, pathname, host } = new URL(url);
    this.#socket = connect(Number(port), hostname, () => {
      const key = randomBytes(16).toString('base64');
      this.#socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
    this.#socket.on('data', (bytes) => this.#receive(bytes));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.onclose?.({ code: 1006 }));
  }

  get bufferedAmount() {
    return this.#socket.writableLength;
  }

  send(bytes) {
    this.#write(2, Buffer.from(bytes));
  }

  close() {
    if (this.#isOpen) this.#write(8, Buffer.from([3, 232]));
    this.#socket.end();
  }

  #write(opcode, payload) {
    const mask = randomBytes(4);
    const length = payload.length < 126 ? [payload.length] : payload.length < 65_536 ? [126, payload.length >> 8, payload.length & 255] : undefined;
    if (!length) throw new Error('longer than these tests need');
    length[0] |= 128;
    this.#socket.write(Buffer.concat([Buffer.from([128 | opcode, ...length]), mask, payload.map((byte, at) => byte ^ mask[at & 3])]));
  }

  #receive(bytes) {
    this.#received = Buffer.concat([this.#received, bytes]);
    if (!this.#isOpen) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!this.#received.toString('latin1').startsWith('HTTP/1.1 101 ')) return this.#socket.destroy();
      this.#received = this.#received.subarray(end + 4);
      this.#isOpen = true;
      this.onopen?.({});
    }
    for (let frame = this.#take(); frame; frame = this.#take()) {
      // The relay sends nothing in several frames; its pings are for those that are silent longer
      // than a test takes.
      if (frame.opcode === 2) this.onmessage?.({ data: Uint8Array.from(this.filter(frame.payload)).buffer });
      if (frame.opcode === 8) this.#socket.end();
    }
  }

  /** The next frame, if it is there. */
  #take() {
    const all = this.#received;
    if (all.length < 2) return undefined;
    let at = 2;
    let length = all[1];
    if (length === 126) [at, length] = [4, all.length < 4 ? Infinity : all.readUInt16BE(2)];
    else if (length === 127) [at, length] = [10, all.length < 10 ? Infinity : Number(all.readBigUInt64BE(2))];
    if (all.length < at + length) return undefined;
    this.#received = all.subarray(at + length);
    return { opcode: all[0] & 15, payload: all.subarray(at, at + length) };
  }
}
