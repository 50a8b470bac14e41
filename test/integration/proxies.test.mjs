// Real proxies in front of two bridges serve all kinds of clients, with the configurations of examples/proxies.

import assert from 'node:assert/strict';
import https from 'node:https';
import { after, test } from 'node:test';
import { io } from 'socket.io-client';
import WebSocket from 'ws';
import { Proxy } from './harness/proxy.mjs';
import { ask } from './harness/raw_http.mjs';
import { Scene } from './harness/scene.mjs';
import { soon, until } from './harness/wait.mjs';

const options = ['--log-level=debug', '--trusted-proxy=127.0.0.1', '--max-payload=100kB'];
const scene = await Scene.open({ options });
after(() => scene.close());
const bridges = [scene.bridge, await scene.addBridge(options)];
const ports = bridges.map(({ port }) => port);
const [ann] = await scene.people('Ann');
const token = scene.token(ann);

// The address of a client that is no proxy.
const localAddress = '127.0.0.2';
const host = 'app.example.com';
const insecure = { rejectUnauthorized: false, localAddress, servername: host };
const agent = new https.Agent(insecure);

// Sends a request and resolves with its status, headers and body.
function request(proxy, path, { method = 'GET', headers = {}, body } = {}) {
  return soon(`${method} ${path}`, new Promise((resolve, reject) => {
    const sent = https.request({ host: '127.0.0.1', port: proxy.port, path, method, headers: { host, ...headers }, agent }, (response) => {
      let text = '';
      response.on('data', (piece) => { text += piece; }).on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text })).on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  }));
}

const logs = () => bridges.map(({ log }) => log).join('');

// Connects a client of Socket.IO, and resolves once it is connected.
async function connect(proxy, settings = {}) {
  const socket = io(`https://127.0.0.1:${proxy.port}`, { forceNew: true, auth: { token }, agent, extraHeaders: { host }, ...settings });
  socket.heard = [];
  socket.ends = [];
  socket.on('test:news', ({ n }) => socket.heard.push(n)).on('disconnect', (reason) => socket.ends.push(reason));
  await soon('it connects', new Promise((resolve, reject) => socket.on('connect', resolve).on('connect_error', reject)));
  return socket;
}

let number = 0;
async function publish() {
  await scene.database.query('SELECT herald.publish($1, $2, $3)', [`user:${ann}`, 'test:news', { n: ++number }]);
  return number;
}

const hears = (client, n) => until(`it hears ${n}`, () => client.heard.includes(n));

async function openWebSocket(proxy) {
  const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/ws?token=${token}`, { agent, headers: { host } });
  socket.heard = [];
  await soon('the WebSocket is welcomed', new Promise((resolve, reject) => {
    socket.on('error', reject).on('message', (text) => {
      const { event, data } = JSON.parse(text);
      if (event === 'welcome') resolve();
      socket.heard.push(data?.n);
    });
  }));
  return socket;
}

async function openStream(proxy) {
  const stream = { heard: [] };
  await soon('the stream is welcomed', new Promise((resolve, reject) => {
    stream.request = https.get({ host: '127.0.0.1', port: proxy.port, path: `/events?token=${token}`, headers: { host }, agent }, (response) => {
      response.on('error', () => {}).on('data', (text) => {
        if (String(text).includes('event: welcome')) resolve();
        for (const [, n] of String(text).matchAll(/"n":\s*(\d+)/g)) stream.heard.push(Number(n));
      });
    });
    stream.request.on('error', reject);
  }));
  stream.close = () => stream.request.destroy();
  return stream;
}

for (const name of ['nginx', 'haproxy', 'caddy']) {
  test(`${name} serves clients of all kinds`, { skip: Proxy.missing(name) }, async (context) => {
    const proxy = await Proxy.start(name, ports);
    context.after(() => proxy.stop());
    await until('a bridge is reached', async () => (await request(proxy, '/socket.io/?EIO=4&transport=polling').catch(() => ({}))).status === 200);

    await context.test('Socket.IO by polling, by WebSocket and with default options, WebSockets and event streams', async () => {
      const before = logs().length;
      const sockets = await Promise.all([{ transports: ['polling'] }, { transports: ['websocket'] }, {}].map((settings) => connect(proxy, settings)));
      const others = [await openWebSocket(proxy), await openStream(proxy)];
      await until('the upgrade is done', () => sockets[2].io.engine.transport.name === 'websocket');
      for (let n = 0; n < 3; n++) {
        const sent = await publish();
        await Promise.all([...sockets, ...others].map((client) => hears(client, sent)));
      }
      assert.deepEqual(sockets.map(({ ends }) => ends), [[], [], []]);
      await until('their address is logged', () => logs().length > before && logs().includes(`event=connected peer=${localAddress}`));
      for (const socket of sockets) socket.disconnect();
      for (const client of others) client.close();
    });

    await context.test('the address of a client cannot be forged', async () => {
      const headers = { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=6.6.6.6' };
      assert.equal((await request(proxy, '/socket.io/?EIO=4&transport=polling', { headers })).status, 200);
      assert.ok(!logs().includes('6.6.6.6'));
    });

    await context.test('refused messages reach their senders, and disturb nobody', async () => {
      const bystanders = await Promise.all(Array.from({ length: 4 }, () => connect(proxy, { transports: ['polling'] })));
      const body = `4${'x'.repeat(300000)}`;
      for (let n = 0; n < 20; n++) {
        assert.equal((await request(proxy, '/socket.io/?EIO=4&transport=polling&sid=gone', { method: 'POST', body })).status, 400);
      }
      const { sid } = JSON.parse((await request(proxy, '/socket.io/?EIO=4&transport=polling')).body.slice(1));
      const { status, body: reason } = await request(proxy, `/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: 'POST', body });
      assert.deepEqual([status, JSON.parse(reason).message], [413, 'Payload too large']);
      const sent = await publish();
      await Promise.all(bystanders.map((client) => hears(client, sent)));
      assert.deepEqual(bystanders.map(({ ends }) => ends), [[], [], [], []]);
      for (const socket of bystanders) socket.disconnect();
    });

    await context.test('the paths of the administrator are hidden', async () => {
      for (const path of ['/metrics', '/status', '/readyz']) assert.equal((await request(proxy, path)).status, 404, path);
    });
  });
}

for (const version of ['send-proxy', 'send-proxy-v2']) {
  test(`HAProxy tells the address of a client by ${version}`, { skip: Proxy.missing('haproxy') }, async (context) => {
    const text = `defaults\n\tmode tcp\n\ttimeout connect 5s\n\ttimeout client 90s\n\ttimeout server 90s\n
listen bridge\n\tbind 127.0.0.1:443\n\tserver one 127.0.0.1:8080 ${version}\n`;
    const proxy = await Proxy.start('haproxy', ports, text);
    context.after(() => proxy.stop());
    const before = bridges[0].log.length;
    const { status } = await ask(proxy.port, 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1', { localAddress: '127.0.0.3' });
    assert.equal(status, 200);
    await until('its address is logged', () => bridges[0].log.slice(before).includes('event=connected peer=127.0.0.3'));
  });
}
