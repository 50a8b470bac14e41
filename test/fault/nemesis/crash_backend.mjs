// crash_backend.mjs: one process of the database is killed, so that the postmaster ends all of them and recovers.

import { BRIDGES, ready, sessionsOf } from '../sessions.mjs';

export const name = 'crash_backend';
export const breaks = 'server';
export const crashes = true;

export async function strike({ database, random }) {
  process.kill(random.choose(await sessionsOf(database, BRIDGES)), 'SIGKILL');
}

export const heal = ready;
