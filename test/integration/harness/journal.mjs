// journal.mjs: records the events that a client received, in order.

import { until } from './wait.mjs';

export class Journal {
  events = [];
  arrivals = [];        // arrival time of each event, in milliseconds

  record(event, data, rest) {
    this.events.push({ event, data, ...rest });
    this.arrivals.push(performance.now());
  }

  all(event) {
    return this.events.filter((entry) => entry.event === event);
  }

  // Returns the data of the first event with this name and matching data, received before or after the call.
  async waitFor(event, match = () => true) {
    const found = () => this.events.find((entry) => entry.event === event && match(entry.data));
    return (await until(`${this.label} receives ${event}; it has ${JSON.stringify(this.events.map((entry) => entry.event))}`, found)).data;
  }

  forgetEvents() {
    this.events.length = this.arrivals.length = 0;
  }
}
