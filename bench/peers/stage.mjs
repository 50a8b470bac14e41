// stage.mjs: all servers that deliver events, ready to be measured in turn.
//
// A contender has a name, the processes that do its work, the client's part of
// a connection, and the destinations of events for its room, for all clients,
// of likes that its trigger makes into notifications, and of ephemeral events.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Bridge, freePort, release } from '../../test/integration/harness/bridge.mjs';
import { atExit } from '../../test/integration/harness/cleanup.mjs';
import { root } from '../../test/integration/harness/postgres.mjs';
import { sign } from '../../test/integration/harness/token.mjs';
import { cpuOf, start } from '../lib/processes.mjs';
import { Writers } from './writers.mjs';

const SECRET = 'a secret of the benchmarks, long enough for HS256';
const ROOM = 'post:1';
const PAYLOAD = "jsonb_build_object('n', $1::int, 'x', repeat(chr(97 + $1::int % 26), $2::int))";
const LIKE = 'INSERT INTO likes VALUES ($1, 1)';

const PUBLISH = `SELECT herald.publish('${ROOM}', 'bench', ${PAYLOAD})`;
const SIGNAL = `SELECT herald.signal(ARRAY['${ROOM}'], 'bench', (${PAYLOAD})::json)`;
const NOTIFY = `SELECT pg_notify('bench', (${PAYLOAD} || '{"room": "${ROOM}"}')::text)`;
const STORE = `WITH stored AS (INSERT INTO outbox (payload) VALUES (${PAYLOAD} || '{"room": "${ROOM}"}') RETURNING payload)
  SELECT pg_notify('bench', payload::text) FROM stored`;
const BROADCAST = `SELECT herald.broadcast('bench', ${PAYLOAD})`;
const NOTIFY_ALL = `SELECT pg_notify('bench', (${PAYLOAD})::text)`;

// The bridge's plain frame around a payload: the limit sends as many bytes.
const PLAIN_FRAME = {
  head: `{"event":"bench","room":"${ROOM}","data":`,
  tail: ',"id":"1234","position":"1~36b533b4~1a229969410~71d1250~2.392.0.0~4.394.0.0~3"}\n',
};

const PLAIN = { kind: 'plain', path: '/ws' };
const SOCKET_IO = { kind: 'socket.io', path: '/socket.io/?EIO=4&transport=websocket' };
const POLLING = { kind: 'polling', path: '/socket.io/?EIO=4&transport=polling' };
const EVENT_STREAM = { kind: 'event stream', path: '/events' };

// Returns tokens of so many users, from that one on; user 1 is the author of the post that likes are for.
export const tokens = (count, first = 1) => Array.from({ length: count }, (_, index) => sign(SECRET, first + index));

class Contender {
  constructor(name, pids, client, destination, others) { Object.assign(this, { name, pids, client, destination, ...others }); }

  // The CPU time of its processes, in milliseconds.
  get cpu() { return this.pids.reduce((sum, pid) => sum + cpuOf(pid), 0); }

  // That of the process which has the clients' sockets.
  get cpuOfSockets() { return cpuOf(this.pids[0]); }
}

export class Stage {
  contenders = [];
  #ends = [];
  #directory = mkdtempSync(path.join(tmpdir(), 'herald-stage-'));

  // names: of the methods below, in order. options: of the bridge. settings: of the server. program: the bridge.
  static async open(names, { options = [], settings = [], program = release } = {}) {
    const stage = new Stage();
    atExit(() => rmSync(stage.#directory, { recursive: true, force: true }));
    stage.writers = await Writers.open({ settings });
    [, stage.hand, stage.watched] = stage.writers.all.map(({ database }) => database);
    stage.bridge = await Bridge.start({ conninfo: stage.watched.conninfo('bridge'), secret: SECRET, program,
      options: ['--max-connections=50000', ...options] });
    for (const name of names) stage.contenders.push(...await stage[name]());
    return stage;
  }

  // Starts a program that listens on a port.
  async #server(command, port, options, environment) {
    const server = await start(command, options, { port, environment });
    this.#ends.push(server.stop);
    return server.pid;
  }

  #herald(kinds) {
    const { port, pid } = this.bridge;
    const to = (statement) => ({ conninfo: this.watched.conninfo('postgres'), statement });
    return Object.entries(kinds).map(([name, client]) => new Contender(`pg_herald, ${name}`, [pid, this.writers.pid],
      { ...client, port, room: ROOM }, to(PUBLISH), { like: to(LIKE), all: to(BROADCAST), signal: to(SIGNAL) }));
  }

  herald() { return this.#herald({ plain: PLAIN, 'Socket.IO': SOCKET_IO }); }

  heraldHttp() { return this.#herald({ polling: POLLING, 'event stream': EVENT_STREAM }); }

  libpq() {
    const conninfo = this.hand.conninfo('postgres');
    return [new Contender('libpq', [this.writers.pid], { kind: 'libpq', listen: conninfo },
      { conninfo, statement: NOTIFY }, { like: { conninfo, statement: LIKE } })];
  }

  // The same listener, of events that the publisher stores in the same transaction, as a herald.publish() does.
  libpqStored() {
    const conninfo = this.hand.conninfo('postgres');
    return [new Contender('libpq, stored', [this.writers.pid], { kind: 'libpq', listen: conninfo }, { conninfo, statement: STORE })];
  }

  async #node(kinds, publish = NOTIFY) {
    const port = await freePort();
    const server = path.join(root, 'bench/peers/node_bridge_server.mjs');
    const pid = await this.#server(process.execPath, port, [server, port, JSON.stringify(this.hand.address('postgres'))], { SECRET });
    const to = (statement) => ({ conninfo: this.hand.conninfo('postgres'), statement });
    return Object.entries(kinds).map(([name, client]) => new Contender(`Node, ${name}`, [pid, this.writers.pid],
      { ...client, port, room: ROOM }, to(publish), publish === NOTIFY && { like: to(LIKE), all: to(NOTIFY_ALL) }));
  }

  node() { return this.#node({ 'Socket.IO': SOCKET_IO }); }

  nodeStored() { return this.#node({ 'Socket.IO, stored': SOCKET_IO }, STORE); }

  nodePolling() { return this.#node({ polling: POLLING }); }

  async nchan() {
    const port = await freePort();
    const configuration = path.join(this.#directory, 'nginx.conf');
    writeFileSync(configuration, `load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off; master_process off; worker_rlimit_nofile 60000; error_log stderr crit; pid ${this.#directory}/nginx.pid;
events { worker_connections 50000; }
http {
  access_log off; client_body_temp_path ${this.#directory}; keepalive_requests 10000000;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /sub { nchan_subscriber websocket; nchan_channel_id bench; nchan_subscriber_first_message newest; }
    location = /pub { nchan_publisher http; nchan_channel_id bench; nchan_message_buffer_length 1000; }
  }
}
`);
    const pid = await this.#server('/usr/sbin/nginx', port, ['-c', configuration, '-p', this.#directory]);
    const head = 'POST /pub HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n';
    return [new Contender('Nchan', [pid], { kind: 'websocket', path: '/sub', port }, { port, head, tail: '', responds: true })];
  }

  async nats() {
    const port = await freePort();
    const pid = await this.#server('/usr/sbin/nats-server', port, ['-a', '127.0.0.1', '-p', port]);
    return [new Contender('NATS', [pid], { kind: 'nats', port },
      { port, hello: 'CONNECT {"verbose":false}\r\n', head: 'PUB bench %zu\r\n', tail: '\r\n' })];
  }

  async epoll() {
    const port = await freePort();
    const pid = await this.#server(path.join(root, 'build/bench/epoll'), port, [port]);
    return [new Contender('bare epoll', [pid], { kind: 'websocket', path: '/', port }, { port, hello: 'PUB\n', ...PLAIN_FRAME })];
  }

  async close() {
    for (const end of this.#ends) await end();
    await this.bridge.stop();
    await this.writers.close();
  }
}
