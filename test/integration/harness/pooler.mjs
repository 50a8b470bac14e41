// pooler.mjs: runs a real PgBouncer between clients and a private cluster.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './bridge.mjs';
import { atExit } from './cleanup.mjs';
import { until } from './wait.mjs';

const program = '/usr/sbin/pgbouncer';

export class Pooler {
  static isInstalled = existsSync(program);

  // database: the database behind it. mode: session or transaction.
  static async start(database, mode) {
    const pooler = new Pooler();
    pooler.database = database;
    pooler.port = await freePort();
    pooler.directory = mkdtempSync(path.join(tmpdir(), 'herald-pooler-'));
    pooler.forget = atExit(() => pooler.#remove());
    const users = path.join(pooler.directory, 'users.txt');
    pooler.settings = path.join(pooler.directory, 'pgbouncer.ini');
    writeFileSync(users, '"bridge" ""\n');
    writeFileSync(pooler.settings, `[databases]\n${database.name} = host=${database.server.directory} port=${database.server.port}\n`
      + `[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${pooler.port}\nunix_socket_dir =\nauth_type = trust\nauth_file = ${users}\n`
      + `pool_mode = ${mode}\nlogfile = ${path.join(pooler.directory, 'log')}\nignore_startup_parameters = extra_float_digits\n`);
    await pooler.#spawn();
    return pooler;
  }

  // PgBouncer refuses to run as root, so root runs it as the server's user.
  async #spawn() {
    const user = [];
    chmodSync(this.directory, 0o755);
    if (process.getuid() === 0) {
      const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
      chownSync(this.directory, Number(uid), Number(gid));
      user.push('--reuid', uid, '--regid', gid, '--clear-groups');
    }
    this.child = spawn('setpriv', [...user, '--pdeathsig', 'KILL', program, '-q', this.settings], { stdio: 'ignore' });
    this.exited = once(this.child, 'close');
    const log = path.join(this.directory, 'log');
    await until('the pooler listens', () => existsSync(log) && readFileSync(log, 'utf8').includes('listening on 127.0.0.1'));
  }

  conninfo(user) { return `host=127.0.0.1 port=${this.port} user=${user} dbname=${this.database.name}`; }

  // PgBouncer 1.23 and later wait for their clients after SIGTERM.
  #remove() {
    this.child?.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  // Ends it, with all connections. start() and stop() may follow.
  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
    rmSync(path.join(this.directory, 'log'));
  }

  start() { return this.#spawn(); }

  async stop() {
    this.child.kill('SIGKILL');
    await this.exited;
    this.#remove();
    this.forget();
  }
}
