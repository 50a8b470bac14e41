// The harness itself: a test file that hangs or leaves something open ends, with everything that it started.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { root } from './harness/postgres.mjs';
import { soon, until } from './harness/wait.mjs';

const harness = path.join(root, 'test/integration/harness');
const folder = mkdtempSync(path.join(tmpdir(), 'files-'));
after(() => rmSync(folder, { recursive: true }));

const write = (name, text) => {
  const file = path.join(folder, `${name}.test.mjs`);
  writeFileSync(file, `import { test } from 'node:test';\n${text}`);
  return file;
};

// Runs test files, one at a time. Returns the exit status and the output.
const runFiles = (environment, ...files) => run(environment, '1', ...files);

async function run(environment, ...args) {
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const child = spawn(path.join(root, 'test/files'), args, { env: { ...env, ...environment } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { output += text; });
  const [status] = await soon('the runner ends', once(child, 'close'), 240000);
  return { status, output };
}

const ended = (pid) => until('the process ends', () => !existsSync(`/proc/${pid}`));

test('ends a file that hangs, with its servers and processes, and goes on', async () => {
  // A thread that waits cannot handle SIGTERM.
  const marker = path.join(folder, 'marker');
  const hanging = write('hanging', `
    import { execFileSync, spawn } from 'node:child_process';
    import { renameSync, writeFileSync } from 'node:fs';
    import { Postgres } from '${harness}/postgres.mjs';
    const server = await Postgres.create();
    const postmaster = await server.database('postgres').value("SELECT pg_read_file('postmaster.pid')");
    const group = execFileSync('ps', ['-o', 'pgid=', '-p', process.pid], { encoding: 'utf8' });
    writeFileSync('${marker}.new', [group, parseInt(postmaster), spawn('sleep', ['1000']).pid].join(' '));
    renameSync('${marker}.new', '${marker}');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`);
  const good = write('good', "test('is good', () => {});");
  const running = runFiles({ HERALD_FILE_LIMIT: '300' }, hanging, good);
  await until('the file hangs', () => existsSync(marker), 120000);
  const [group, ...started] = readFileSync(marker, 'utf8').trim().split(/\s+/).map(Number);
  process.kill(group, 'SIGALRM');    // the time is up
  const { status, output } = await running;
  assert.equal(status, 1);
  assert.match(output, /hanging\.test\.mjs has not ended after 300 s\nℹ fail 1\n/);
  await Promise.all(started.map(ended));
  assert.match(output, /good\.test\.mjs \(\d+ s\)[^]*ℹ pass 1\n/);
});

test('ends a file that goes on after its last test, and prints its open resources', async () => {
  const open = write('open', `
    import { atExit } from '${harness}/cleanup.mjs';
    atExit(() => console.log('cleaned up'));
    test('leaves a timer', () => { setInterval(() => {}, 1e6); });
    test('is good', () => {});`);
  const { status, output } = await runFiles({ HERALD_GRACE: '100' }, open);
  assert.equal(status, 1);
  assert.match(output, /still running after its last test; open resources: .*Timeout/);
  assert.match(output, /cleaned up/);
  assert.match(output, /ℹ pass 2\n/);
});

test('lets a file end before its time limit', async () => {
  const closing = write('closing', `
    import { after } from 'node:test';
    import { atExit } from '${harness}/cleanup.mjs';
    const timer = setInterval(() => {}, 1e6);
    after(() => clearInterval(timer));
    atExit(() => console.log('cleaned up'));
    test('is good', () => {});`);
  const { status, output } = await runFiles({}, closing);
  assert.equal(status, 0, output);
  assert.match(output, /cleaned up/);
});

test('--again: passes a file that passes in its second run, and says so', async () => {
  const seen = path.join(folder, 'seen');
  const unsteady = write('unsteady', `
    import { existsSync, writeFileSync } from 'node:fs';
    const second = existsSync('${seen}');
    writeFileSync('${seen}', '');
    test('passes in a second run', () => { if (!second) throw new Error('the first'); });`);
  const bad = write('bad', "test('is bad', () => { throw new Error('again'); });");
  const good = write('good', "test('is good', () => {});");
  const one = await run({}, '--again', '2', good, unsteady);
  assert.equal(one.status, 0, one.output);
  assert.match(one.output, /^first run \| ℹ fail 1$/m);
  assert.match(one.output, /^passed in a second run: .*unsteady\.test\.mjs$/m);
  assert.deepEqual(one.output.match(/^ℹ (pass|fail) \d+$/gm), ['ℹ pass 1', 'ℹ fail 0', 'ℹ pass 1', 'ℹ fail 0']);
  const two = await run({}, '--again', '1', good, bad);
  assert.equal(two.status, 1);
  assert.doesNotMatch(two.output, /passed in a second run/);
  assert.deepEqual(two.output.match(/^ℹ fail \d+$/gm), ['ℹ fail 0', 'ℹ fail 1']);
});

test('--again: runs no file a second time where more than three fail', async () => {
  const bad = [1, 2, 3, 4].map((n) => write(`bad${n}`, "test('is bad', () => { throw new Error('no'); });"));
  const { status, output } = await run({}, '--again', '2', ...bad);
  assert.equal(status, 1);
  assert.doesNotMatch(output, /first run/);
  assert.equal(output.match(/^ℹ fail 1$/gm).length, 4);
});

test('ends waits after their time limit', async () => {
  const never = new Promise(() => {});
  await assert.rejects(soon('a promise', never, 20), /waited 20 ms in vain: a promise/);
  await assert.rejects(until('a probe', () => false, 20), /waited 20 ms in vain: a probe/);
  await assert.rejects(until('a probe that hangs', () => never, 20), /waited 20 ms in vain: a probe that hangs/);
  assert.equal(await until('a probe', () => 'found'), 'found');
});

test('refuses a second run of the tests in the same place', () => {
  const place = path.join(folder, 'place');
  for (const file of ['test/run', 'scripts/lib.sh']) cpSync(path.join(root, file), path.join(place, file));
  const logs = path.join(place, 'build/test');
  mkdirSync(logs, { recursive: true });
  writeFileSync(path.join(logs, 'lint.log'), 'of the first run');
  const { status, stderr } = spawnSync('flock', [logs, path.join(place, 'test/run'), 'lint'], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /test\/run: another run of these tests is going on, and uses .*build\/test\n/);
  assert.ok(existsSync(path.join(logs, 'lint.log')));
});
