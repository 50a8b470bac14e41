// journal.mjs: what a client received, in order.

import { until } from './wait.mjs';

export class Journal {
  events = [];
  arrivals = [];        // when each of them came, in milliseconds

  record(event, data, rest) {
    this.events.push({ event, data, ...rest });
    this.arrivals.push(performance.now());
  }

  all(event) {
    return this.events.filter((entry) => entry.event === event);
  }

  // The data of the first event of that name whose data match; it may have come already.
  async waitFor(event, match = () => true) {
    const found = () => this.events.find((entry) => entry.event === event && match(entry.data));
    return (await until(`${this.label} receives ${event}; it has ${JSON.stringify(this.events.map((entry) => entry.event))}`, found)).data;
  }

  forgetEvents() {
    this.events.length = this.arrivals.length = 0;
  }
}
