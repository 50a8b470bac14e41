// traffic.mjs: writes messages one after another, also while servers fail.

import { setTimeout as pause } from 'node:timers/promises';
import { until } from './wait.mjs';

export class Traffic {
  #stopped = false;
  acknowledged = [];    // ids of messages with an acknowledged COMMIT
  failed = 0;
  longest = 0;          // longest time of a write, in milliseconds

  constructor(scene, conversation, sender) {
    Object.assign(this, { scene, conversation, sender });
    this.done = this.#write();
  }

  async #write() {
    for (let number = 1; !this.#stopped; number++) {
      const began = performance.now();
      await this.scene.message(this.conversation, this.sender, `Message ${number}`).then((id) => { this.acknowledged.push(id); }, () => this.#fail());
      this.longest = Math.max(this.longest, Math.round(performance.now() - began));
    }
  }

  #fail() {
    this.failed++;
    return pause(20);
  }

  get written() { return this.acknowledged.length; }

  // Waits until this many more messages are written.
  async flows(count = 100) {
    const goal = this.written + count;
    await until(`${count} more messages are written`, () => this.written >= goal, 60000);
  }

  // Stops writing. Returns the ids of the messages that are really committed, in order.
  async stop() {
    this.#stopped = true;
    await this.done;
    const rows = await this.scene.database.query('SELECT id FROM messages WHERE conversation_id = $1 ORDER BY id', [this.conversation]);
    return rows.map(({ id }) => id);
  }
}
