// crew.mjs: runs a module in several processes and calls its functions, because one process cannot load a bridge.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { atExit } from './cleanup.mjs';

// Called in a process of the crew: offers these methods.
export function serve(methods) {
  process.on('message', async ({ id, method, parameters }) => {
    try {
      process.send({ id, answer: await methods[method](...parameters) });
    } catch (error) {
      process.send({ id, failure: error.stack });
    }
  });
}

export const isMember = process.send !== undefined && process.env.HERALD_CREW !== undefined;

export class Crew {
  #children;
  #calls = new Map();
  #lastId = 0;

  // url: the module, which calls serve() if isMember.
  constructor(url, count) {
    this.#children = Array.from({ length: count }, () => fork(fileURLToPath(url), process.argv.slice(2), { env: { ...process.env, HERALD_CREW: '1' } }));
    for (const child of this.#children) {
      atExit(() => child.kill('SIGKILL'));
      child.on('message', ({ id, answer, failure }) => {
        const { resolve, reject } = this.#calls.get(id);
        this.#calls.delete(id);
        if (failure) reject(new Error(failure));
        else resolve(answer);
      });
    }
  }

  #call(child, method, parameters) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      child.send({ id, method, parameters });
    });
  }

  // Calls the method in all processes and returns all results.
  all(method, ...parameters) {
    return Promise.all(this.#children.map((child) => this.#call(child, method, parameters)));
  }

  // Calls the method in all processes, with a part of the list for each.
  share(method, list, ...parameters) {
    const count = this.#children.length;
    return Promise.all(this.#children.map((child, index) =>
      this.#call(child, method, [list.filter((_, item) => item % count === index), ...parameters])));
  }

  close() {
    for (const child of this.#children) child.kill();
  }
}
