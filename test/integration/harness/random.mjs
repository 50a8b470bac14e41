// random.mjs: random numbers that a seed repeats (mulberry32).

export class Random {
  constructor(seed) { this.state = seed | 0; }

  below(limit) {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  oneIn(number) { return this.below(number) === 0; }
  choose(list) { return list[this.below(list.length)]; }
  some(list) { return list.filter(() => this.oneIn(3)); }

  // Chooses one of the keys; each value is the key's weight.
  weigh(weights) {
    let left = this.below(Object.values(weights).reduce((sum, weight) => sum + weight));
    return Object.keys(weights).find((key) => (left -= weights[key]) < 0);
  }
}
