// machine.mjs: the machine, the versions and the state of the sources that a result belongs to.

import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../test/integration/harness/postgres.mjs';

const output = (command, ...options) => {
  try {
    return execFileSync(command, options, { encoding: 'utf8', cwd: root, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  } catch {
    return '';
  }
};

const packageVersion = (name) => output('dpkg-query', '-W', '-f=${Version}', name);

const moduleVersion = (name) => JSON.parse(readFileSync(path.join(root, `bench/node_modules/${name}/package.json`), 'utf8')).version;

// Returns the load of the machine before an item, that of the item before it included: other work makes times longer.
export const loadBefore = () => Number(loadavg()[0].toFixed(1));

// Returns how the processes of this run share the processors: children inherit it.
function scheduling() {
  const [, policy, priority] = /policy: (\S+)[^]*priority: (\d+)/.exec(output('chrt', '-p', String(process.pid))) ?? [];
  return Number(priority) > 0 ? `${policy} ${priority}` : 'usual scheduling';
}

// Returns the commit of the sources, and whether they differ from it. The results that this run writes are no sources.
function sources() {
  const changes = output('git', 'status', '--porcelain', '--untracked-files=no', '--', ':/', ':(exclude,top)bench/results');
  return output('git', 'describe', '--always') + (changes ? ', changed' : '');
}

// Returns the file system on which the private clusters lie: each flush of a commit depends on it.
const fileSystem = () => output('stat', '-f', '-c', '%T', process.env.TMPDIR ?? '/tmp');

export function machine() {
  return {
    scheduling: scheduling(),
    processor: `${cpus()[0].model}, ${cpus().length} cores`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    fileSystem: fileSystem(),
    versions: {
      pg_herald: sources(),
      PostgreSQL: output(process.env.HERALD_BIN ? path.join(process.env.HERALD_BIN, 'postgres') : 'pg_config', '--version').replace(/^\D+/, ''),
      libwebsockets: output('pkg-config', '--modversion', 'libwebsockets'),
      libuv: output('pkg-config', '--modversion', 'libuv'),
      OpenSSL: output('pkg-config', '--modversion', 'openssl'),
      gcc: output('gcc', '-dumpfullversion'),
      libc: output('getconf', 'GNU_LIBC_VERSION').replace(/^glibc /, ''),
      node: process.versions.node,
      'socket.io': moduleVersion('socket.io'),
      pg: moduleVersion('pg'),
      nginx: packageVersion('nginx'),
      nchan: packageVersion('libnginx-mod-nchan'),
      'nats-server': packageVersion('nats-server'),
    },
  };
}
