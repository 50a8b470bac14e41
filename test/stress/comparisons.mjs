// comparisons.mjs: compares the answers of pg_herald after a history with the oracle, and with each other.

import { USERS } from './history.mjs';

const users = Array.from({ length: USERS }, (_, n) => n + 1);

export async function rows(from, text, values) {
  const found = await from.query(text, values);
  return found.rows ?? found;    // from a connection or a database
}

// Reads a list page by page, as a client does that scrolls.
async function pages(client, call, user, size) {
  const found = [];
  for (;;) {
    const page = await rows(client, `SELECT * FROM ${call}`, [String(user), found.at(-1)?.id ?? null, size]);
    found.push(...page);
    if (page.length < size) return found;
  }
}

// The state of a client that has read the log from a position: the notifications of each user.
async function replay(client, position) {
  const inboxes = new Map(users.map((user) => [String(user), { notifications: new Map(), announced: new Set(), twice: [], badge: 0 }]));
  for (let more = true; more;) {
    const page = await rows(client, 'SELECT id, rooms, name, payload, position, more FROM herald.read_events($1, max_events => 97)', [position]);
    ({ position, more } = page.at(-1));
    for (const { id: number, rooms, name, payload } of page) {
      const [subject, event] = (name ?? '').split(':');
      if (subject === 'notification') hear(inboxes.get(rooms[0].slice('user:'.length)), event, JSON.parse(payload), number);
    }
  }
  return inboxes;
}

// A notification that is restored during mark_all_read() may be announced with its former state.
const overlaps = ({ allRead }, event, number) => event === 'restored' && number - allRead < 200;

function hear(inbox, event, { id, ids, all, until, read, count }, number) {
  const { notifications, announced } = inbox;
  if (event === 'unarchived') ids.forEach((one) => notifications.has(one) || notifications.set(one, {}));    // a client requests it
  const chosen = (all ? [...notifications.keys()].filter((one) => Number(one) <= Number(until)) : ids ?? []).map((one) => notifications.get(one)).filter((known) => known);
  if (event === 'new' && announced.has(id)) inbox.twice.push(id);
  if (event === 'new') announced.add(id);
  if (event === 'new' || event === 'restored') notifications.set(id, { read: overlaps(inbox, event, number) ? undefined : read, archived: false });
  if (all) inbox.allRead = number;
  if (event === 'removed') ids.forEach((one) => notifications.delete(one));
  if (event === 'read') chosen.forEach((known) => { known.read = true; });
  if (event === 'reopened') chosen.forEach((known) => { known.read = false; });
  if (event === 'archived') chosen.forEach((known) => { known.archived = true; });
  if (event === 'unarchived') chosen.forEach((known) => { known.archived = false; });
  if (event === 'unread') inbox.badge = count;
}

// ----- comparisons: each returns its differences as text

const both = (expected, actual) => `
  WITH expected AS MATERIALIZED (${expected}), actual AS MATERIALIZED (${actual})
  SELECT 'missing' AS what, e.* FROM (TABLE expected EXCEPT ALL TABLE actual) AS e
  UNION ALL SELECT 'too much', a.* FROM (TABLE actual EXCEPT ALL TABLE expected) AS a ORDER BY 2, 3, 1`;
export const inWords = (found) => found.map((row) => Object.entries(row).map(([key, value]) => `${key} ${value}`).join(', '));

export const COMPARISONS = {
  // Users with several marking sessions are left out here; their marks are compared with their events, below.
  async 'inboxes and tables'(client) {
    const state = 'recipient, cause, type, actor, subject_type, subject_id, archived AND recipient % 5 <> 0 AS archived, unread AND NOT archived AND recipient % 5 <> 0 AS unread';
    return inWords(await rows(client, both(`SELECT ${state} FROM expected_inbox()`, `SELECT ${state} FROM users AS u CROSS JOIN LATERAL (
      SELECT u.id AS recipient, i.cause, i.type, i.actor_id::int AS actor, i.subject_type, i.subject_id::int AS subject_id, i.archived_at IS NOT NULL AS archived, i.read_at IS NULL AS unread
      FROM (SELECT * FROM herald.inbox(u.id::text, max => 10000) UNION ALL SELECT * FROM herald.inbox(u.id::text, max => 10000, archived => true)) AS i) AS i`)));
  },

  async 'pages, groups and badges'(client) {
    const differences = [];
    for (const user of users) {
      const found = await rows(client, `SELECT i.*, group_of(i.id, i.type, i.actor_id::int, i.subject_type, i.subject_id::int) AS group_key
        FROM herald.inbox($1, max => 10000) AS i`, [String(user)]);
      const unread = found.filter(({ read_at: read }) => !read);
      const check = (what, actual, expected) => {
        if (JSON.stringify(actual) !== JSON.stringify(expected)) differences.push(`user ${user}, ${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
      };
      const ids = (list) => list.map(({ id }) => id);
      check('pages', ids(await pages(client, 'herald.inbox($1, $2, $3)', user, 7)), ids(found));
      check('pages of unread', ids(await pages(client, 'herald.inbox($1, $2, $3, only_unread => true)', user, 7)), ids(unread));
      check('groups', (await pages(client, 'herald.inbox_groups($1, $2, $3)', user, 5)).map(summary), inGroups(found));
      check('unread groups', ids(await pages(client, 'herald.inbox_groups($1, $2, $3, only_unread => true)', user, 5)), inGroups(found).filter((g) => g.unread > 0).map(({ id }) => id));
      const [badge] = await rows(client, 'SELECT herald.unread_count($1, false)::int AS flat, herald.unread_count($1, true)::int AS grouped', [String(user)]);
      check('badge', badge, { flat: unread.length, grouped: new Set(unread.map((n) => n.group_key)).size });
    }
    return differences;
  },

  async 'totals and tables'(client) {
    return inWords(await rows(client, `SELECT e.relation, e.counted, e.total AS expected, t.total AS actual FROM expected_total AS e
      JOIN herald_internal.counter AS c USING (relation) CROSS JOIN LATERAL unnest(herald_internal.totals_of(ARRAY[c.id], ARRAY[e.counted::text])) AS t (total) WHERE e.total IS DISTINCT FROM t.total ORDER BY 1, 2`));
  },

  async 'events and journal'(client) {
    return inWords(await rows(client, both('SELECT cause, name FROM expected_event', 'SELECT cause, name FROM logged_event')));
  },

  async 'what clients heard'(client, start) {
    const differences = [];
    for (const [user, { notifications, twice, badge }] of await replay(client, start)) {
      const listed = await rows(client, 'SELECT id, read_at IS NOT NULL AS read, cause FROM herald.inbox($1, max => 10000)', [user]);
      const asked = new Map(listed.map(({ id, read }) => [id, read]));
      const state = (id, read) => `${id}${read ? '' : ' unread'}`;
      const shown = listed.map(({ id, read }) => state(id, read));
      const heard = [...notifications].filter(([, { archived }]) => !archived).map(([id, { read = asked.get(id) }]) => state(id, read));
      for (const one of heard) if (!shown.includes(one)) differences.push(`user ${user}: heard of ${one}, not listed so`);
      for (const [n, one] of shown.entries()) if (!heard.includes(one)) differences.push(`user ${user}: ${one} is listed, not heard of so, cause ${listed[n].cause}`);
      for (const id of twice) differences.push(`user ${user}: ${id} was announced twice`);
      const [{ unread }] = await rows(client, 'SELECT herald.unread_count($1)::int AS unread', [user]);
      if (badge !== unread) differences.push(`user ${user}: the badge heard of last is ${badge} instead of ${unread}`);
    }
    return differences;
  },
};

const summary = (group) => ({ id: group.id, group: group.group_key, actors: Number(group.actor_count), count: Number(group.count), unread: Number(group.unread), first: group.first_unread });

// The groups of a list; the group with the newest notification comes first.
function inGroups(found) {
  const groups = found.reduce((map, n) => map.set(n.group_key, [...map.get(n.group_key) ?? [], n]), new Map());
  return [...groups].map(([key, members]) => {
    const unread = members.filter(({ read_at: read }) => !read);
    return { id: members[0].id, group: key, actors: new Set(members.map((n) => n.actor_id)).size, count: members.length, unread: unread.length, first: unread.at(-1)?.id ?? null };
  });
}

// Returns every comparison that found differences, with the first of them.
export async function compare(client, start) {
  const found = {};
  for (const [name, comparison] of Object.entries(COMPARISONS)) {
    const differences = await comparison(client, start);
    if (differences.length) found[name] = [...differences.slice(0, 8), `${differences.length} in all`];
  }
  return found;
}
