// journal.mjs: what a client received, in order.

import { until } from './wait.mjs';

export class Journal {
  events = [];

  record(event, data, rest) {
    this.events.push({ event, data, ...rest });
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
    this.events.length = 0;
  }
}
