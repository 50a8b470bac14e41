// A deployment under load: the extension is updated, its library is replaced, and the bridges are restarted one after the other.

import './own_tree.mjs';
import assert from 'node:assert/strict';
import { copyFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { Traffic } from '../integration/harness/traffic.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, recovered, returns } from './audience.mjs';
import { update, writeUpdate } from './nemesis/update_extension.mjs';

// The longest INSERT that an application may notice during an update: it waits for the locks of one short transaction.
const LONGEST_WAIT = 2000;

const scene = await Scene.open();
after(() => scene.close());
const { database } = scene;
const bridges = [scene.bridge, await scene.addBridge()];
const [ann, ben] = await scene.people('Ann', 'Ben');
const conversation = await scene.conversation(ann, ben);
const clients = [];
for (const bridge of bridges) clients.push(await scene.plain(ann, { bridge, resume: true }), await scene.socketIo(ann, { bridge }));

async function nothingWasMissed(t, fault, writers) {
  for (const writer of writers) await writer.stop();
  const written = (await database.query('SELECT id FROM messages')).map(({ id }) => id).sort((one, other) => one - other);
  await scene.settle(...clients);
  for (const client of clients) assert.deepEqual(heard(client).sort((one, other) => one - other), written, 'once each');
  const longest = Math.max(...writers.map((writer) => writer.longest));
  assert.equal(writers.reduce((sum, { failed }) => sum + failed, 0), 0, 'no INSERT failed');
  assert.ok(longest < LONGEST_WAIT, `an INSERT took ${longest} ms`);
  t.diagnostic(`${line(fault, written, clients)}, longest INSERT ${longest} ms`);
}

const write = () => Array.from({ length: 3 }, () => new Traffic(scene, conversation, ben));
const flow = (writers) => Promise.all(writers.map((writer) => writer.flows(50)));

test('loses nothing during ALTER EXTENSION pg_herald UPDATE', { timeout: 180000 }, async (t) => {
  const version = await writeUpdate(database);
  const writers = write();
  await flow(writers);
  const dump = await database.connect();
  await dump.query('BEGIN; LOCK TABLE herald.event IN ACCESS SHARE MODE');
  assert.equal(await update(database, version), false, 'the update does not wait for a long reader of the log');
  await dump.query('COMMIT');
  await dump.end();
  await flow(writers);
  const began = performance.now();
  assert.equal(await update(database, version), true);
  t.diagnostic(`the update took ${Math.round(performance.now() - began)} ms`);
  await flow(writers);
  await nothingWasMissed(t, 'ALTER EXTENSION UPDATE', writers);
  assert.deepEqual(clients.map(returns), [0, 0, 0, 0]);
  assert.equal(await database.value('SELECT version FROM herald_internal.bridge_hello()'), version);
});

test('loses nothing when the library is replaced and the bridges restart in turn', { timeout: 180000 }, async (t) => {
  const writers = write();
  await flow(writers);
  const library = path.join(await database.value("SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR'"), 'pg_herald.so');
  copyFileSync(library, `${library}.new`);
  renameSync(`${library}.new`, library);
  for (const [number, bridge] of bridges.entries()) {
    const own = clients.slice(2 * number, 2 * number + 2);
    assert.deepEqual(await bridge.end('SIGTERM'), { code: 0, signal: null });
    await flow(writers);
    await bridge.start();
    await until('the clients of the bridge have reconnected', () => own.every((client) => returns(client) === 1));
    await flow(writers);
    assert.ok(own.every(recovered));
  }
  await nothingWasMissed(t, 'new library, bridges restarted', writers);
});
