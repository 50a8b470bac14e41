// recorder.mjs: runs the rounds of an item, shows progress, and collects its values and faults.

export class Recorder {
  measures = new Map();    // name → { unit, relativeTo, values: { contender: [...] } }
  faults = [];
  #began = Date.now();
  #contender;           // that is being measured

  // rounds: of each measurement. short: items take smaller numbers.
  constructor(item, { rounds, short }) { Object.assign(this, { item, rounds, short }); }

  get seconds() { return Math.round((Date.now() - this.#began) / 1000); }

  // Returns the number for a whole run, or the one for a short run.
  size(whole, short) { return this.short ? short : whole; }

  say(text) { console.log(`${this.item.padEnd(12)} ${String(this.seconds).padStart(4)} s  ${text}`); }

  // Declares a measure. less: small values are good. relativeTo: the contender that is 1.
  measure(name, unit, { less = true, relativeTo } = {}) { this.measures.set(name, { name, unit, less, relativeTo, values: {} }); }

  add(name, contender, value) {
    if (!Number.isFinite(value)) throw new Error(`${this.item}: ${name} of ${contender} is ${value}`);
    (this.measures.get(name).values[contender] ??= []).push(value);
  }

  // A fault fails the item.
  fault(text) {
    this.faults.push(this.#contender ? `${this.#contender}: ${text}` : text);
    this.say(`FAULT: ${this.faults.at(-1)}`);
  }

  // Runs all contenders in turn, round after round.
  async inTurn(contenders, work, { rounds = this.rounds, label = '' } = {}) {
    for (let round = 1; round <= rounds; round++) {
      for (const contender of contenders) {
        this.say(`round ${round} of ${rounds}: ${contender.name}${label && `, ${label}`}`);
        this.#contender = contender.name;
        await work(contender, round);
      }
    }
    this.#contender = undefined;
  }
}
