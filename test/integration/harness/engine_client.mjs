// engine_client.mjs: Engine.IO by hand, request by request; for what no client library would do.

import { once } from 'node:events';
import WebSocket from 'ws';
import { soon, until } from './wait.mjs';

const SEPARATOR = '\x1e';

export class EngineClient {
  constructor(bridge) { this.bridge = bridge; }

  // A session that was opened by polling.
  static async open(bridge) {
    const client = new EngineClient(bridge);
    const { body } = await client.request('GET');
    client.handshake = JSON.parse(body.slice(1));
    client.sid = client.handshake.sid;
    return client;
  }

  // The same, connected to a namespace by a token; resume: pid and offset of an earlier session.
  static async connect(bridge, token, { resume } = {}) {
    const client = await EngineClient.open(bridge);
    await client.say(`40${JSON.stringify({ token, ...resume })}`);
    const packet = await client.hear((text) => text.startsWith('40'));
    client.pid = JSON.parse(packet.slice(2)).pid;
    await client.hear((text) => text.startsWith('42["notification:unread"'));
    return client;
  }

  query(overrides = {}) {
    const given = Object.entries({ EIO: 4, transport: 'polling', sid: this.sid, ...overrides }).filter(([, value]) => value !== undefined);
    return `/socket.io/?${new URLSearchParams(given)}`;
  }

  async request(method, { query, ...options } = {}) {
    const response = await soon(`an answer to ${method}`, this.bridge.get(this.query(query), { method, ...options }));
    return { status: response.status, headers: response.headers, type: response.headers.get('content-type'), body: await response.text() };
  }

  poll() { return this.request('GET'); }

  post(...packets) { return this.request('POST', { body: packets.join(SEPARATOR) }); }

  // Posts packets that are good.
  async say(...packets) {
    const { status, body } = await this.post(...packets);
    if (status !== 200 || body !== 'ok') throw new Error(`the POST was answered ${status} ${body}`);
  }

  heard = [];

  // Polls until there is such a packet, which is returned; pings are answered.
  hear(match) {
    return until('a packet comes by polling', async () => {
      const found = this.heard.find(match);
      if (found) return found;
      const { status, body } = await this.poll();
      if (status !== 200) throw new Error(`the poll was answered ${status} ${body}`);
      const packets = body.split(SEPARATOR);
      if (packets.includes('2')) await this.say('3');
      this.heard.push(...packets);
      return false;
    });
  }

  // A WebSocket for this session, or a new one where there is none.
  websocket(query, options) {
    const url = this.bridge.url.replace('http', 'ws');
    return new EngineSocket(`${url}${this.query({ transport: 'websocket', ...query })}`, options);
  }

  // Waits until the session is gone.
  async ended() {
    await until('the session is gone', async () => (await this.poll()).status === 400);
  }
}

// A WebSocket that keeps what it hears.
export class EngineSocket {
  heard = [];

  constructor(url, options) {
    this.socket = new WebSocket(url, options);
    this.error = new Promise((resolve) => this.socket.on('error', resolve));
    this.closed = new Promise((resolve) => this.socket.on('close', (code) => resolve(code)));
    this.socket.on('message', (text) => this.heard.push(String(text)));
    this.opened = once(this.socket, 'open').catch(() => {});
  }

  async say(...packets) {
    await soon('the WebSocket opens', this.opened);
    for (const packet of packets) this.socket.send(packet);
  }

  hear(match) {
    return until('a packet comes by WebSocket', () => this.heard.find(match));
  }

  // The probe and the end of the upgrade.
  async upgrade() {
    await this.say('2probe');
    await this.hear((text) => text === '3probe');
    await this.say('5');
  }

  close() { this.socket.terminate(); }
}
