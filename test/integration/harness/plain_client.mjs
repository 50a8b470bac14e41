// plain_client.mjs: a WebSocket client of the bridge's own JSON frames, with a journal.

import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { Journal } from './journal.mjs';
import { soon } from './wait.mjs';

export class Refused extends Error {
  constructor({ code, message }) {
    super(message);
    this.code = code;
  }
}

export class PlainClient extends Journal {
  label = 'plain client';
  welcomes = [];
  #answers = new Map();
  #lastId = 0;

  // resume: reconnect automatically with the last position, as a careful front end does. sessionId, position: of an earlier
  // connection. paused: read nothing behind the welcome until the socket is resumed.
  constructor(bridge, token, { resume = false, sessionId, position, headers, query = '', paused = false } = {}) {
    super();
    Object.assign(this, { bridge, token, resume, sessionId, position, headers, query, paused });
  }

  static async connect(...parameters) {
    const client = new this(...parameters);
    await client.open();
    return client;
  }

  open() {
    this.socket = new WebSocket(`${this.bridge.url.replace('http', 'ws')}/ws${this.query}`, { headers: this.headers });
    this.socket.on('open', () => this.#authenticate());
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })));
    const welcomed = new Promise((resolve, reject) => {
      const { socket } = this;
      socket.on('message', (text) => { if (socket === this.socket) this.#receive(JSON.parse(text), resolve, reject); });
      this.closed.then(({ code, reason }) => reject(new Refused({ code, message: reason })));
    });
    return soon('the plain client is welcomed', welcomed.then(() => { this.closed.then(() => this.#reconnect()); }));
  }

  #authenticate() {
    if (this.token === undefined) return;
    const { token, position, sessionId } = this;
    this.send({ action: 'auth', data: { token, position, sessionId } });
  }

  #receive(frame, welcomed, refused) {
    if (frame.position) this.position = frame.position;
    if (frame.event === 'welcome') {
      this.welcomes.push(frame.data);
      this.sessionId = frame.data.sessionId;
      if (this.paused) this.socket.pause();
      welcomed(frame.data);
    } else if (frame.event === 'error') {
      refused(new Refused(frame.data));
      this.record('error', frame.data);
    } else if (frame.event) {
      this.record(frame.event, frame.data, { id: frame.id, room: frame.room, position: frame.position });
    } else {
      this.#answers.get(frame.id)?.(frame);
      this.#answers.delete(frame.id);
    }
  }

  async #reconnect() {
    while (this.resume && !await this.open().then(() => true, () => false)) await pause(5);
  }

  send(frame) {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  // Sends an action and returns the answer: { ok, data } or { ok, error }, within patience milliseconds.
  ask(action, data = {}, patience = undefined) {
    const id = ++this.#lastId;
    const answered = new Promise((resolve) => this.#answers.set(id, resolve));
    this.send({ id, action, data });
    return soon(`an answer to ${action}`, answered, patience);
  }

  close() {
    this.resume = false;
    this.socket.terminate();
  }
}
