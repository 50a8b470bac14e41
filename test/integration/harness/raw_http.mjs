// raw_http.mjs: speaks HTTP byte by byte, which no library does.

import net from 'node:net';
import { soon } from './wait.mjs';

// A connection on which requests are written as they are, and whose responses are taken one by one.
export class RawHttp {
  #rest = Buffer.alloc(0);
  #waiting = [];
  error;

  constructor(port, { localAddress } = {}) {
    this.socket = net.connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true });
    this.socket.on('error', (error) => { this.error = error.code; });
    this.socket.on('data', (bytes) => {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      this.#wake();
    });
    this.ended = new Promise((resolve) => this.socket.on('end', resolve).on('close', resolve));
    this.ended.then(() => { this.over = true; this.#wake(); });
  }

  #wake() { for (const wake of this.#waiting.splice(0)) wake(); }

  write(bytes) { this.socket.write(bytes); }

  // Resolves with the next response: status, headers and body.
  response({ hasBody = true } = {}) {
    return soon('a response arrives', this.#take(hasBody), 30000);
  }

  async #take(hasBody) {
    for (;;) {
      const head = this.#rest.indexOf('\r\n\r\n');
      const lines = head < 0 ? [] : this.#rest.toString('latin1', 0, head).split('\r\n');
      const headers = {};
      for (const line of lines.slice(1)) {
        const [, name, value] = /^([^:]+): ?(.*)$/.exec(line);
        headers[name.toLowerCase()] = name.toLowerCase() in headers ? `${headers[name.toLowerCase()]}, ${value}` : value;
      }
      const status = Number(lines[0]?.split(' ')[1]);
      const announced = !hasBody || status < 200 || status === 304 ? 0 : headers['content-length'];
      const end = announced === undefined ? this.over && this.#rest.length : head + 4 + Number(announced);
      if (head >= 0 && end !== undefined && end !== false && this.#rest.length >= end) {
        const body = this.#rest.subarray(head + 4, end);
        this.#rest = this.#rest.subarray(end);
        return { status, headers, body: body.toString('latin1'), bytes: body };
      }
      if (this.over) throw new Error(`the connection ended (${this.error ?? 'in order'}) with ${JSON.stringify(this.#rest.toString('latin1').slice(0, 200))}`);
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
  }

  close() { this.socket.destroy(); }
}

// Sends one request and resolves with its response. lines: the request line and headers, without "Host".
export async function ask(port, lines, { body = '', hasBody = true, host = 'bridge.example', localAddress } = {}) {
  const client = new RawHttp(port, { localAddress });
  const [first, ...headers] = [lines].flat();
  client.write(Buffer.concat([Buffer.from(`${[first, `Host: ${host}`, ...headers].join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]));
  try {
    return await client.response({ hasBody });
  } finally {
    client.close();
  }
}
