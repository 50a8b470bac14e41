// NOTIFY's queue is full, on a preloaded server and on another one.

import { refused } from './own_machine.mjs';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import * as fillNotifyQueue from './nemesis/fill_notify_queue.mjs';
import { DISK_FULL } from './sessions.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const options = ['--poll-interval=300ms'];
const disks = { pg_notify: '4M' };

const world = refused ? null : await World.open({ seed, clients: 12, writers: 6, options, scene: { disks } });
after(() => world?.close());

trial(world, {
  ...fillNotifyQueue,
  async heal({ refused: codes }) {
    assert.equal(codes[DISK_FULL], undefined, 'no writer fails');
    await fillNotifyQueue.heal();
  },
}, { skip: refused });

test('refuses writers without a worker until the queue has room', { skip: refused, timeout: 180000 }, async () => {
  const scene = await Scene.open({ preload: false, options, disks });
  after(() => scene.close());
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const makeRoom = await fillNotifyQueue.stuff(scene);
  const written = [];
  const write = () => scene.message(conversation, ben, 'Hello').then((id) => written.push(id));
  await assert.rejects(async () => { for (let n = 0; n < 1000; n++) await write(); }, { code: DISK_FULL });
  await makeRoom();
  await until('writes succeed again', () => write().then(() => true, () => false));
  const clients = await scene.both(ann);
  await until('another write succeeds', () => write().then(() => true, () => false));
  for (const client of clients) await client.waitFor('message:created', ({ messageId }) => messageId === written.at(-1));
  assert.equal(await scene.database.value("SELECT count(*)::int FROM herald.event WHERE name = 'message:created'"), written.length);
});
