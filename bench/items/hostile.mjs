// hostile.mjs: one hostile user, and the 99th percentile of 200 others on the same bridge.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Bridge, release } from '../../test/integration/harness/bridge.mjs';
import { atExit } from '../../test/integration/harness/cleanup.mjs';
import { PlainClient } from '../../test/integration/harness/plain_client.mjs';
import { Scene } from '../../test/integration/harness/scene.mjs';
import { percentile } from '../lib/statistics.mjs';

export const title = 'One hostile user beside 200 others';
export const method = `200 users of the demo's schema each list their inbox or join a room every two seconds, and hear five events a second;
ten times a second another one connects. One hostile user has eight connections with 200 outstanding calls, or 50 that connect, or
floods its connections; it comes back when it is sent away, and has a bridge with the default limits. The 99th percentiles are measured
without it and then with it, row by row, because the machine's own speed changes meanwhile; a row is the second by the first. With
\`chrt\`, the hostile user has no real time.`;
export const proof = 'All of the 200 stayed connected, and got an answer each time.';

const USERS = 200, MEMBERS = 400, ROOMS = 1000, MISSED = 5000;

// The rows: the names of bench/peers/hostile_user.mjs.
const ROWS = {
  ping: '`ping` in a loop',
  joinMissing: 'joins of rooms that are not there',
  join: 'joins of random rooms',
  inbox: '`inbox:list` of 200',
  grouped: 'the same, grouped',
  typing: `\`typing:start\` to ${MEMBERS} members`,
  presenceList: '`presence:list` of 1,000 users',
  presenceSet: '`presence:set`, back and forth',
  unknown: 'unknown actions with names of 90 kB',
  people: '`people:list`',
  connects: 'connects and leaves',
  inBand: '`CONNECT` and `DISCONNECT` of Socket.IO',
  recovery: 'returns that miss 5,000 events',
  rooms: 'returns with 1,000 rooms',
  send: `\`message:send\` to ${MEMBERS} members`,
  anonymous: 'connections without a token',
  anonymousPings: 'the same, with pings until they are cut',
  failedTokens: 'bad tokens',
  pings: 'pings of WebSockets',
  emptyFrames: 'empty fragments',
  huge: 'messages of 1 MB',
};

const KINDS = ['action', 'join', 'delivery', 'connect'];

const ALONE = `p99 of ${USERS} users without a hostile user`;
const beside = (kind) => `${kind}, p99 beside it by p99 without it`;

// Does not keep events: they are measured as they come.
class Listener extends PlainClient {
  record(event, data) { if (event === 'bench') this.heard?.(Date.now() - data.at); }
}

class World {
  static async open() {
    const world = new World();
    world.scene = await Scene.open({ program: release });
    const { database, conninfo, secret } = world.scene;
    world.ids = (await database.query(`INSERT INTO users (username, display_name)
      SELECT 'user_' || n, 'User ' || n FROM generate_series(1, 1000) AS n RETURNING id::text`)).map(({ id }) => id);
    world.posts = (await database.query(`INSERT INTO posts (user_id, content) SELECT $1, 'x' FROM generate_series(1, $2) RETURNING id::text`,
      [world.ids[0], ROOMS])).map(({ id }) => id);
    await database.query(`INSERT INTO likes (user_id, post_id) SELECT u.id, $1 FROM users AS u`, [world.posts[0]]);
    world.room = `post:${world.posts[0]}`;
    world.bridge = await Bridge.start({ conninfo, secret, program: release, limited: true });
    world.clients = await Promise.all(world.ids.slice(0, USERS).map((id) => world.client(id)));
    await Promise.all(world.clients.map((client) => client.ask('room:join', { room: world.room })));
    world.used = USERS + 60;
    return world;
  }

  async client(id) {
    const client = new Listener(this.bridge, this.scene.token(id));
    await client.open();
    return client;
  }

  // Returns a user whom no limit knows yet, with everything that an attack needs.
  async mallory(kind) {
    const { scene, ids, posts, bridge } = this;
    const id = ids[this.used++];
    const conversation = await scene.conversation(id, ...ids.filter((other) => other !== id).slice(0, MEMBERS - 1));
    const client = await this.client(id);
    if (kind === 'rooms') for (const post of posts) await client.ask('room:join', { room: `post:${post}` });
    if (kind === 'recovery') {
      await scene.database.query("SELECT herald.publish($1, 'missed', '{}') FROM generate_series(1, $2)", [`user:${id}`, MISSED]);
    }
    const { sessionId, position } = client;
    client.close();
    return { port: bridge.port, token: scene.token(id), conversation, posts, sessionId, position };
  }

  async close() {
    for (const client of this.clients) client.close();
    await this.bridge.stop();
    await this.scene.close();
  }
}

// Returns the 99th percentiles of so many seconds. fault: gets each answer that is none.
async function measure(world, seconds, fault) {
  const { clients, room, scene } = world;
  const times = Object.fromEntries(KINDS.map((kind) => [kind, []]));
  const stop = Date.now() + seconds * 1000;
  const timed = async (kind, work) => {
    const began = performance.now();
    const answer = await work().catch((error) => ({ ok: false, error }));
    times[kind].push(performance.now() - began);
    if (answer.ok === false) fault(`${kind}: ${answer.error.code ?? answer.error.message}`);
  };
  const every = async (interval, first, work) => {
    for (let at = Date.now() + first; at < stop; at += interval) {
      await pause(Math.max(0, at - Date.now()));
      await work();
    }
  };
  for (const client of clients) client.heard = (time) => times.delivery.push(time);
  const acts = clients.map((client, n) => every(2000, Math.random() * 2000, () => (n % 2
    ? timed('action', () => client.ask('inbox:list', { max: 5 })) : timed('join', () => client.ask('room:join', { room })))));
  const publishes = every(200, 0, () => scene.database.query("SELECT herald.publish($1, 'bench', jsonb_build_object('at', $2::bigint))", [room, Date.now()]));
  let user = USERS;
  const connects = every(100, 0, () => timed('connect', async () => {
    (await world.client(world.ids[USERS + user++ % 60])).close();
    return {};
  }));
  await Promise.all([...acts, publishes, connects]);
  return Object.fromEntries(KINDS.map((kind) => [kind, percentile(times[kind], 0.99)]));
}

// Starts the hostile user, without real time. Returns the function that ends it.
async function attack(kind, options) {
  const program = fileURLToPath(new URL('../peers/hostile_user.mjs', import.meta.url));
  const child = spawn('chrt', ['--other', '0', process.execPath, program, kind, JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const forget = atExit(() => child.kill('SIGKILL'));
  await once(child, 'message');
  return async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    forget();
  };
}

export async function run(bench) {
  const seconds = bench.size(6, 3);
  bench.measure(ALONE, 'ms');
  for (const kind of KINDS) bench.measure(beside(kind), 'times');
  const world = await World.open();

  await bench.inTurn(Object.entries(ROWS).map(([kind, name]) => ({ kind, name })), async ({ kind, name }) => {
    const options = await world.mallory(kind);
    const alone = await measure(world, seconds, (fault) => bench.fault(fault));
    const end = await attack(kind, options);
    await pause(500);
    const together = await measure(world, seconds, (fault) => bench.fault(fault));
    for (const each of KINDS) {
      bench.add(ALONE, each, alone[each]);
      bench.add(beside(each), name, together[each] / alone[each]);
    }
    await end();
    for (const client of world.clients) if (client.socket.readyState !== 1) bench.fault('a client was cut');
    await pause(1000);
  });
  await world.close();
}
