// event_source_client.mjs: an EventSource as the HTML standard defines it, with a journal.

import http from 'node:http';
import https from 'node:https';
import { Journal } from './journal.mjs';
import { Refused } from './plain_client.mjs';
import { soon } from './wait.mjs';

export class EventSourceClient extends Journal {
  label = 'event source';
  welcomes = [];
  comments = 0;
  retries = [];         // reconnection times that the bridge sent, in milliseconds

  // rooms: rooms in the URL. resume: reconnect automatically, as a browser does. retry: wait this long instead of the bridge's time.
  constructor(bridge, token, { rooms = [], resume = false, retry, lastEventId = '', query = '', headers = {} } = {}) {
    super();
    Object.assign(this, { bridge, token, rooms, resume, retry, lastEventId, query, headers });
  }

  static async connect(...parameters) {
    const client = new EventSourceClient(...parameters);
    await client.open();
    return client;
  }

  get url() {
    return `${this.bridge.url}/events?${new URLSearchParams(this.rooms.map((room) => ['room', room]))}${this.query}`;
  }

  // Connects; resolves with the welcome.
  open() {
    const headers = { accept: 'text/event-stream', ...this.headers };
    if (this.token !== undefined) headers.authorization = `Bearer ${this.token}`;
    if (this.lastEventId !== '') headers['last-event-id'] = this.lastEventId;
    this.request = (this.url.startsWith('https') ? https : http).get(this.url, { headers, agent: false });
    const welcomed = new Promise((resolve, reject) => {
      this.request.on('response', (response) => this.#answered(response, resolve, reject));
      this.request.on('error', reject);
    });
    return soon('the event source is welcomed', welcomed.then((welcome) => {
      this.closed.then(() => this.#reconnect());
      return welcome;
    }));
  }

  #answered(response, welcomed, refused) {
    this.response = response.setEncoding('utf8');
    let text = '';
    if (response.statusCode === 200) response.on('data', (piece) => { text = this.#read(text + piece, welcomed); });
    else {
      response.on('data', (piece) => { text += piece; });
      response.on('end', () => refused(Object.assign(new Refused(JSON.parse(text)), { status: response.statusCode })));
      return;
    }
    this.closed = new Promise((resolve) => response.on('close', resolve).on('error', () => {}));
    this.closed.then(() => refused(new Error('the stream ended before its welcome')));
  }

  // Dispatches complete events and returns the rest.
  #read(text, welcomed) {
    const blocks = text.split('\n\n');
    for (const block of blocks.slice(0, -1)) this.#dispatch(block.split('\n'), welcomed);
    return blocks.at(-1);
  }

  #dispatch(lines, welcomed) {
    const fields = { data: [] };
    for (const line of lines) {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (name === '') this.comments++;
      else if (name === 'data') fields.data.push(value);
      else fields[name] = value;
    }
    if (fields.retry) this.retries.push(Number(fields.retry));
    if (fields.id !== undefined) this.lastEventId = fields.id;
    if (fields.data.length > 0) this.#take(fields, JSON.parse(fields.data.join('\n')), welcomed);
  }

  #take({ id, event }, frame, welcomed) {
    if (event === 'welcome') this.welcomes.push(frame.data);
    if (event === 'welcome') welcomed(frame.data);
    else this.record(event, frame.data, { frame, lastEventId: id, id: frame.id, room: frame.room, position: frame.position });
  }

  async #reconnect() {
    while (this.resume) {
      await new Promise((resolve) => setTimeout(resolve, this.retry ?? this.retries.at(-1) ?? 3000));
      if (this.resume && await this.open().then(() => true, () => false)) return;
    }
  }

  // Breaks the connection as a lost network does.
  cut() {
    this.request.destroy();
  }

  close() {
    this.resume = false;
    this.cut();
  }
}
