// raw_client.mjs: clients on bare sockets that read only as much as a test allows, which no library does.

import net from 'node:net';
import { soon } from './wait.mjs';

const shared = Buffer.alloc(65536);

// Returns a client's WebSocket frame of a text, with a mask of zeros.
function frame(text, opcode = 1) {
  const payload = Buffer.from(text);
  const length = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length, 0, 0, 0, 0]), payload]);
}

// Takes complete WebSocket frames off the front, calls take() with opcode and text of each, and returns the rest.
export function takeFrames(bytes, take) {
  for (;;) {
    const size = bytes[1] & 127;
    const at = size < 126 ? 2 : size === 126 ? 4 : 10;
    if (bytes.length < at) return bytes;
    const end = at + (size < 126 ? size : size === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6));
    if (bytes.length < end) return bytes;
    take(bytes[0] & 15, bytes.toString('utf8', at, end));
    bytes = bytes.subarray(end);
  }
}

export const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';

// Each kind of client has its first request, take() for received bytes, and hear() for one packet.
class Plain {
  constructor(client) { this.client = client; }

  get request() { return `GET /ws HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`; }

  begin() { this.client.say(frame(JSON.stringify({ action: 'auth', data: this.client.credentials }))); }

  take(bytes) {
    return takeFrames(bytes, (opcode, text) => {
      if (opcode === 8) this.client.close();
      else if (opcode === 9) this.client.say(frame(text, 10));
      else if (opcode === 1) this.hear(text);
    });
  }

  leave() { this.client.say(frame('', 8)); }

  hear(text) {
    const { event, data, position } = JSON.parse(text);
    if (event === 'welcome') this.client.welcomed(data.sessionId, data.recovered);
    else if (event === 'error') this.client.refused(text);
    if (event) this.client.record(event, data, position);
  }
}

class SocketIo extends Plain {
  get request() { return `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`; }

  begin() {}

  send(packet) { this.client.say(frame(packet)); }

  leave() { this.send('1'); }

  connect() {
    const { token, sessionId: pid, position: offset } = this.client.credentials;
    this.send(`40${JSON.stringify({ token, pid, offset })}`);
  }

  hear(packet) {
    if (packet[0] === '0') this.connect();
    else if (packet === '2') this.send('3');
    else if (packet.startsWith('40')) {
      const { pid } = JSON.parse(packet.slice(2));
      this.client.welcomed(pid, pid === this.client.credentials.sessionId);
    } else if (packet.startsWith('44')) this.client.refused(packet);
    else if (packet.startsWith('42')) this.client.record(...JSON.parse(packet.slice(2)));
  }
}

// Polls again after it has read a whole answer.
class Polling extends SocketIo {
  get request() { return this.#ask('GET'); }

  #ask(method, body = '') {
    const sid = this.sid ? `&sid=${this.sid}` : '';
    return `${method} /socket.io/?EIO=4&transport=polling${sid} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }

  send(packet) { (this.waiting ??= []).push(packet); }

  take(bytes) {
    const head = bytes.indexOf('\r\n\r\n');
    if (head < 0) return bytes;
    const text = bytes.toString('latin1', 0, head);
    const end = head + 4 + Number(/content-length: (\d+)/i.exec(text)[1]);
    if (bytes.length < end) return bytes;
    if (!text.startsWith('HTTP/1.1 200')) this.client.refused(bytes.toString('utf8', 0, end));
    else this.#hearAll(bytes.toString('utf8', head + 4, end));
    return this.take(bytes.subarray(end));
  }

  #hearAll(body) {
    if (body.startsWith('0')) this.sid = JSON.parse(body.slice(1)).sid;
    for (const packet of body === 'ok' ? [] : body.split('\x1e')) this.hear(packet);
    const packet = this.waiting?.shift();
    this.client.say(packet ? this.#ask('POST', packet) : this.#ask('GET'));
  }
}

class Stream {
  constructor(client) { this.client = client; }

  get request() {
    const { token, position } = this.client.credentials;
    return `GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n${position ? `Last-Event-ID: ${position}\r\n` : ''}\r\n`;
  }

  begin() {}

  take(bytes) {
    const end = bytes.lastIndexOf('\n\n');
    if (end < 0) return bytes;
    for (const block of bytes.toString('utf8', 0, end).split('\n\n')) {
      const [, name] = /^event: (.*)$/m.exec(block) ?? [];
      if (name) this.#hear(name, JSON.parse(/^data: (.*)$/m.exec(block)[1]).data, /^id: (.*)$/m.exec(block)?.[1]);
    }
    return bytes.subarray(end + 2);
  }

  #hear(name, data, position) {
    if (name === 'welcome') this.client.welcomed(data.sessionId, data.recovered);
    this.client.record(name, data, position);
  }
}

export const kinds = { plain: Plain, 'socket.io': SocketIo, polling: Polling, 'event source': Stream };

export class RawClient {
  numbers = [];         // of the numbered events received
  times = [];           // their arrival times
  welcomes = [];        // whether each welcome was recovered
  #rest;
  #inBody;

  // kind: a name of kinds. byByte: read one byte at a time.
  constructor({ port }, kind, token, { byByte = false } = {}) {
    Object.assign(this, { port, kind, token, buffer: byByte ? Buffer.alloc(1) : shared });
  }

  static async connect(...parameters) {
    const client = new RawClient(...parameters);
    await client.connect();
    return client;
  }

  get credentials() {
    const { token, sessionId, position } = this;
    return { token, sessionId, position };
  }

  // Connects for the first time, or again with the last position. Resolves with the welcome.
  connect() {
    this.protocol = new kinds[this.kind](this);
    this.#rest = Buffer.alloc(0);
    this.#inBody = this.kind === 'polling';
    this.bytes = Infinity;        // bytes that it may still read
    this.socket = net.connect({ port: this.port, host: '127.0.0.1', onread: { buffer: this.buffer, callback: (...read) => this.#read(...read) } });
    this.socket.on('error', () => {}).on('connect', () => this.say(this.protocol.request));
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
    const { closed } = this;
    return soon(`the raw ${this.kind} client is welcomed`, new Promise((resolve, reject) => {
      this.resolve = resolve;
      closed.then(() => reject(new Error(`the connection of the raw ${this.kind} client was closed: ${this.answer ?? 'no answer'}`)));
    }), 60000);
  }

  say(bytes) { this.socket.write(bytes); }

  #read(length, buffer) {
    this.bytes -= length;
    this.#rest = Buffer.concat([this.#rest, buffer.subarray(0, length)]);
    if (!this.#inBody) this.#takeHead();
    if (this.#inBody) this.#rest = this.protocol.take(this.#rest);
    return this.bytes > 0;
  }

  #takeHead() {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.head = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + 4);
    this.#inBody = true;
    this.protocol.begin();
  }

  refused(answer) {
    this.answer = answer;
    this.close();
  }

  welcomed(sessionId, recovered) {
    this.sessionId = sessionId;
    this.welcomes.push(recovered);
    this.resolve();
  }

  record(event, data, position) {
    this.position = position ?? this.position;
    if (data?.n === undefined) return;
    this.numbers.push(data.n);
    this.times.push(performance.now());
  }

  // Stops reading until read() is called.
  stop() {
    this.bytes = 0;
    this.socket.pause();
  }

  read(bytes = Infinity) {
    this.bytes = bytes;
    this.socket.resume();
  }

  close() { this.socket.destroy(); }

  // Ends the connection with a RST.
  reset() { this.socket.resetAndDestroy(); }
}
