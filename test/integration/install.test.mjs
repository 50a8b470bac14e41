// An installation beside a running server: no INSERT fails for want of the library. A session opens it at its first INSERT into a
// watched table.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { root } from './harness/postgres.mjs';
import { Scene } from './harness/scene.mjs';

const tree = mkdtempSync(path.join(tmpdir(), 'herald-tree-'));
const install = [path.join(root, 'scripts/server-tree'), [tree], { encoding: 'utf8' }];
const bin = execFileSync(...install).trim();
const scene = await Scene.open({ bin });
after(async () => {
  await scene.close();
  rmSync(tree, { recursive: true, force: true });
});

test('lets new sessions write while the library is installed again', { timeout: 120000 }, async (t) => {
  const [ann] = await scene.people('Ann');
  const before = await scene.database.value('SELECT count(*)::int FROM herald.event');
  let installing = true;
  let sessions = 0;
  const writing = (async () => {
    for (; installing; sessions++) {
      const client = await scene.database.connect();
      await client.query('INSERT INTO posts (user_id, content) VALUES ($1, $2)', [ann, 'A post']).finally(() => client.end());
    }
  })();
  const installed = (async () => {
    for (let round = 0; round < 5; round++) await promisify(execFile)(...install);
  })().finally(() => { installing = false; });
  await Promise.allSettled([writing, installed]);
  await Promise.all([writing, installed]);
  assert.ok(await scene.database.value('SELECT count(*)::int FROM herald.event') >= before + sessions);
  t.diagnostic(`${sessions} sessions`);
});
