// history.mjs: the true history of a round: the event log, the transactions behind it and the members of rooms, read by SQL.

import { parseSnapshot } from './causality.mjs';

const HOUR = 3600 * 1000;

// Returns the key of an event for clients that receive no ids: its name and payload as it is in the log. A reader adds the total, which
// depends on the time of delivery, and the time of the event.
export function keyOf(name, data) {
  const lasting = Object.entries(data).filter(([field]) => !field.startsWith('total') && field !== 'timestamp').sort(([one], [other]) => (one < other ? -1 : 1));
  return `${name} ${JSON.stringify(lasting)}`;
}

// An announcement of a notification has the id after that of its row.
const EVENTS = `
  SELECT s.id, e.xid::text::bigint AS xid, extract(epoch FROM e.logged_at) * 1000 AS at, s.rooms, s.name, s.payload, s.member, s.joins, s.leaves
  FROM herald.event AS e
  LEFT JOIN herald.notification AS n ON n.recipient_id = e.recipient_id AND n.id = e.notification_id
  CROSS JOIN LATERAL (VALUES
    (e.id, e.rooms, e.name, e.payload, e.member_id, e.joins, e.leaves),
    (e.id + 1, ARRAY['user:' || n.recipient_id], 'notification:new', CASE WHEN n.id IS NOT NULL THEN herald_internal.notification_json(n, false) END, NULL, NULL, NULL)
  ) AS s (id, rooms, name, payload, member, joins, leaves)
  WHERE e.xid >= pg_snapshot_xmin($1) AND NOT pg_visible_in_snapshot(e.xid, $1) AND s.name IS NOT NULL AND s.payload IS NOT NULL`;

// Undoes a clock that a nemesis has set, which is off by whole hours.
const trueTime = (at) => at - HOUR * Math.round((at - Date.now()) / HOUR);

const eventOf = ({ xid, at, payload, ...row }) => ({ ...row, xid: Number(xid), at: trueTime(Number(at)), key: keyOf(row.name, payload) });

// The history since a time at which nobody wrote. Transactions that were left open or prepared are the exception: their events
// count as written when they commit.
export class History {
  #events = new Map();

  // scene: its database is looked up at each call, because a failover changes it.
  static async begin(scene, people) {
    const history = new History();
    const [{ snapshot, transaction }] = await scene.database.query(
      'SELECT pg_current_snapshot() AS snapshot, (SELECT coalesce(max(number), 0) FROM written) AS transaction');
    const rooms = await scene.database.query("SELECT user_id, array_agg(room) AS rooms FROM herald_internal.automatic_rooms($1) GROUP BY user_id", [people]);
    const added = new Map(rooms.map(({ user_id: user, rooms: list }) => [user, list]));
    history.members = Object.fromEntries(people.map((user) => [user, ['*', `user:${user}`, `feed:${user}`, ...added.get(user) ?? []]]));
    return Object.assign(history, { scene, snapshot, transaction });
  }

  // Fetches the events so far. Call it before retention removes some.
  async collect() {
    for (const row of await this.scene.database.query(EVENTS, [this.snapshot])) if (!this.#events.has(row.id)) this.#events.set(row.id, eventOf(row));
  }

  // Returns plain data: { members: user → rooms at the beginning, events in the order of their ids, transactions by number }.
  async read() {
    await this.collect();
    const transactions = await this.scene.database.query('SELECT number, xid::text::bigint AS xid, snapshot FROM written WHERE number > $1', [this.transaction]);
    return {
      members: this.members,
      events: [...this.#events.values()].sort((one, other) => one.id - other.id),
      transactions: transactions.map(({ number, xid, snapshot }) => ({ number: Number(number), xid: Number(xid), snapshot: parseSnapshot(snapshot) })),
    };
  }
}
