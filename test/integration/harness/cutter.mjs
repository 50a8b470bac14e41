// cutter.mjs: a proxy in front of a bridge that breaks each connection after a number of bytes.

import { once } from 'node:events';
import net from 'node:net';

export class Cutter {
  #server;
  #sockets = new Set();
  allowance = Infinity;    // bytes that each new connection may receive from the bridge
  cuts = 0;

  static async open(bridge) {
    const cutter = new Cutter();
    cutter.bridge = bridge;
    cutter.#server = net.createServer((socket) => cutter.#connect(socket)).listen(0, '127.0.0.1');
    await once(cutter.#server, 'listening');
    cutter.port = cutter.#server.address().port;
    return cutter;
  }

  get url() { return `http://127.0.0.1:${this.port}`; }

  #connect(client) {
    const server = net.connect(this.bridge.port, '127.0.0.1');
    let left = this.allowance;
    const end = () => { client.destroy(); server.destroy(); this.#sockets.delete(client); };
    this.#sockets.add(client);
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => {
      client.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left > 0) return;
      this.cuts++;
      client.end();
      server.destroy();
    });
  }

  close() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
