// bridge.mjs: runs a real herald-bridge on a free port.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atExit } from './cleanup.mjs';
import { root } from './postgres.mjs';
import { soon, until } from './wait.mjs';

export const release = path.join(root, 'bridge/build/herald-bridge');
export const program = process.env.HERALD_BRIDGE ?? release;

// The connections of a bridge to the database: reader, doorbell, rooms, many rooms, replay, presence and four for actions.
export const CONNECTIONS = 10;

// A test may ask more often than a client does; later options override these.
const UNLIMITED = ['connects', 'messages', 'joins', 'actions', 'signals', 'failed-tokens', 'sockets', 'anonymous'].map((name) => `--limit-${name}=1000000/s:1000000`)
  .concat('--user-work=1000000/s:1000000');

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Runs the bridge until it ends, for --check, --help and wrong settings. Returns its exit code and output.
export async function runBridge(options, environment = {}) {
  const child = spawn(program, options, { env: { ...process.env, ...environment } });
  const forget = atExit(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { output += text; });
  const [code] = await once(child, 'close');
  forget();
  return { code, output };
}

export class Bridge {
  #child;
  #forget;
  log = '';

  // conninfo: of the database. secret: signs the tokens. options: further command line options. program: the bridge to run; with
  // sanitizers it uses more memory than its metrics report. canRead: wait until it is ready, otherwise until it answers.
  // limited: with the default limits.
  static async start({ conninfo, secret, options = [], program: given = program, canRead = true, limited = false }) {
    const bridge = new Bridge();
    bridge.canRead = canRead;
    bridge.conninfo = conninfo;
    bridge.options = limited ? options : [...UNLIMITED, ...options];
    bridge.program = given;
    bridge.directory = mkdtempSync(path.join(tmpdir(), 'herald-bridge-'));
    bridge.secretFile = path.join(bridge.directory, 'secret');
    atExit(() => rmSync(bridge.directory, { recursive: true, force: true }));
    writeFileSync(bridge.secretFile, secret, { mode: 0o600 });
    bridge.port = await freePort();
    await bridge.start();
    return bridge;
  }

  // With a certificate among its options, the bridge speaks TLS.
  get url() { return `http${this.options.some((option) => option.startsWith('--tls-cert=')) ? 's' : ''}://127.0.0.1:${this.port}`; }
  get pid() { return this.#child.pid; }

  async start() {
    // The kernel ends the bridge if this process is killed.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', this.program, `--database=${this.conninfo}`, `--listen=127.0.0.1:${this.port}`,
      `--jwt-secret-file=${this.secretFile}`, ...this.options], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr.on('data', (text) => { this.log += text; });
    this.exited = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }));
    this.#forget = atExit(() => this.#child.kill('SIGKILL'));
    await this.ready().catch(async (error) => {
      if (this.running) await this.kill();
      throw error;
    });
  }

  // Waits until the bridge reports that it has caught up with the database, or that it cannot.
  async ready() {
    const expected = this.canRead ? [200] : [200, 503];
    await until('the bridge is ready', async () => {
      if (!this.running) throw new Error(`the bridge ended:\n${this.log}`);
      return expected.includes((await this.get('/readyz').catch(() => null))?.status);
    });
  }

  // Waits until the log has a line of this pattern: the bridge's answer may arrive before its line does. Counts the lines until then.
  async logged(pattern, start = 0) {
    const lines = () => this.log.slice(start).split('\n').slice(0, -1).filter((line) => pattern.test(line)).length;
    await until(`the log has ${pattern}`, () => lines() > 0);
    return lines();
  }

  get running() { return this.#child.exitCode === null && this.#child.signalCode === null; }

  get(url, options) { return fetch(this.url + url, options); }

  // Returns the value of a metric, summed over its labels.
  async metric(name) {
    const text = await (await this.get('/metrics')).text();
    const values = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return values.reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
  }

  // Returns a file that the kernel keeps about the process.
  #proc(file) { return readFileSync(`/proc/${this.pid}/${file}`, 'latin1'); }

  // The processor time used, in milliseconds.
  processorTime() {
    const fields = this.#proc('stat').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  get sanitized() { return this.#proc('maps').includes('libasan'); }

  // The resident memory, in bytes.
  get memory() { return Number(/^VmRSS:\s+(\d+)/m.exec(this.#proc('status'))[1]) * 1024; }

  get descriptors() { return readdirSync(`/proc/${this.pid}/fd`).length; }

  get descriptorLimit() { return Number(/^Max open files +(\d+)/m.exec(this.#proc('limits'))[1]); }

  async end(signal) {
    this.#child.kill(signal);
    const outcome = await soon(`the bridge ends after ${signal}`, this.exited, 60000);
    this.#forget();
    return outcome;
  }

  kill() { return this.end('SIGKILL'); }

  // Ends the bridge, or returns how it ended before: the caller checks the outcome, so that no crash goes unnoticed.
  stop() {
    return this.running ? this.end('SIGTERM') : this.exited;
  }
}
