// crowd.mjs: many plain clients that only count events, and reconnect with their last position.

import WebSocket from 'ws';
import { until } from './wait.mjs';

class Member {
  events = new Map();   // numbers received by event name, in order
  count = 0;
  welcomes = [];

  constructor(port, [user, token]) {
    Object.assign(this, { port, user, token });
  }

  connect() {
    const { token, position, sessionId } = this;
    this.socket = new WebSocket(`ws://127.0.0.1:${this.port}/ws`, { perMessageDeflate: false });
    this.socket.on('open', () => this.socket.send(JSON.stringify({ action: 'auth', data: { token, position, sessionId } })));
    this.socket.on('error', () => {});
    return new Promise((resolve, reject) => {
      this.socket.on('message', (text) => this.#receive(JSON.parse(text), resolve));
      this.socket.on('close', () => reject(new Error(`the connection of user ${this.user} was closed`)));
    });
  }

  #receive({ event, data, position }, welcomed) {
    if (position) this.position = position;
    if (event === 'welcome') {
      this.sessionId = data.sessionId;
      this.welcomes.push(data.recovered);
      welcomed();
    } else if (data?.n) {
      this.count++;
      if (!this.events.has(event)) this.events.set(event, []);
      this.events.get(event).push(data.n);
    }
  }
}

export class Crowd {
  // people: [user, token] of each client.
  constructor(port, people) {
    this.members = people.map((person) => new Member(port, person));
  }

  // Connects all clients, 500 at a time: a listening socket takes no more.
  async connect() {
    const waiting = [...this.members];
    const next = async () => {
      for (let member; (member = waiting.pop());) await member.connect();
    };
    await Promise.all(Array.from({ length: 500 }, next));
  }

  // Waits until every client has received this many numbered events.
  async have(count) {
    await until(`every client has ${count} events`, () => this.members.every((member) => member.count >= count), 120000);
  }

  // Returns a line for each client that was not recovered, or did not receive 1 to the last number of each event in order and once.
  faults(last) {
    const wrong = ({ events, welcomes }) => welcomes.slice(1).includes(false) ||
      Object.entries(last).some(([name, count]) => String(events.get(name)) !== String(Array.from({ length: count }, (_, n) => n + 1)));
    return this.members.filter(wrong).map(({ user, events, welcomes }) => `user ${user}: ${JSON.stringify([...events])}, recovered ${welcomes.slice(1)}`);
  }

  cut() {
    for (const { socket } of this.members) socket.terminate();
  }
}
