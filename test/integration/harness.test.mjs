// The tests' own harness: a test file that does not come to an end is ended, with all that it started.

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

test('a file that hangs ends with all that it started, and says what it waits for', () => {
  const { status, stdout, stderr } = run("atExit(() => console.log('ended')); setInterval(() => {}, 1e6);");
  assert.equal(status, 1);
  assert.equal(stdout, 'ended\n');
  assert.match(stderr, /has not ended after 0.5 s; what it waits for: .*Timeout/);
});

test('a file that does not hang does not wait for its limit', () => {
  assert.deepEqual(run("atExit(() => console.log('ended'));"), { status: 0, stdout: 'ended\n', stderr: '' });
});

test('what never comes is waited for in vain', async () => {
  const never = new Promise(() => {});
  await assert.rejects(soon('a promise', never, 20), /waited 20 ms in vain: a promise/);
  await assert.rejects(until('a probe', () => false, 20), /waited 20 ms in vain: a probe/);
  await assert.rejects(until('a probe that hangs', () => never, 20), /waited 20 ms in vain: a probe that hangs/);
  assert.equal(await until('a probe', () => 'found'), 'found');
});
