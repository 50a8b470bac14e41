// growth.mjs: a long log, many watched tables, many sessions, and an old transaction: what each of them costs.

import { until } from '../../test/integration/harness/wait.mjs';
import { Load } from '../lib/load.mjs';
import { pgbench } from '../lib/pgbench.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'Growth: long logs, many tables, sessions, an old transaction';
export const method = `Likes by eight clients, and events published at 200/s to one client, under conditions that an installation grows
into: a log of 5 million rows, 1,000 more watched tables, 19,000 other sessions, and a transaction that is older than
all likes. No session but one belongs to a user whose posts are liked. *No trigger* has the same tables, which nobody watches.
A short run has a tenth of the rows, tables and sessions.`;

// The first of the users whom no like concerns: the tables have 10,000 posts, one of each user from 1 on.
const WITHOUT_POSTS = 20001;

const LIKE = `\\set user random(1, 100000)
\\set post random(2, 10000)
INSERT INTO likes VALUES (:user, :post) ON CONFLICT DO NOTHING;
`;

// Watches tables that nothing else depends on, each by a rule of its own. Each is a transaction, as migrations are.
function watchTables(database, count) {
  return database.query(`DO $do$
    BEGIN
      FOR n IN 1 .. ${count} LOOP
        EXECUTE format('CREATE TABLE comments_%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, post_id bigint REFERENCES posts,
          user_id bigint REFERENCES users, content text)', n);
        EXECUTE format($$SELECT herald.watch('comments_%s', 'comment_made', event => 'comment:made', room => 'post:{post_id}',
          payload => 'jsonb_build_object(''by'', new.user_id)')$$, n);
        COMMIT;
      END LOOP;
    END $do$`);
}

export async function run(bench) {
  const [rows, tables, sessions] = [5000000, 1000, 19000].map((number) => number / bench.size(1, 10));
  const relativeTo = 'small';
  bench.measure('likes/s, 8 clients', 'likes/s', { less: false, relativeTo });
  for (const share of ['p50', 'p99']) bench.measure(`published at 200/s, call until received, ${share}`, 'ms', { relativeTo });

  bench.say(`publishing ${rows.toLocaleString('en-US')} events, and watching ${tables.toLocaleString('en-US')} tables`);
  const [small, long, wide] = [await Stage.open(['herald']), await Stage.open(['herald']), await Stage.open(['herald'])];
  await long.watched.query("SELECT count(herald.publish('post:9999', 'old', jsonb_build_object('old', n, 'x', repeat('x', 200)))) FROM generate_series(1, $1::int) AS n", [rows]);
  await watchTables(wide.watched, tables);
  await until('the bridge has read the log', async () => await long.bridge.metric('herald_events_read_total') >= rows, 1200000);
  const check = (faults) => bench.fault(faults);
  const [load, crowd] = [new Load(check), new Load(check)];

  const like = async (name, database) => bench.add('likes/s, 8 clients', name, (await pgbench(database, LIKE, { clients: 8, seconds: bench.size(4, 2) })).rate);
  const measure = async (name, stage) => {
    const [{ client, destination }] = stage.contenders;
    await load.connect({ ...client, tokens: tokens(1) });
    const { since_call: times } = await load.exchange(destination, 200 * bench.size(4, 2), { rate: 200 });
    for (const share of ['p50', 'p99']) bench.add(`published at 200/s, call until received, ${share}`, name, times[share]);
    await like(name, stage.watched);
  };
  // Runs work beside a transaction that has an id.
  const besideOldTransaction = async (database, statement, work) => {
    const session = await database.connect();
    await session.query(`BEGIN; ${statement}`);
    await work();
    await session.end();
  };
  const [{ name: unwatched, database: bare }] = small.writers.all;
  const plain = ({ name, stage }) => measure(name, stage);
  await bench.inTurn([
    { name: 'small', stage: small, work: plain },
    { name: `log of ${rows.toLocaleString('en-US')} rows`, stage: long, work: plain },
    { name: `${tables.toLocaleString('en-US')} more watched tables`, stage: wide, work: plain },
    { name: 'an old transaction', stage: small,
      work: (condition) => besideOldTransaction(small.watched, "SELECT herald.publish('post:9999', 'late', '{}')", () => plain(condition)) },
    { name: `${sessions.toLocaleString('en-US')} other sessions`, stage: small, async work(condition) {
      await crowd.connect({ ...small.contenders[0].client, room: undefined, count: sessions, tokens: tokens(sessions, WITHOUT_POSTS) });
      await plain(condition);
      await crowd.forget();
      await until('the crowd has left', async () => await small.bridge.metric('herald_sessions') < 2);
    } },
    { name: unwatched, work: () => like(unwatched, bare) },
    { name: `${unwatched}, an old transaction`,
      work: ({ name }) => besideOldTransaction(bare, 'SELECT pg_current_xact_id()', () => like(name, bare)) },
  ], (condition) => condition.work(condition));
  load.close();
  crowd.close();
  for (const stage of [small, long, wide]) await stage.close();
}
