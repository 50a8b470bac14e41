// retention.mjs: while a bridge is away, the log gives up what its clients have not seen.

import { until } from '../../integration/harness/wait.mjs';

export const name = 'retention';
export const breaks = ['log', 'bridge'];
export const forgets = true;

let victim;

async function setWindow(database, setting) {
  await database.query(`ALTER SYSTEM ${setting}`);
  await database.query('SELECT pg_reload_conf()');
}

export async function strike({ bridges, database, random }) {
  victim = random.choose(bridges);
  await victim.kill();
  const position = await database.value('SELECT herald.current_position()');
  await setWindow(database, "SET herald.recovery_window = '1s'");
  await until('the log has given up something', async () => {
    await database.query('SELECT herald.maintain()');
    return !await database.value("SELECT recovered FROM herald_internal.resume(ARRAY[$1], '{}')", [position]);
  });
}

export async function heal({ database }) {
  await setWindow(database, 'RESET herald.recovery_window');
  await victim.start();
}
