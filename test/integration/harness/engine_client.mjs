// engine_client.mjs: speaks Engine.IO request by request, for input that no client library sends.

import { once } from 'node:events';
import WebSocket from 'ws';
import { soon, until } from './wait.mjs';

const SEPARATOR = '\x1e';

export class EngineClient {
  constructor(bridge) { this.bridge = bridge; }

  // Opens a session by polling.
  static async open(bridge) {
    const client = new EngineClient(bridge);
    const { body } = await client.request('GET');
    client.handshake = JSON.parse(body.slice(1));
    client.sid = client.handshake.sid;
    return client;
  }

  // Opens a session and connects it to the main namespace. resume: pid and offset of an earlier session.
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

  // Posts packets that the bridge must accept.
  async say(...packets) {
    const { status, body } = await this.post(...packets);
    if (status !== 200 || body !== 'ok') throw new Error(`the POST was answered ${status} ${body}`);
  }

  heard = [];

  // Polls until a packet matches, and returns it. Answers pings.
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

  // Opens a WebSocket for this session, or a new session if there is none.
  websocket(query, options) {
    const url = this.bridge.url.replace('http', 'ws');
    return new EngineSocket(`${url}${this.query({ transport: 'websocket', ...query })}`, options);
  }

  // Waits until the session has ended.
  async ended() {
    await until('the session has ended', async () => (await this.poll()).status === 400);
  }
}

// A WebSocket that records the packets it receives.
export class EngineSocket {
  heard = [];

  constructor(url, options) {
    this.socket = new WebSocket(url, options);
    this.error = new Promise((resolve) => this.socket.on('error', resolve));
    this.closed = new Promise((resolve) => this.socket.on('close', (code) => resolve(code)));
    this.socket.on('message', (text) => this.heard.push(String(text)));
    this.opened = once(this.socket, 'open').catch(() => {});
  }

  // Sends packets, all of them at once.
  async say(...packets) {
    await soon('the WebSocket opens', this.opened);
    this.socket._socket?.cork();
    for (const packet of packets) this.socket.send(packet);
    this.socket._socket?.uncork();
  }

  hear(match) {
    return until('a packet comes by WebSocket', () => this.heard.find(match));
  }

  // Sends the probe and completes the upgrade.
  async upgrade() {
    await this.say('2probe');
    await this.hear((text) => text === '3probe');
    await this.say('5');
  }

  close() { this.socket.terminate(); }
}
