// inbox.mjs: inboxes with many unread notifications: the cost of one more, and of the functions that read them.

import { Load } from '../lib/load.mjs';
import { pgbench } from '../lib/pgbench.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Inbox: many unread notifications';
export const method = `Three users have 1,000 posts each, and none, 10,000 and 100,000 unread notifications of likes of them.
*One more like* runs at 50/s from the call of the \`INSERT\` until the connected author has the notification. Functions are
called by pgbench on one connection, and include a round trip and parsing. The measurement begins when maintenance has
folded the large inboxes. The marking functions are called for posts by chance.`;

const POSTS = 1000;
// One of the user's posts, but the one that gets one more like.
const ANY_POST = (user) => `\\set post random(2, ${POSTS}) + ${user * 100000}\n`;
const FUNCTIONS = {
  'unread_count()': (user) => `SELECT herald.unread_count('${user}');`,
  'unread_count(), grouped': (user) => `SELECT herald.unread_count('${user}', true);`,
  'inbox:list of 20': (user) => `SELECT herald_internal.act_inbox_list('${user}', '{"max": 20}');`,
  'inbox:list of 20, grouped': (user) => `SELECT herald_internal.act_inbox_list('${user}', '{"max": 20, "grouped": true}');`,
  'inbox_groups() of ten': (user) => `SELECT count(*) FROM herald.inbox_groups('${user}', max => 10);`,
  'mark_group_read()': (user) => `${ANY_POST(user)} SELECT herald.mark_group_read('${user}', concat_ws(':', 'like', 'post', :post::text));`,
  'mark_subject_read()': (user) => `${ANY_POST(user)} SELECT herald.mark_subject_read('${user}', 'post', :post::text);`,
};

export async function run(bench) {
  bench.measure('one more like until received, p50', 'ms', { relativeTo: 'none' });
  for (const name of Object.keys(FUNCTIONS)) bench.measure(name, 'ms', { relativeTo: 'none' });
  const stage = await Stage.open(['herald'], { settings: ['herald.inbox_limit=0'] });
  const { watched, contenders: [{ client, like }] } = stage;
  const load = new Load((faults) => bench.fault(faults));
  const users = [{ name: 'none', id: 1, likes: 0 }, { name: '10,000', id: 2, likes: 10 }, { name: '100,000', id: 3, likes: 100 }];

  bench.say('filling the inboxes');
  for (const { id, likes } of users) {
    await watched.query('INSERT INTO posts SELECT $1::int * 100000 + n, $1 FROM generate_series(1, $2::int) AS n', [id, POSTS]);
    await watched.query(`INSERT INTO likes SELECT 10000 + u, $1::int * 100000 + p FROM generate_series(1, $2::int) AS p, generate_series(1, $3::int) AS u`,
      [id, POSTS, likes]);
  }
  let folded = false;
  while (!folded) {
    await watched.query('SELECT herald.maintain()');
    [{ folded }] = await watched.query(`SELECT count(*) = 2 AS folded FROM herald_internal.unread_fold AS f
      WHERE f.folded_until = (SELECT max(n.id) FROM herald.notification AS n WHERE n.recipient_id = f.user_id)`);
  }
  await watched.query('VACUUM ANALYZE');
  let liker = 20000;
  await bench.inTurn(users, async ({ name, id }) => {
    const count = bench.size(150, 50);
    await load.connect({ ...client, room: undefined, tokens: tokens(1, id) });
    const statement = `INSERT INTO likes VALUES ($1, ${id * 100000 + 1})`;
    const { since_call: times } = await load.exchange({ ...like, statement }, count, { first: liker, key: '"actorId"', filler: 0, rate: 50 });
    liker += count;
    bench.add('one more like until received, p50', name, times.p50);
    for (const [label, sql] of Object.entries(FUNCTIONS)) {
      bench.add(label, name, (await pgbench(watched, sql(id), { transactions: bench.size(30, 10) })).average);
    }
  });
  load.close();
  await stage.close();
}
