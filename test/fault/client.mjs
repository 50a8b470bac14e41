// client.mjs: a client of any protocol with a habit; records the events and welcomes that it receives.

import { setTimeout as pause } from 'node:timers/promises';
import { EventSourceClient } from '../integration/harness/event_source_client.mjs';
import { PlainClient } from '../integration/harness/plain_client.mjs';
import { Random } from '../integration/harness/random.mjs';
import { SocketIoClient } from '../integration/harness/socketio_client.mjs';
import { keyOf } from './history.mjs';

// make: creates the connection. stall: stops reading, and returns the function that reads on.
const KINDS = {
  plain: {
    make: (bridge, token) => new PlainClient(bridge, token),
    stall: ({ socket }) => { socket.pause(); return () => socket.resume(); },
  },
  eventSource: {
    make: (bridge, token, room) => new EventSourceClient(bridge, token, { rooms: [room] }),
    stall: ({ response }) => { response?.pause(); return () => response?.resume(); },
  },
  socketIo: {
    make: (bridge, token) => new SocketIoClient(bridge, token),
    stall: ({ socket }) => { const { ws } = socket.io.engine.transport; ws?.pause(); return () => ws?.resume(); },
  },
  polling: {
    make: (bridge, token) => new SocketIoClient(bridge, token, { transports: ['polling'] }),
    stall: ({ socket }) => {
      const { transport } = socket.io.engine;
      const paused = new Promise((resolve) => { transport.pause(resolve); });
      return () => paused.then(() => transport.readyState === 'paused' && Object.assign(transport, { readyState: 'open' })._poll());
    },
  },
};
export const kinds = Object.keys(KINDS);
export const everyHabit = ['steady', 'slow', 'dropping', 'hopping'];

// Ephemeral events: no log has them.
const NOT_LOGGED = ['error', 'notification:unread', 'post:viewers', 'room:left', 'user:online', 'user:offline'];

export class Client {
  received = [];     // { at, name, id or key }
  welcomes = [];     // { at, after, recovered }; after: number of events received before
  positions = [];    // { at, after, position }: told by an event of their own
  joins = [];        // times at which the client joined its room
  mark = 0;
  #told = 0;

  constructor(world, number, { kind, habit, user }) {
    Object.assign(this, { world, kind, habit, user, random: new Random(world.seed * 1000 + 500 + number) });
    this.name = `client ${number} (${kind}, ${habit}, user ${user})`;
    this.room = `post:${world.posts[number % world.posts.length]}`;
    this.connection = KINDS[kind].make(world.bridges[number % world.bridges.length], world.token(user), this.room);
    this.connection.record = (event, data, rest) => this.#receive(event, data, rest);
    this.done = Promise.all([this.#live(), this.#isSocketIo || this.#stay()]);
  }

  get #isSocketIo() { return this.connection instanceof SocketIoClient; }

  #receive(name, data, { id, position } = {}) {
    this.#noteWelcomes();
    if (name === 'test:mark') this.mark = data.number;
    if (name === 'herald:position') this.positions.push({ at: Date.now(), after: this.received.length, position });
    else if (!NOT_LOGGED.includes(name)) this.received.push({ at: Date.now(), name, ...(id ? { id } : { key: keyOf(name, data) }) });
  }

  // A welcome counts from the event behind it: a badge follows each welcome at once.
  #noteWelcomes() {
    const told = this.#isSocketIo ? this.connection.connects : this.connection.welcomes.map(({ recovered }) => recovered);
    for (const recovered of told.slice(this.#told)) this.#welcome(recovered);
    this.#told = told.length;
  }

  #welcome(recovered) {
    this.welcomes.push({ at: Date.now(), after: this.received.length, recovered });
    if (!recovered) this.joined = false;
    if (this.kind === 'eventSource') this.#noteJoin();
    else if (!this.joined) this.connection.ask('room:join', { room: this.room }).then(({ ok }) => ok && this.#noteJoin(), () => {});
  }

  #noteJoin() {
    if (!this.joined) this.joins.push(Date.now());
    this.joined = true;
  }

  // Reconnects a client whose library does not, with the position and session that it knows.
  async #stay() {
    while (!this.ended) {
      if (await this.connection.open().then(() => true, () => false)) await this.connection.closed;
      else this.#cut();
      await pause(20 + this.random.below(150));
    }
  }

  async #live() {
    const { habit, world, random } = this;
    while (!this.ended) {
      await pause(50 + random.below(800));
      if (habit === 'steady' || world.calm || this.ended || this.#told === 0) continue;
      if (habit === 'slow') await this.#stall(random.below(1500));
      else {
        if (habit === 'hopping') this.#hop(random.choose(world.bridges));
        this.#cut();
      }
    }
  }

  async #stall(time) {
    if (this.#isSocketIo && !this.connection.socket.connected) return;
    const proceed = KINDS[this.kind].stall(this.connection);
    await pause(time);
    proceed();
  }

  #hop(bridge) {
    if (this.#isSocketIo) this.connection.socket.io.uri = bridge.url;
    this.connection.bridge = bridge;
  }

  // A socket.io-client that is cut off while it connects waits for 20 seconds: it is cut only when it is connected.
  #cut() {
    if (!this.#isSocketIo) this.connection.close();
    else if (this.connection.socket.connected) this.connection.cut();
  }

  // The plain data that the verdict needs.
  get story() {
    const { name, user, habit, room, received, welcomes, positions, joins } = this;
    return { name, user, habit, room, received, welcomes, positions, joins };
  }

  // Forgets everything received; the client stays in its room.
  forget() {
    this.received = [];
    this.welcomes = [];
    this.positions = [];
    this.joins = this.joined ? [0] : [];
  }

  end() {
    this.ended = true;
    this.connection.close();
    return this.done;
  }
}
