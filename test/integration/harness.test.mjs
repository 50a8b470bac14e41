// The harness itself: a test file that hangs ends after its time limit, with everything that it started.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { soon, until } from './harness/wait.mjs';

const cleanup = new URL('harness/cleanup.mjs', import.meta.url);

function run(program) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', `import { atExit } from '${cleanup}'; ${program}`], {
    encoding: 'utf8', timeout: 60000, env: { ...process.env, HERALD_FILE_LIMIT: '0.5' } });
  return { status, stdout, stderr };
}

test('ends a hanging file with everything that it started, and prints its open resources', () => {
  const { status, stdout, stderr } = run("atExit(() => console.log('ended')); setInterval(() => {}, 1e6);");
  assert.equal(status, 1);
  assert.equal(stdout, 'ended\n');
  assert.match(stderr, /has not ended after 0.5 s; open resources: .*Timeout/);
});

test('lets a file end before its time limit', () => {
  assert.deepEqual(run("atExit(() => console.log('ended'));"), { status: 0, stdout: 'ended\n', stderr: '' });
});

test('ends waits after their time limit', async () => {
  const never = new Promise(() => {});
  await assert.rejects(soon('a promise', never, 20), /waited 20 ms in vain: a promise/);
  await assert.rejects(until('a probe', () => false, 20), /waited 20 ms in vain: a probe/);
  await assert.rejects(until('a probe that hangs', () => never, 20), /waited 20 ms in vain: a probe that hangs/);
  assert.equal(await until('a probe', () => 'found'), 'found');
});
