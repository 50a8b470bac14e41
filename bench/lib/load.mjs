// load.mjs: drives the load program: clients and publishers in one process. See load/main.c for its commands.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { atExit } from '../../test/integration/harness/cleanup.mjs';
import { root } from '../../test/integration/harness/postgres.mjs';

const FAULTS = ['failed', 'unpublished', 'missing', 'doubled', 'disordered', 'corrupt', 'foreign'];

export class Load {
  #child;
  #answers = [];
  #next = 1;
  #series;
  #ordered = true;      // one writer has published the series
  #directory = mkdtempSync(path.join(tmpdir(), 'herald-load-'));

  // check: gets the faults of each command that has found any, as text.
  constructor(check) {
    this.check = check;
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', path.join(root, 'build/bench/load')], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#answers.shift()?.resolve(JSON.parse(line)));
    this.#child.on('close', (code, signal) => this.#answers.forEach(({ reject }) => reject(new Error(`the load program has ended: ${signal ?? code}`))));
    atExit(() => this.#child.kill('SIGKILL'));
    atExit(() => rmSync(this.#directory, { recursive: true, force: true }));
  }

  async #command(command) {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw new Error('the load program has ended');
    const answer = new Promise((resolve, reject) => { this.#answers.push({ resolve, reject }); });
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const result = await answer;
    if (result.error) throw new Error(`load: ${result.error}`);
    const found = FAULTS.filter((fault) => result[fault] && (fault !== 'disordered' || this.#ordered));
    if (found.length) this.check(found.map((fault) => `${result[fault]} ${fault}`).join(', '));
    return result;
  }

  // Connects so many clients and waits until they are ready. tokens: one for each client.
  connect({ tokens, ...command }) {
    const file = path.join(this.#directory, 'tokens');
    if (tokens) writeFileSync(file, tokens.join('\n'));
    return this.#command({ do: 'connect', ...command, ...(tokens && { tokens: file }) });
  }

  // Lets all clients that are connected by WebSocket join a room, and waits until they have.
  join(room) { return this.#command({ do: 'join', room }); }

  // Begins a series of numbered events, which each client has to receive, and returns its first number.
  // first: for events whose numbers others give. key: the number's key in the payload.
  async series(count, { first = this.#next, filler = 0, key = '"n"' } = {}) {
    this.#series = { filler };
    this.#next = Math.max(this.#next, first + count);
    await this.#command({ do: 'series', first, count, filler, key });
    return first;
  }

  // Publishes the series.
  publish(destination, { rate = 0, writers = 1, burst = 1 } = {}) {
    this.#ordered = writers === 1;
    return this.#command({ do: 'publish', ...destination, rate, writers, burst, ...this.#series });
  }

  // Waits until each client has the series. Returns the times.
  await(seconds = 60) { return this.#command({ do: 'await', seconds }); }

  // Publishes a series, and waits for it.
  async exchange(destination, count, { filler = 200, key, first, ...pace } = {}) {
    await this.series(count, { filler, key, first });
    await this.publish(destination, pace);
    return this.await();
  }

  stop() { return this.#command({ do: 'stop' }); }
  resume() { return this.#command({ do: 'resume' }); }

  drop() { return this.#command({ do: 'drop' }); }

  // Connects all clients again, each with its session and its position.
  return() { return this.#command({ do: 'return' }); }

  forget() { return this.#command({ do: 'close' }); }

  close() { this.#child.stdin.end(); }
}
