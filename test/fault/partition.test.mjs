// A network that loses packets silently, between bridge and database and between bridge and clients.

import { refused } from './own_machine.mjs';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { Traffic } from '../integration/harness/traffic.mjs';
import { until } from '../integration/harness/wait.mjs';
import { cut, mend } from './nemesis/partition.mjs';

const IMPATIENT = 'tcp_user_timeout=1000 keepalives_idle=1 keepalives_interval=1';

test('a database that cannot be reached', { skip: refused, timeout: 60000 }, async (t) => {
  const scene = await Scene.open({ settings: ['listen_addresses=127.0.0.1'] });
  after(() => scene.close());
  const { postgres, database } = scene;
  const bridge = await scene.addBridge([], `host=127.0.0.1 port=${postgres.port} user=bridge dbname=social ${IMPATIENT}`);
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const clients = [await scene.plain(ann, { bridge }), await scene.socketIo(ann, { bridge }), await scene.plain(ann)];
  const traffic = new Traffic(scene, conversation, ben);
  await traffic.flows(20);
  const backends = () => database.value("SELECT count(*)::int FROM pg_stat_activity WHERE client_addr = '127.0.0.1'");
  const before = await backends();
  let start = Date.now();
  cut(postgres.port);
  await until('not ready', async () => (await bridge.get('/readyz')).status === 503);
  t.diagnostic(`noticed after ${Date.now() - start} ms`);
  t.diagnostic(await (await bridge.get('/readyz')).text());
  await new Promise(r => setTimeout(r, 5000));
  start = Date.now();
  mend();
  await bridge.ready();
  t.diagnostic(`back after ${Date.now() - start} ms`);
  t.diagnostic(`backends ${before} ${await backends()}`);
  await traffic.flows(20);
  const ids = await traffic.stop();
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(client.all('message:created').map(({ data }) => data.messageId), ids);
  t.diagnostic(bridge.log);
});
