// crash_backend.mjs: kills one backend, so that the postmaster ends all backends and recovers.

import { until } from '../../integration/harness/wait.mjs';
import { BRIDGES, sessionsOf } from '../sessions.mjs';

export const name = 'crash_backend';
export const breaks = ['server'];

const checkpointer = ({ database }) => database.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");

export async function strike(world) {
  const old = await checkpointer(world);
  process.kill(world.random.choose(await sessionsOf(world.database, BRIDGES)), 'SIGKILL');
  await until('the server is back', () => checkpointer(world).then((pid) => pid !== old, () => false), 60000);
}
