// log_retention.mjs: makes retention remove events soon, also on a busy machine.

import { until } from './wait.mjs';

const PATIENCE = 90000;

async function setWindow(database, setting) {
  await database.query(`ALTER SYSTEM ${setting}`);
  await database.query('SELECT pg_reload_conf()');
}

export const resetWindow = (database) => setWindow(database, 'RESET herald.recovery_window');

// Maintains the log until retention has removed events after the position. The recovery window starts at a second.
//
// A partition of the log is out of use for one and a half windows, and may be emptied one window after maintain() has marked it.
// This leaves half a window for a mark, an unlocked partition and one more call. On a busy machine half a second is too short,
// however often maintain() tries. So the window doubles after four windows without success.
export async function removeEventsAfter(position, database) {
  let [seconds, deadline] = [0.5, 0];
  await until('retention has removed events after the position', async () => {
    if (Date.now() >= deadline) {
      seconds *= 2;
      await setWindow(database, `SET herald.recovery_window = '${seconds}s'`);
      deadline = Date.now() + 4000 * seconds;
    }
    await database.query('SELECT herald.maintain()');
    return !await database.value("SELECT recovered FROM herald_internal.resume(ARRAY[$1], '{}')", [position]);
  }, PATIENCE);
}
