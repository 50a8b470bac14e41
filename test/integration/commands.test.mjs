// The two commands, make demo and make test, after make install and beside one.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from './harness/bridge.mjs';
import { atExit } from './harness/cleanup.mjs';
import { root } from './harness/postgres.mjs';
import { copyProject } from './harness/stranger.mjs';
import { until } from './harness/wait.mjs';

const PATIENCE = 300000;
const output = (command, ...words) => execFileSync(command, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const script = (name) => path.join(root, 'scripts', name);

function newFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'herald-commands-'));
  chmodSync(folder, 0o755);
  atExit(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// A machine's PostgreSQL, as a copy, into which "make install" has put this extension with its bitcode.
class Machine {
  constructor() {
    this.folder = newFolder();
    this.pgConfig = path.join(output(script('server-tree'), path.join(this.folder, 'server')), 'pg_config');
    this.sources = path.join(this.folder, 'sources');
    for (const part of ['Makefile', 'extension', 'sql']) {
      cpSync(path.join(root, part), path.join(this.sources, part), { recursive: true, filter: (name) => !/\.(o|bc|so)$/.test(name) });
    }
    this.make('install');
  }

  make(...words) { return output('make', '-s', '-C', this.sources, `PG_CONFIG=${this.pgConfig}`, ...words); }

  // The files and folders of the extension that are installed.
  installed() {
    const folders = ['--pkglibdir', '--sharedir'].map((option) => output(this.pgConfig, option));
    return output('find', ...folders, '-name', 'pg_herald*', '-prune').split('\n').map((name) => path.basename(name)).sort();
  }

  // Installs and uninstalls until stopped; returns how to stop it.
  installForEver() {
    return repeat('make -s -C "$1" PG_CONFIG="$2" uninstall install && sleep 0.2', this.sources, this.pgConfig);
  }

  // Makes and removes many files that are named as the extension's.
  comeAndGo() {
    return repeat('touch "$1"/pg_herald_{1..200} && rm "$1"/pg_herald_*', output(this.pgConfig, '--pkglibdir'));
  }
}

// Repeats a shell command until it fails or is stopped. rounds: how often it has run.
function repeat(command, ...words) {
  const child = spawn('bash', ['-c', `while ${command}; do echo; done`, 'bash', ...words], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const running = { rounds: 0 };
  child.stdout.on('data', (lines) => { running.rounds += lines.length; });
  const end = () => process.kill(-child.pid, 'SIGTERM');
  const forget = atExit(end);
  running.stop = async () => {
    forget();
    assert.equal(child.exitCode, null, `${command} goes on`);
    end();
    await once(child, 'close');
  };
  return running;
}

// Runs make demo in a copy of the project until its page answers.
async function runDemo(project, env) {
  const child = spawn('make', ['-s', '-C', project, 'demo'], { env: { ...env, HERALD_DEMO_DIR: newFolder(), HERALD_DEMO_PORT: await freePort() }, detached: true });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (more) => { text += more; });
  const forget = atExit(() => process.kill(-child.pid, 'SIGINT'));
  await until('the demo prints its URLs', () => {
    if (child.exitCode !== null) throw new Error(text);
    return text.includes('Ctrl-C stops');
  }, PATIENCE);
  assert.equal((await fetch(/http:\S+/.exec(text)[0])).status, 200);
  forget();
  process.kill(-child.pid, 'SIGINT');
  await once(child, 'close');
}

// Runs one test of make test in a copy of the project; returns the last line.
function runTest(project, file, env) {
  const { status, stdout, stderr } = spawnSync(path.join(project, 'test/run'), [path.join(project, 'test', file)], { encoding: 'utf8', env });
  assert.equal(status, 0, stdout + stderr);
  return stdout.trim().split('\n').pop();
}

const machine = new Machine();
const env = { ...process.env, PG_CONFIG: machine.pgConfig };

test('installs the extension with its bitcode', () => {
  assert.deepEqual(machine.installed().filter((name) => !/bc$|^pg_herald$/.test(name)), ['pg_herald--1.0.sql', 'pg_herald.control', 'pg_herald.so']);
  const withBitcode = output(machine.pgConfig, '--configure').includes('--with-llvm');
  assert.equal(existsSync(path.join(output(machine.pgConfig, '--pkglibdir'), 'bitcode/pg_herald')), withBitcode);
});

test('scripts/server-tree copies no file of an extension that comes and goes meanwhile', { timeout: PATIENCE }, async () => {
  const tree = path.join(machine.folder, 'private');
  const copy = () => promisify(execFile)(script('server-tree'), [tree], { env });
  await copy();
  const files = machine.comeAndGo();
  for (let round = 0; round < 4; round += 1) await copy();
  await files.stop();
  assert.ok(files.rounds > 4, `${files.rounds} rounds meanwhile`);
  assert.equal(output('find', tree, '-name', 'pg_herald_*'), '');
});

test('make demo and make test work after make install and beside one', { timeout: 2 * PATIENCE }, async () => {
  const project = path.join(newFolder(), 'pg_herald');
  copyProject(project);
  const installing = machine.installForEver();
  await runDemo(project, env);
  const last = runTest(project, 'regress/sql/doorbell.sql', env);
  await installing.stop();
  assert.ok(installing.rounds > 3, `${installing.rounds} installations meanwhile`);
  assert.equal(last, '2 passed, 0 failed, 0 skipped');
});
