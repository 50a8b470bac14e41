// socketio_client.mjs: the unmodified socket.io-client, with a journal.

import { io as newest } from 'socket.io-client';
import { Journal } from './journal.mjs';
import { soon } from './wait.mjs';

export class SocketIoClient extends Journal {
  connects = [];        // whether each connection was recovered

  // library: io() of another version. autoUnref: the library never ends a long poll whose answer was lost, which would keep this
  // process alive.
  constructor(bridge, token, { library = newest, namespace = '/', auth = { token }, ...options } = {}) {
    super();
    this.label = `socket.io client of ${namespace}`;
    this.socket = library(bridge.url + namespace, {
      transports: ['websocket'], forceNew: true, autoUnref: true, reconnectionDelay: 20, reconnectionDelayMax: 200, auth, ...options,
    });
    this.socket.onAny((event, ...args) => this.record(event, args[0], { position: args.at(-1) }));
    this.socket.on('connect', () => this.connects.push(this.socket.recovered));
  }

  static async connect(...parameters) {
    const client = new SocketIoClient(...parameters);
    const refused = new Promise((_, reject) => client.socket.once('connect_error', reject));
    const connected = new Promise((resolve) => client.socket.once('connect', resolve));
    await soon('socket.io client connects', Promise.race([connected, refused])).catch((error) => {
      client.close();
      throw error;
    });
    return client;
  }

  // Sends an action and returns the answer: { ok, data } or { ok, error }.
  ask(action, data = {}) {
    return soon(`an answer to ${action}`, new Promise((resolve) => { this.socket.emit(action, data, resolve); }));
  }

  // Breaks the transport as a lost network does; the client reconnects by itself.
  cut() {
    this.socket.io.engine.close();
  }

  close() {
    this.socket.disconnect();
  }
}
