// crew.mjs: processes that run the same module and do what they are told, because one is not enough to load a bridge.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { atExit } from './cleanup.mjs';

// In a process of the crew: what it can be asked for.
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
  #asked = new Map();
  #lastId = 0;

  // url: of the module, which calls serve() when isMember.
  constructor(url, count) {
    this.#children = Array.from({ length: count }, () => fork(fileURLToPath(url), process.argv.slice(2), { env: { ...process.env, HERALD_CREW: '1' } }));
    for (const child of this.#children) {
      atExit(() => child.kill('SIGKILL'));
      child.on('message', ({ id, answer, failure }) => {
        const { resolve, reject } = this.#asked.get(id);
        this.#asked.delete(id);
        if (failure) reject(new Error(failure));
        else resolve(answer);
      });
    }
  }

  #ask(child, method, parameters) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      child.send({ id, method, parameters });
    });
  }

  // The answers of all.
  all(method, ...parameters) {
    return Promise.all(this.#children.map((child) => this.#ask(child, method, parameters)));
  }

  // The same, with a share of the list for each.
  share(method, list, ...parameters) {
    const count = this.#children.length;
    return Promise.all(this.#children.map((child, index) =>
      this.#ask(child, method, [list.filter((_, place) => place % count === index), ...parameters])));
  }

  close() {
    for (const child of this.#children) child.kill();
  }
}
