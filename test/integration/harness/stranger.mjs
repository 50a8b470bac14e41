// stranger.mjs: an ordinary user of the machine with a fresh clone of the project, with sudo or without.
//
// The user exists for the processes that this module starts only: they have their own /etc/passwd and /etc/sudoers.d, by mounts
// in a namespace of the kernel. That needs root, or sudo without a password.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atExit } from './cleanup.mjs';
import { root } from './postgres.mjs';
import { until } from './wait.mjs';

const NAME = 'stranger';
const ID = '61234';
const sudo = process.getuid() === 0 ? [] : ['sudo', '-n', '--'];

const asRoot = (...words) => execFileSync([...sudo, ...words][0], [...sudo, ...words].slice(1), { encoding: 'utf8' });

function explain() {
  const [command, ...rest] = [...sudo, 'unshare', '--mount', 'true'];
  const { status, error, stderr } = spawnSync(command, rest, { encoding: 'utf8' });
  return status === 0 ? false : `no user of its own here: ${(error?.message ?? stderr).trim()}`;
}

// Why a test that needs this must be skipped; false: it need not.
export const refused = explain();

// Mounts $1/passwd and $1/sudoers.d, and goes on as the user, in the clone. The rest of the words are the command.
const BECOME = `set -e
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/sudoers.d" /etc/sudoers.d
home=$1; shift
cd "$home/pg_herald"
exec setpriv --reuid ${ID} --regid ${ID} --clear-groups --pdeathsig TERM -- env HOME="$home" USER=${NAME} LOGNAME=${NAME} "$@"`;

// Puts a copy of the project into a folder, with the bridges that are built: only the time of a test would be lost.
export function copyProject(folder) {
  const copy = '(git ls-files -z --cached --others --exclude-standard; find bridge/build -type f -print0) | xargs -0 cp -a --parents -t "$1"';
  mkdirSync(folder);
  execFileSync('bash', ['-c', copy, 'bash', folder], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
}

export class Stranger {
  constructor({ mayUseSudo }) {
    this.home = mkdtempSync(path.join(tmpdir(), 's-'));
    atExit(() => asRoot('rm', '-rf', this.home));
    chmodSync(this.home, 0o755);
    this.clone = path.join(this.home, 'pg_herald');
    copyProject(this.clone);
    mkdirSync(path.join(this.home, 'sudoers.d'));
    mkdirSync(path.join(this.home, 'tmp'));
    writeFileSync(path.join(this.home, 'passwd'), `${readFileSync('/etc/passwd', 'utf8')}${NAME}:*:${ID}:${ID}::${this.home}:/bin/bash\n`);
    if (mayUseSudo) writeFileSync(path.join(this.home, 'sudoers.d', NAME), `${NAME} ALL=(ALL:ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
    asRoot('chown', '-R', `${ID}:${ID}`, this.home);
    asRoot('chown', '-R', '0:0', path.join(this.home, 'sudoers.d'));
  }

  // Starts a command in the clone, with more variables of the environment.
  start(words, variables = {}) {
    const settings = { TMPDIR: path.join(this.home, 'tmp'), ...variables };
    const [command, ...rest] = [...sudo, 'unshare', '--mount', '--propagation', 'private', 'sh', '-c', BECOME, 'sh', this.home,
      ...Object.entries(settings).map(([name, value]) => `${name}=${value}`), ...words];
    const { HERALD_SERVER_TREE, HERALD_BRIDGE, NODE_TEST_CONTEXT, ...env } = process.env;
    const child = spawn(command, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const running = { child, output: '', exited: once(child, 'close') };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { running.output += text; });
    atExit(() => child.kill('SIGTERM'));
    return running;
  }

  // Runs a command to its end; returns its exit code and all that it said.
  async run(words, variables) {
    const running = this.start(words, variables);
    const [status] = await running.exited;
    return { status, output: running.output };
  }

  // Runs make demo until it prints its URLs, and returns it with the first of them.
  async demo(port, variables) {
    const running = this.start(['make', '-s', 'demo'], { HERALD_DEMO_PORT: port, ...variables });
    await until('the demo prints its URLs', () => {
      if (running.child.exitCode !== null) throw new Error(running.output);
      return running.output.includes('Ctrl-C stops');
    }, 240000);
    running.url = /http:\S+/.exec(running.output)[0];
    return running;
  }
}
