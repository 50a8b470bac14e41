// NOTIFY fails, because somebody who listens stays in a transaction and the queue finds no room any more: on its disk here,
// which takes a moment; its own limit, 8 GB before PostgreSQL 17, stops the same statement in the same place.

import { refused } from './own_machine.mjs';
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import { ready } from './sessions.mjs';
import { SmallDisk } from './small_disk.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const DISK_FULL = '53100';
const options = ['--poll-interval=300ms'];

async function queueOnSmallDisk(postgres) {
  await postgres.stop();
  const disk = new SmallDisk(path.join(postgres.directory, 'data/pg_notify'), '4M');
  await postgres.start();
  return disk;
}

// Returns what makes room again.
async function stuff(disk, database) {
  const listener = await database.connect();
  await listener.query('LISTEN elsewhere');
  await listener.query('BEGIN');
  await listener.query('SELECT');
  disk.fill();
  const refuses = (statement) => () => database.query(statement).then(() => false, ({ code }) => code === DISK_FULL);
  await until('there is no room', refuses("SELECT pg_notify('anything', rpad(n::text, 7900, '-')) FROM generate_series(1, 20) AS n"));
  await until('nor in the last page', refuses("SELECT pg_notify('anything', n::text) FROM generate_series(1, 200) AS n"));
  return async () => {
    disk.free();
    await listener.end();
  };
}

const workerOf = (database) => database.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_herald worker'");

const world = refused ? null : await World.open({ seed, clients: 12, writers: 6, options });
after(() => world?.close());
const disk = await (world && queueOnSmallDisk(world.postgres));
await (world && ready(world));
let makeRoom;
let worker;

trial(world, {
  name: 'NOTIFY fails',
  async strike({ postgres, database }) {
    worker = await workerOf(database);
    makeRoom = await stuff(disk, database);
    await until('the worker cannot ring', () => new RegExp(`\\[${worker}\\] ERROR: .*\n.*DETAIL: .*pg_notify.*No space left`).test(postgres.log()));
  },
  async heal({ database, refused: codes }) {
    assert.equal(codes[DISK_FULL], undefined, 'no writer is refused');
    assert.equal(await workerOf(database), worker, 'the worker serves on');
    await makeRoom();
    await ready(world);
  },
}, { skip: refused });

test('without a worker writers are refused meanwhile, and go on afterwards', { skip: refused, timeout: 60000 }, async () => {
  const scene = await Scene.open({ preload: false, options });
  after(() => scene.close());
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const room = await stuff(await queueOnSmallDisk(scene.postgres), scene.database);
  const written = [];
  const write = () => scene.message(conversation, ben, 'Hello').then((id) => written.push(id));
  await assert.rejects(async () => { for (let n = 0; n < 1000; n++) await write(); }, { code: DISK_FULL });
  await room();
  await until('they are accepted again', () => write().then(() => true, () => false));
  const clients = await scene.both(ann);
  await until('another is accepted', () => write().then(() => true, () => false));
  for (const client of clients) await client.waitFor('message:created', ({ messageId }) => messageId === written.at(-1));
  assert.equal(await scene.database.value("SELECT count(*)::int FROM herald.event WHERE name = 'message:created'"), written.length);
});
