// postgres.mjs: runs a private PostgreSQL cluster with its databases.
//
// scripts/cluster and scripts/server-tree do the work. Nothing here touches the machine's own PostgreSQL.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { atExit } from './cleanup.mjs';
import { SmallDisk } from './small_disk.mjs';
import { soon } from './wait.mjs';

const run = promisify(execFile);

export const root = fileURLToPath(new URL('../../..', import.meta.url));

const script = (name) => path.join(root, 'scripts', name);

// Makes a server tree, of the server that the environment chooses, and returns its bin folder.
const installTree = (name, environment = {}) =>
  execFileSync(script('server-tree'), [path.join(tmpdir(), name)], { encoding: 'utf8', env: { ...process.env, ...environment } }).trim();

// Returns the bin folder of the server tree with the extension under test. Makes the tree unless the caller has made one.
export function serverBin() {
  const given = process.env.HERALD_SERVER_TREE;
  if (!given) return installTree('herald-server-tree');
  const found = execFileSync('find', [given, '-path', '*/bin/initdb'], { encoding: 'utf8' }).trim();
  if (!found) throw new Error(`HERALD_SERVER_TREE=${given} holds no PostgreSQL`);
  return path.dirname(found.split('\n')[0]);
}

// Returns the major version of the server in a bin folder.
export const serverVersion = (bin) =>
  Number(/ (\d+)/.exec(execFileSync(path.join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }))[1]);

const PACKAGES = '/usr/lib/postgresql';    // where Debian has a folder for each major version

// Returns the servers older than the one under test that are installed with their headers. install() makes a tree with the extension
// and returns its bin folder.
export function olderServers() {
  const newest = serverVersion(serverBin());
  const has = (version, file) => existsSync(path.join(PACKAGES, `${version}`, file));
  return (existsSync(PACKAGES) ? readdirSync(PACKAGES) : []).map(Number).sort((one, other) => one - other)
    .filter((version) => version < newest && has(version, 'bin/initdb') && has(version, 'lib/pgxs/src/makefiles/pgxs.mk'))
    .map((version) => ({
      version,
      install: () => installTree(`herald-server-tree-${version}`, { PG_CONFIG: path.join(PACKAGES, `${version}/bin/pg_config`) }),
    }));
}

export class Postgres {
  disks = {};        // SmallDisk by folder of the data directory
  #databases = [];

  constructor(sizes) { this.sizes = sizes; }

  // preload: names of the databases that get a worker; without any the extension is not preloaded. disks: sizes of small disks by
  // folder of the data directory. bin: the programs of another server.
  static async create({ preload = [], settings = [], disks = {}, bin = serverBin() } = {}) {
    const options = [`--bin=${bin}`, ...settings.map((setting) => `--set=${setting}`)];
    if (preload.length) options.push(`--preload=${preload.join(',')}`);
    return new Postgres(disks).#open('create', ...options);
  }

  standby() { return new Postgres(this.sizes).#open('standby', `--of=${this.directory}`); }

  // Becomes a standby of another server, in its old place. It must not run.
  follow(primary) { return this.#begin('standby', `--of=${primary.directory}`); }

  async #open(command, ...options) {
    this.directory = mkdtempSync(path.join(tmpdir(), 'herald-'));
    this.forget = atExit(() => execFileSync(script('cluster'), ['destroy', this.directory], { stdio: 'ignore' }));
    await this.#begin(command, ...options);
    const environment = readFileSync(path.join(this.directory, 'cluster.env'), 'utf8');
    this.bin = /HERALD_BIN='(.*)'/.exec(environment)[1];
    this.port = Number(/PGPORT='(\d+)'/.exec(environment)[1]);
    return this;
  }

  async #begin(command, ...options) {
    this.#removeDisks();
    await this.#control(command, ...options);
    for (const [folder, size] of Object.entries(this.sizes)) this.disks[folder] = new SmallDisk(path.join(this.directory, 'data', folder), size);
    await this.start();
  }

  #removeDisks() {
    for (const disk of Object.values(this.disks)) disk.remove();
    this.disks = {};
  }

  #control(command, ...options) {
    return run(script('cluster'), [command, this.directory, ...options]);
  }

  start() { return this.#control('start'); }
  stop() { return this.#control('stop'); }
  restart() { return this.#control('restart'); }
  crash() { return this.#control('crash'); }
  promote() { return this.#control('promote'); }

  // Runs pg_upgrade into a new cluster of the server under test, in the same place.
  async upgrade() {
    this.bin = serverBin();
    await this.#control('upgrade', `--bin=${this.bin}`);
  }

  // Stops all processes, as on a machine that hangs. Only crash() ends this.
  freeze() {
    const postmaster = readFileSync(path.join(this.directory, 'data/postmaster.pid'), 'utf8').split('\n')[0];
    return run('sh', ['-c', `kill -STOP ${postmaster} $(pgrep -P ${postmaster})`]);
  }

  // Stops a backend; proceed() lets it go on.
  pause(backend) { return run('kill', ['-STOP', backend]); }
  proceed(backend) { return run('kill', ['-CONT', backend]); }

  log() { return readFileSync(path.join(this.directory, 'log'), 'utf8'); }

  async destroy() {
    await Promise.all(this.#databases.map((database) => database.close()));
    this.#removeDisks();
    await this.#control('destroy');
    this.forget();
  }

  // options: of CREATE DATABASE.
  async createDatabase(name, options = '') {
    const administration = new Database(this, 'postgres');
    await administration.query(`CREATE DATABASE ${name} ${options}`);
    await administration.close();
    return this.database(name);
  }

  database(name) {
    const database = new Database(this, name);
    this.#databases.push(database);
    return database;
  }
}

export class Database {
  #pool;
  #closed;

  constructor(server, name) {
    this.server = server;
    this.name = name;
    this.#pool = new pg.Pool({ ...this.address('postgres'), max: 4 });
    this.#pool.on('error', () => {});    // tests restart the server on purpose
  }

  address(user) {
    return { host: this.server.directory, port: this.server.port, user, database: this.name };
  }

  conninfo(user) {
    return `host=${this.server.directory} port=${this.server.port} user=${user} dbname=${this.name}`;
  }

  async query(text, values) {
    return (await this.#pool.query(text, values)).rows;
  }

  // Returns the only column of the only row.
  async value(text, values) {
    return Object.values((await this.query(text, values))[0])[0];
  }

  // Opens a separate connection, for transactions.
  async connect(user = 'postgres') {
    const client = new pg.Client(this.address(user));
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  // Runs SQL commands or files with the real psql, and returns its output.
  async psql(...options) {
    return this.#psql(options).then(({ stdout }) => stdout.trim());
  }

  // Runs a script, such as the output of pg_dump, with the real psql.
  async psqlInput(script) {
    const running = this.#psql([]);
    running.child.stdin.end(script);
    await running;
  }

  #psql(options) {
    const connection = ['-h', this.server.directory, '-p', this.server.port, '-d', this.name];
    return run(path.join(this.server.bin, 'psql'),
      ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-U', 'postgres', ...connection, ...options]);
  }

  close() { return this.#closed ??= soon('the last query ends', this.#pool.end(), 60000); }
}
