// The commands of README: make demo, again, and demo-clean; make install and uninstall, each part alone.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { freePort } from './harness/bridge.mjs';
import { atExit } from './harness/cleanup.mjs';
import { PlainClient } from './harness/plain_client.mjs';
import { root } from './harness/postgres.mjs';
import { until } from './harness/wait.mjs';

function newFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'herald-setup-'));
  chmodSync(folder, 0o755);
  atExit(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const make = (...words) => execFileSync('make', ['-s', '-C', root, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const files = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name).sort();

class Demo {
  output = '';

  constructor(folder, port, env = {}) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.child = spawn(path.join(root, 'scripts/demo'), { env: { ...process.env, HERALD_DEMO_DIR: folder, HERALD_DEMO_PORT: port, ...env } });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (text) => { this.output += text; });
    this.exited = once(this.child, 'close');
    atExit(() => this.child.kill('SIGINT'));
  }

  async ready() {
    await until('the demo prints its URLs', () => {
      if (this.child.exitCode !== null) throw new Error(this.output);
      return this.output.includes('Ctrl-C stops');
    }, 240000);
    return this;
  }

  token(name) { return new RegExp(`${name}\\s+${this.url}/\\?token=(\\S+)`).exec(this.output)[1]; }

  sql(statement) {
    const [, command] = /^SQL: (.*)$/m.exec(this.output);
    const [program, ...words] = command.split(' ');
    return execFileSync(program, [...words, '-XAtqc', statement], { encoding: 'utf8' }).trim();
  }

  async interrupt() {
    this.child.kill('SIGINT');
    await this.exited;
  }
}

test('make demo prints working URLs, stops with Ctrl-C and keeps its data until demo-clean', { timeout: 600000 }, async () => {
  const folder = newFolder();
  const port = await freePort();
  let demo = await new Demo(folder, port).ready();
  assert.equal((await fetch(`http://127.0.0.1:${port}/socket.io.min.js`)).status, 200);
  assert.equal(demo.sql('SHOW fsync'), 'on');
  const client = await PlainClient.connect(demo, demo.token('ada'));
  const ada = client.welcomes[0].userId;
  demo.sql(`INSERT INTO follows (follower_id, followee_id) SELECT id, ${ada} FROM users WHERE username = 'maria'`);
  const { id } = await client.waitFor('notification:new', ({ type }) => type === 'follow');
  const lock = path.join(folder, 'cluster/data/postmaster.pid');
  assert.ok(existsSync(lock));
  const second = new Demo(folder, await freePort());
  await second.exited;
  assert.match(second.output, /a demo runs in .* already; Ctrl-C ends it, HERALD_DEMO_DIR/);
  const clean = spawnSync(path.join(root, 'scripts/demo'), ['-clean'], { env: { ...process.env, HERALD_DEMO_DIR: folder }, encoding: 'utf8' });
  assert.match(clean.stderr, /a demo runs in .* already; Ctrl-C ends it/);
  assert.equal(demo.sql('SHOW fsync'), 'on', 'the first one still runs');
  await demo.interrupt();
  assert.ok(!existsSync(lock), 'the server has ended');
  await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`), 'the bridge has ended');

  demo = await new Demo(folder, port).ready();
  assert.equal(demo.sql(`SELECT count(*) FROM herald.notification WHERE id = ${id} AND recipient_id = '${ada}'`), '1');
  await demo.interrupt();
  execFileSync(path.join(root, 'scripts/demo'), ['-clean'], { env: { ...process.env, HERALD_DEMO_DIR: folder }, stdio: 'ignore' });
  assert.ok(!existsSync(folder));
});

test('make demo says why it cannot fetch its packages', { timeout: 300000 }, async () => {
  const folder = newFolder();
  const demo = new Demo(folder, await freePort(), { npm_config_registry: 'http://127.0.0.1:1', npm_config_fetch_retries: 0, npm_config_cache: newFolder() });
  await demo.exited;
  assert.match(demo.output, /fetching JavaScript packages\n.*ECONNREFUSED/s);
});

test('make installs and uninstalls the extension', () => {
  const folder = newFolder();
  const destination = [`DESTDIR=${folder}`, 'with_llvm=no'];
  make('install', ...destination);
  assert.deepEqual(files(folder), ['pg_herald--1.0.sql', 'pg_herald.control', 'pg_herald.so']);
  make('uninstall', ...destination);
  assert.deepEqual(files(folder), []);
});

test('make installs and uninstalls the bridge without pg_config', () => {
  const folder = newFolder();
  const destination = [`DESTDIR=${folder}`, 'PG_CONFIG=/nonexistent'];
  make('install-bridge', ...destination);
  assert.deepEqual(files(folder), ['canonical.json', 'gateway.json', 'herald-bridge', 'herald-bridge.8', 'herald-bridge.conf', 'herald-bridge.service',
    'kebab.json', 'namespaces.json', 'snake.json']);
  const bridge = path.join(folder, 'usr/local/bin/herald-bridge');
  const settings = path.join(folder, 'etc/herald/herald-bridge.conf');
  const unit = readFileSync(path.join(folder, 'usr/local/lib/systemd/system/herald-bridge.service'), 'utf8');
  assert.match(unit, /^ExecStart=\/usr\/local\/bin\/herald-bridge --config=\/etc\/herald\/herald-bridge.conf$/m);
  assert.doesNotMatch(unit, /@[A-Z_]+@/);
  assert.match(execFileSync(bridge, [`--config=${settings}`, '--print-config'], { encoding: 'utf8' }), /^jwt-secret-file = \/etc\/herald\/secret$/m);
  appendFileSync(settings, 'log-level = debug\n');
  make('install-bridge', ...destination);
  assert.match(readFileSync(settings, 'utf8'), /debug/, 'an installation keeps the settings of the administrator');
  const secret = path.join(folder, 'secret');
  writeFileSync(secret, 'a secret of more than thirty-two bytes');
  const check = ['--check', '--listen=127.0.0.1:0', '--dialect=snake', '--database=host=/nowhere', `--jwt-secret-file=${secret}`];
  assert.match(spawnSync(bridge, check, { encoding: 'utf8' }).stderr, /cannot connect/, 'the dialect is found');
  rmSync(secret);
  make('uninstall-bridge', ...destination);
  assert.deepEqual(files(folder), ['herald-bridge.conf'], 'the settings stay');
});

test('builds each part without the dependencies of the other', () => {
  assert.doesNotMatch(make('-n', '-B', 'all', 'with_llvm=no'), /websockets|jansson|jwt|luv\b/);
  assert.doesNotMatch(make('-n', '-B', '-C', path.join(root, 'bridge'), 'PG_CONFIG=/nonexistent'), /pg_config|postgresql\/\d+\/server/);
});
