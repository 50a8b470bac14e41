// Shows that the verdict can fail. Each kind of violation is planted into a record of received events, and the verdict finds that a
// bridge loses events if it reads the log by "id > the last id".

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { sees } from './causality.mjs';
import { brokenOff, report, summary } from './report.mjs';
import { judge, judgeLog } from './verdict.mjs';
import { World } from './world.mjs';

const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 1e6));

async function live(options = {}) {
  const world = await World.open({ seed, flow: 40, pace: 50, ...options });
  after(() => world.close());
  return world;
}

const world = await live({ flow: 80 });
const sound = await world.round();
const { record } = world;

test('finds no violation in a round without faults', (t) => {
  t.diagnostic(`HERALD_SEED=${seed}; ${summary([], sound)}`);
  if (sound.violations.length > 0) assert.fail(report(seed, sound, record));
});

// Returns the kinds of violations that the verdict finds after damage() has changed a copy of the record.
function kindsAfter(damage) {
  const copy = structuredClone(record);
  const options = damage(copy);
  return [...new Set(judge(copy.history, copy.clients, { ...copy, ...options }).violations.map(({ kind }) => kind))];
}

const plain = ({ clients }) => clients.find(({ name }) => name.includes('(plain, steady'));
const socketIo = ({ clients }) => clients.find(({ name }) => name.includes('(socketIo, steady'));
const eventOf = ({ history }, entry) => history.events.find(({ id, key }) => id === entry.id || key === entry.key);
const snapshotOf = ({ history }, event) => history.transactions.find(({ xid }) => xid === event.xid)?.snapshot;

// Finds a message that a former member must not receive: [the member's client, its leaving, the message].
function findSecret({ history, clients }) {
  for (const left of history.events.filter(({ leaves }) => leaves?.startsWith('conversation:'))) {
    const client = clients.find(({ name, user }) => user === left.member && /plain|eventSource/.test(name));
    const back = history.events.find(({ id, member, joins }) => Number(id) > Number(left.id) && member === left.member && joins === left.leaves);
    const secret = client && history.events.find((event) => event.rooms.length === 1 && event.rooms[0] === left.leaves &&
      (!back || Number(event.id) < Number(back.id)) && event.xid !== left.xid && snapshotOf({ history }, event) && sees(snapshotOf({ history }, event), left.xid));
    if (secret) return [client, left, secret];
  }
  throw new Error('no user left a conversation that went on');
}

test('reports an event that was not received as missing', () => {
  for (const find of [plain, socketIo]) {
    assert.deepEqual(kindsAfter((copy) => { find(copy).received.pop(); }), ['missing']);
  }
});

test('reports an event that was received twice as duplicated', () => {
  for (const find of [plain, socketIo]) {
    assert.deepEqual(kindsAfter((copy) => { find(copy).received.push(find(copy).received.at(-1)); }), ['duplicated']);
  }
});

test('counts events with the same key: one too many is duplicated, one too few missing', () => {
  const alike = (copy) => {
    const { received } = socketIo(copy);
    const other = { ...eventOf(copy, received.at(-1)), id: '999999999', rooms: ['user:999'] };
    copy.history.events.push(other);
    return received;
  };
  assert.deepEqual(kindsAfter((copy) => { alike(copy); }), []);
  assert.deepEqual(kindsAfter((copy) => { const received = alike(copy); received.push(received.at(-1)); }), ['duplicated']);
  assert.deepEqual(kindsAfter((copy) => { const received = alike(copy); received.pop(); }), ['missing']);
});

test('reports an event after one that causally follows it as out of order', () => {
  assert.deepEqual(kindsAfter((copy) => {
    const { received } = plain(copy);
    received.push(...received.splice(received.findIndex(({ name }) => name === 'notification:new'), 1));
  }), ['out of order']);
});

test('reports events of one transaction in another order as out of order', () => {
  assert.deepEqual(kindsAfter((copy) => {
    const { received } = plain(copy);
    const index = received.findIndex((entry, n) => n > 0 && eventOf(copy, entry).xid === eventOf(copy, received[n - 1]).xid);
    [received[index - 1], received[index]] = [received[index], received[index - 1]];
  }), ['out of order']);
});

test('reports an event that is not in the log as rolled back', () => {
  for (const find of [plain, socketIo]) {
    const kinds = kindsAfter((copy) => {
      const gone = eventOf(copy, find(copy).received.at(-1));
      copy.history.events = copy.history.events.filter((event) => event !== gone);
    });
    assert.deepEqual(kinds, ['rolled back']);
  }
});

// Returns the text of a position that has seen what a snapshot sees.
function positionOf({ xmax, running }) {
  const [length, ...others] = [xmax, ...running].map((xid) => xid.toString(16));
  return ['1', 'ab', '1', '0', ['0', '0', length, '0', ...others].join('.')].join('~');
}

test('reports an event after a position that has seen it', () => {
  for (const find of [plain, socketIo]) {
    const tell = (copy, after) => {
      const { received, positions } = find(copy);
      const last = eventOf(copy, received.at(-1));
      positions.push({ at: 0, after, position: positionOf({ xmax: last.xid + 1, running: [] }) });
      return received;
    };
    assert.deepEqual(kindsAfter((copy) => { tell(copy, find(copy).received.length); }), []);
    assert.deepEqual(kindsAfter((copy) => { tell(copy, find(copy).received.length - 1); }), ['after its position']);
  }
});

test('reports an event as missing that the client was told a position after, also if it was not recovered later', () => {
  const missing = (copy, told) => {
    const client = plain(copy);
    const { xid } = eventOf(copy, client.received.at(-1));
    const at = Date.now();
    client.received.pop();
    if (told) client.positions.push({ at: at - 1, after: client.received.length, position: positionOf({ xmax: xid + 1, running: [] }) });
    client.welcomes.push({ at, after: client.received.length, recovered: false });
    return { forgets: [{ from: at, to: at }] };
  };
  assert.deepEqual(kindsAfter((copy) => missing(copy, false)), []);
  assert.deepEqual(kindsAfter((copy) => missing(copy, true)), ['missing']);
});

test('reports an event of a room that the client never joined', () => {
  assert.ok(kindsAfter((copy) => {
    const client = plain(copy);
    const foreign = copy.history.events.find(({ name, rooms }) => name === 'fault:note' && rooms[0] !== `user:${client.user}`);
    client.received.push({ at: Date.now(), id: foreign.id });
  }).includes('not in the room'));
});

test('reports an event of a room that the client had left', () => {
  assert.ok(kindsAfter((copy) => {
    const [{ received }, left, secret] = findSecret(copy);
    received.splice(received.findIndex(({ id }) => id === left.id) + 1, 0, { at: Date.now(), id: secret.id });
  }).includes('not in the room'));
});

test('accepts "recovered: false" only where the log was trimmed, and requires all later events', () => {
  const anew = (copy, rest) => {
    const client = plain(copy);
    const at = client.received[20].at;
    client.welcomes.unshift({ at, after: 10, recovered: false });
    client.received.splice(10, 10);
    if (rest) client.received.splice(-1);
    return { at };
  };
  assert.deepEqual(kindsAfter((copy) => { anew(copy); }), ['not recovered']);
  assert.deepEqual(kindsAfter((copy) => { const { at } = anew(copy); return { forgets: [{ from: at, to: at }] }; }), []);
  assert.deepEqual(kindsAfter((copy) => { const { at } = anew(copy, true); return { forgets: [{ from: at, to: at }] }; }), ['missing']);
});

test('reports a log that differs from the committed transactions', () => {
  const kinds = (damage) => {
    const copy = structuredClone(record);
    damage(copy, copy.written.find(({ outcome, names }) => outcome === 'committed' && Object.keys(names).length > 0));
    return judgeLog(copy.history, copy.written).map(({ kind }) => kind);
  };
  assert.deepEqual(kinds(() => {}), []);
  assert.deepEqual(kinds((_, transaction) => { transaction.outcome = 'rolled back'; }), ['written, though rolled back']);
  assert.deepEqual(kinds(({ history, written }) => {
    const { number } = written.find(({ outcome }) => outcome === 'rolled back');
    history.events.push({ ...history.events.at(-1), key: `fault:note [["text","Number ${number}.1"]]` });
  }), ['written, though rolled back']);
  assert.deepEqual(kinds(({ history }, { number }) => {
    history.transactions = history.transactions.filter((transaction) => transaction.number !== number);
  }), ['not written, though committed']);
  assert.deepEqual(kinds(({ history }, { number }) => {
    const { xid } = history.transactions.find((transaction) => transaction.number === number);
    history.events = history.events.filter((event) => event.xid !== xid);
  }), ['not as written']);
});

// Replaces read_events() by a naive reader that remembers the last id instead of a position.
const byId = (last) => `
  ALTER FUNCTION herald.read_events RENAME TO read_by_position;
  CREATE FUNCTION herald.read_events(text, text DEFAULT NULL, text[] DEFAULT NULL, int DEFAULT 1000, int DEFAULT NULL,
                                      boolean DEFAULT false)
  RETURNS TABLE (id bigint, rooms text[], name text, payload text, "position" text, member_id text, joins text, leaves text,
                 ack text, xid xid8, logged_ms bigint, more boolean, lag_events bigint,
                 key text, except_user text, recheck_user text, recheck_room text, access text, signal boolean)
  LANGUAGE plpgsql SECURITY DEFINER AS $$
  DECLARE
    last bigint := coalesce(nullif(current_setting('fault.last', true), '')::bigint, ${last});
  BEGIN
    IF $2 IS NOT NULL THEN
      RETURN QUERY SELECT * FROM herald.read_by_position($1, $2, $3, $4, $5, $6);
      RETURN;
    END IF;
    FOR id, rooms, name, payload, "position", member_id, joins, leaves, ack, xid, logged_ms, more, lag_events IN
      SELECT e.id, e.rooms, e.name, e.payload::text, herald.current_position(), e.member_id, e.joins, e.leaves, e.ack, e.xid, 0, false, 0
      FROM herald.event AS e WHERE e.id > last AND e.name IS NOT NULL
      UNION ALL
      SELECT e.id + 1, ARRAY['user:' || n.recipient_id], 'notification:new', herald_internal.notification_json(n, false)::text,
        herald.current_position(), NULL, NULL, NULL, NULL, e.xid, 0, false, 0
      FROM herald.event AS e JOIN herald.notification AS n ON n.recipient_id = e.recipient_id AND n.id = e.notification_id
      WHERE e.id + 1 > last
      ORDER BY 1
    LOOP
      PERFORM set_config('fault.last', id::text, false);
      RETURN NEXT;
    END LOOP;
    RETURN QUERY SELECT NULL::bigint, NULL::text[], NULL, NULL, herald.current_position(), NULL, NULL, NULL, NULL, NULL::xid8, NULL::bigint, false, 0::bigint, NULL, NULL, NULL, NULL, NULL, false;
  END
  $$`;

test('finds the losses of a bridge that reads by "id > the last id"', { timeout: 300000 }, async (t) => {
  const naive = await live({ bridges: 1, clients: 8, habits: ['steady'] });
  assert.equal((await naive.round()).counts.lost, 0);
  await naive.database.query(byId(await naive.database.value('SELECT max(id) + 1 FROM herald.event')));
  const outcome = await naive.round();
  t.diagnostic(summary([{ name: 'id > last' }], outcome));
  const { lost, received } = outcome.counts;
  assert.ok(lost > 0 && received > lost, 'the verdict finds lost events');
});

test('names the seed and the faults of a round that breaks off', async () => {
  const broken = { name: 'broken', breaks: [], strike: () => Promise.reject(new Error('it did not strike')) };
  await assert.rejects(world.round([broken]), { message: `HERALD_SEED=${seed}: the round of broken broke off: it did not strike` });
});

test('prints seed, faults and error of a round that broke off', () => {
  const line = brokenOff(20261128, [{ name: 'retention' }, { name: 'kill_bridge' }], new Error('waited in vain'));
  assert.match(line, /^HERALD_SEED=20261128, broke off during retention \+ kill_bridge\nError: waited in vain/);
});
