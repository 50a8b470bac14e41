// verdict.mjs: judges whether clients received the events that they had to. Pure functions of plain data.
//
// Causality decides which events a client must have, may have and must not have:
//
// * An event precedes another if the snapshot of the other's transaction sees its transaction. Events without an order between
//   them may arrive in any order.
// * The last change of a membership that precedes an event, and each change in no order with it, may decide the membership.
//   A client must have an event of its room if it was a member after each of these changes.
// * It must not have the event if it was a member after none of them.
//
// A client that was told a position must have all events that the position has seen, and gets none of them later.

import { parsePosition, sees, SeenSnapshots } from './causality.mjs';

// The written events, indexed for all lookups of the verdict.
class Log {
  #snapshots;
  #events = new Map();    // events by id, and by key
  #changes = new Map();   // changes of membership by user and room
  #rooms = new Map();     // cache of membership()

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

  // Returns the events that a received one can be: keys repeat, and Socket.IO delivers no ids.
  find({ id, key }) { return this.#events.get(id ?? key) ?? []; }

  before(one, other) {
    if (one.xid === other.xid) return Number(one.id) < Number(other.id);
    const snapshot = this.snapshot(other);
    return snapshot !== undefined && sees(snapshot, one.xid);
  }

  // Returns 'in', 'out' or 'either': the user's membership in a room at the time of an event.
  membership(user, room, event) {
    const question = `${user} ${room} ${event.id}`;
    if (!this.#rooms.has(question)) this.#rooms.set(question, this.#membership(user, room, event));
    return this.#rooms.get(question);
  }

  // Changes of one membership lock its row, so their ids are in commit order.
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

// The time of a client between two welcomes without recovery.
class Life {
  seen = new SeenSnapshots();
  #last = new Map();      // the newest received id of each transaction
  #left = new Set();
  #told = [];             // what the told positions have seen

  constructor(log, client, start) {
    Object.assign(this, { log, client, start, joined: client.joins.find((at) => at >= start) ?? Infinity });
  }

  room(room, event) {
    if (room !== this.client.room) return this.log.membership(this.client.user, room, event);
    return event.at > this.joined ? 'in' : 'either';
  }

  // Returns the violations of an event that arrives now.
  take(event) {
    const { id, xid, rooms } = event;
    const wrong = [];
    if (this.seen.sees(xid) || this.#last.get(xid) > Number(id)) wrong.push('out of order');
    if (this.#isTold(event)) wrong.push('after its position');
    if (rooms.every((room) => this.#left.has(room) || this.room(room, event) === 'out')) wrong.push('not in the room');
    this.#last.set(xid, Number(id));
    const snapshot = this.log.snapshot(event);
    if (snapshot) this.seen.add(snapshot);
    this.move(event);
    return wrong;
  }

  // A client that received its own leaving is out of the room for all later events, even concurrent ones.
  move({ member, joins, leaves }) {
    if (member !== this.client.user) return;
    if (leaves) this.#left.add(leaves);
    if (joins) this.#left.delete(joins);
  }

  tell(position) { this.#told.push(...parsePosition(position)); }

  #isTold({ id, xid }) { return this.#told.some(({ snapshot, last }) => Number(id) <= last && sees(snapshot, xid)); }

  // last: this is the client's last life.
  requires(event, last) {
    return event.at > this.start && (last || this.seen.sees(event.xid) || this.#isTold(event)) && event.rooms.some((room) => this.room(room, event) === 'in');
  }

  allows(event) { return event.rooms.some((room) => this.room(room, event) !== 'out'); }
}

class Story {
  violations = [];
  #lives;
  #got = new Set();       // ids
  #alike = new Map();     // arrival times by key, for keys that several events share, of a client that receives no ids

  constructor(log, client, forgets) {
    Object.assign(this, { log, client, forgets });
    this.#lives = [new Life(log, client, 0)];
  }

  #accuse(kind, event, at) {
    this.violations.push({ kind, client: this.client.name, event, at });
  }

  judge() {
    const { received, welcomes, positions } = this.client;
    const notes = [...welcomes, ...positions].sort((one, other) => one.after - other.after || one.at - other.at);
    if (received.some(({ id }) => !id)) this.#alike = new Map(this.log.repeated.map((key) => [key, []]));
    let next = 0;
    for (const [index, entry] of received.entries()) {
      while (notes[next]?.after <= index) this.#note(notes[next++]);
      this.#take(entry);
    }
    notes.slice(next).forEach((note) => this.#note(note));
    for (const event of this.log.events) if (!this.#got.has(event.id) && !this.#alike.has(event.key) && this.#isRequired(event)) this.#accuse('missing', event, event.at);
    for (const [key, times] of this.#alike) this.#count(this.log.find({ key }), times);
    return this;
  }

  #note({ at, recovered, position }) {
    if (position) this.#lives.at(-1).tell(position);
    if (position || recovered) return;
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

  // Events with the same key are only counted: the client cannot tell them apart.
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

// The longest time between two events at a client that never disconnects, in milliseconds.
function longestGap(clients) {
  const gaps = clients.filter(({ habit }) => habit === 'steady')
    .flatMap(({ received }) => received.slice(1).map(({ at }, index) => at - received[index].at));
  return gaps.reduce((longest, gap) => Math.max(longest, gap), 0);
}

// An event is in the log if and only if its transaction committed. Compares the writers' own records with their table and the log.
export function judgeLog({ events, transactions }, written) {
  const committed = new Map(transactions.map(({ number, xid }) => [number, xid]));
  const told = new Set(events.map(({ key }) => Number(/Number (\d+)\./.exec(key)?.[1])));
  const names = new Map();
  const derived = (name) => name.startsWith('notification:') || name === 'room:recheck';
  for (const { xid, name } of events) if (!derived(name)) append(names, xid, name);
  const wrong = ({ number, outcome, names: expected }) => {
    if (!committed.has(number)) return outcome === 'committed' ? 'not written, though committed' : told.has(number) && 'written, though rolled back';
    if (outcome === 'rolled back') return 'written, though rolled back';
    const list = Object.entries(expected).flatMap(([name, count]) => Array(count).fill(name));
    return String(list.sort()) !== String((names.get(committed.get(number)) ?? []).sort()) && 'not as written';
  };
  return written.map((transaction) => ({ kind: wrong(transaction), client: `transaction ${transaction.number}`, event: transaction })).filter(({ kind }) => kind);
}

// history: from history.mjs. clients: their stories. forgets: [{ from, to }], the times at which a welcome may say that the client was
// not recovered. Returns { violations, counts }.
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
