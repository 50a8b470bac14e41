// verdict.mjs: holds what clients received against what really happened. Pure functions of plain data.
//
// Which events a client must have, may have and must not have follows from causality. An event is before another if its
// transaction is in the snapshot of the other's; what is in neither order may have come in any. So a client must have an event
// of a room if it was in it after every change of its membership that is not known to come later, and must not have it if it
// was out after all of these.

import { sees, Seen } from './causality.mjs';

// What was written, by all that it is asked for.
class Log {
  #snapshots;
  #events = new Map();    // by id and by key: those that say the same
  #changes = new Map();   // of a user in a room
  #rooms = new Map();     // answers of membership

  constructor({ members, events, transactions }) {
    Object.assign(this, { members, events });
    this.#snapshots = new Map(transactions.map(({ xid, snapshot }) => [xid, snapshot]));
    for (const event of events) {
      append(this.#events, event.id, event);
      append(this.#events, event.key, event);
      if (event.member) append(this.#changes, `${event.member} ${event.joins ?? event.leaves}`, event);
    }
    this.repeated = [...this.#events.keys()].filter((key) => this.#events.get(key).length > 1);
  }

  snapshot(event) { return this.#snapshots.get(event.xid); }

  // The events that a received one can be: some repeat the words of another, and Socket.IO tells no ids.
  find({ id, key }) { return this.#events.get(id ?? key) ?? []; }

  before(one, other) {
    if (one.xid === other.xid) return Number(one.id) < Number(other.id);
    const snapshot = this.snapshot(other);
    return snapshot !== undefined && sees(snapshot, one.xid);
  }

  // 'in', 'out' or 'either': where a user was with regard to a room when an event of it happened.
  membership(user, room, event) {
    const question = `${user} ${room} ${event.id}`;
    if (!this.#rooms.has(question)) this.#rooms.set(question, this.#membership(user, room, event));
    return this.#rooms.get(question);
  }

  // Changes of one membership lock its row: their ids are in the order of their commits.
  #membership(user, room, event) {
    let possible = [this.members[user].includes(room)];
    for (const change of this.#changes.get(`${user} ${room}`) ?? []) {
      if (this.before(event, change)) break;
      if (this.before(change, event)) possible = [];
      possible.push(Boolean(change.joins));
    }
    if (possible.every((inside) => inside)) return 'in';
    return possible.some((inside) => inside) ? 'either' : 'out';
  }
}

function append(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}

// What a client went through between two welcomes that were no recoveries.
class Life {
  seen = new Seen();
  #last = new Map();      // of a transaction, the id that came last
  #left = new Set();

  constructor(log, client, start) {
    Object.assign(this, { log, client, start, joined: client.joins.find((at) => at >= start) ?? Infinity });
  }

  room(room, event) {
    if (room !== this.client.room) return this.log.membership(this.client.user, room, event);
    return event.at > this.joined ? 'in' : 'either';
  }

  // What is wrong with an event that comes now.
  take(event) {
    const { id, xid, rooms } = event;
    const wrong = [];
    if (this.seen.sees(xid) || this.#last.get(xid) > Number(id)) wrong.push('out of order');
    if (rooms.every((room) => this.#left.has(room) || this.room(room, event) === 'out')) wrong.push('not in the room');
    this.#last.set(xid, Number(id));
    const snapshot = this.log.snapshot(event);
    if (snapshot) this.seen.add(snapshot);
    this.move(event);
    return wrong;
  }

  // Who has left a room is out of it, however the next event of it relates to that.
  move({ member, joins, leaves }) {
    if (member !== this.client.user) return;
    if (leaves) this.#left.add(leaves);
    if (joins) this.#left.delete(joins);
  }

  // last: nothing came after this life.
  requires(event, last) {
    return event.at > this.start && (last || this.seen.sees(event.xid)) && event.rooms.some((room) => this.room(room, event) === 'in');
  }

  allows(event) { return event.rooms.some((room) => this.room(room, event) !== 'out'); }
}

class Story {
  violations = [];
  #lives;
  #got = new Set();       // ids
  #alike = new Map();     // key: when one came of those that have it, for a client that is told no ids

  constructor(log, client, forgets) {
    Object.assign(this, { log, client, forgets });
    this.#lives = [new Life(log, client, 0)];
  }

  #accuse(kind, event, at) {
    this.violations.push({ kind, client: this.client.name, event, at });
  }

  judge() {
    const { received, welcomes } = this.client;
    if (received.some(({ id }) => !id)) this.#alike = new Map(this.log.repeated.map((key) => [key, []]));
    let next = 0;
    for (const [place, entry] of received.entries()) {
      while (welcomes[next]?.after <= place) this.#welcome(welcomes[next++]);
      this.#take(entry);
    }
    welcomes.slice(next).forEach((welcome) => this.#welcome(welcome));
    for (const event of this.log.events) if (!this.#got.has(event.id) && !this.#alike.has(event.key) && this.#isRequired(event)) this.#accuse('missing', event, event.at);
    for (const [key, times] of this.#alike) this.#count(this.log.find({ key }), times);
    return this;
  }

  #welcome({ at, recovered }) {
    if (recovered) return;
    if (!this.forgets.some(({ from, to }) => at >= from && at <= to)) this.#accuse('not recovered', undefined, at);
    this.#lives.push(new Life(this.log, this.client, at));
  }

  #take(entry) {
    const [event, ...others] = this.log.find(entry);
    if (!event) this.#accuse('rolled back', entry, entry.at);
    else if (others.length > 0) this.#one(event, entry.at);
    else if (this.#got.has(event.id)) this.#accuse('duplicated', event, entry.at);
    else this.#first(event, entry.at);
  }

  #one(event, at) {
    this.#alike.get(event.key).push(at);
    this.#lives.at(-1).move(event);
  }

  // Events that say the same are counted: nobody knows which was which.
  #count(events, times) {
    const most = events.filter((event) => this.#lives.some((life) => life.allows(event)));
    const required = events.filter((event) => this.#isRequired(event));
    required.slice(times.length).forEach((event) => this.#accuse('missing', event, event.at));
    times.slice(most.length).forEach((at) => this.#accuse('duplicated', events.at(-1), at));
  }

  #first(event, at) {
    this.#got.add(event.id);
    for (const kind of this.#lives.at(-1).take(event)) this.#accuse(kind, event, at);
  }

  #isRequired(event) {
    return this.#lives.some((life, number) => life.requires(event, number === this.#lives.length - 1));
  }
}

// The longest silence that a client heard which was always there.
function longestGap(clients) {
  const gaps = clients.filter(({ habit }) => habit === 'steady')
    .flatMap(({ received }) => received.slice(1).map(({ at }, place) => at - received[place].at));
  return gaps.reduce((longest, gap) => Math.max(longest, gap), 0);
}

// An event is in the log if and only if its transaction was committed: what writers know of theirs against their table and the log.
export function judgeLog({ events, transactions }, written) {
  const committed = new Map(transactions.map(({ number, xid }) => [number, xid]));
  const told = new Set(events.map(({ key }) => Number(/Number (\d+)\./.exec(key)?.[1])));
  const names = new Map();
  for (const { xid, name } of events) if (!name.startsWith('notification:')) append(names, xid, name);
  const wrong = ({ number, outcome, names: expected }) => {
    if (!committed.has(number)) return outcome === 'committed' ? 'not written, though committed' : told.has(number) && 'written, though rolled back';
    if (outcome === 'rolled back') return 'written, though rolled back';
    const list = Object.entries(expected).flatMap(([name, count]) => Array(count).fill(name));
    return String(list.sort()) !== String((names.get(committed.get(number)) ?? []).sort()) && 'not as written';
  };
  return written.map((transaction) => ({ kind: wrong(transaction), client: `transaction ${transaction.number}`, event: transaction })).filter(({ kind }) => kind);
}

// history: of history.mjs. clients: their stories. forgets: [{ from, to }], when a client may be told that it was not recovered.
export function judge(history, clients, { forgets = [] } = {}) {
  const log = new Log(history);
  const stories = clients.map((client) => new Story(log, client, forgets).judge());
  const violations = stories.flatMap((story) => story.violations);
  const count = (kind) => violations.filter((violation) => violation.kind === kind).length;
  return {
    violations,
    counts: {
      events: history.events.length,
      received: clients.reduce((sum, { received }) => sum + received.length, 0),
      returns: clients.reduce((sum, { welcomes }) => sum + welcomes.length, 0),
      lost: count('missing'),
      duplicated: count('duplicated'),
      gap: longestGap(clients),
    },
  };
}
