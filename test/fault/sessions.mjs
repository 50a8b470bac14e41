// sessions.mjs: finds, terminates and stops the backends that serve bridges.

import { until } from '../integration/harness/wait.mjs';

// The SQLSTATE of a full disk.
export const DISK_FULL = '53100';

export const BRIDGES = ['doorbell', 'reader', 'rooms', 'replay', 'presence', 'actions'];

// Returns the process ids of the backends that bridges use for these purposes.
export async function sessionsOf(database, uses) {
  const rows = await database.query('SELECT pid FROM pg_stat_activity WHERE application_name = ANY ($1)', [uses.map((use) => `herald-bridge ${use}`)]);
  return rows.map(({ pid }) => pid);
}

export async function terminate(database, uses) {
  const gone = await sessionsOf(database, uses);
  await database.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [gone]);
}

// Stops one of these backends while it waits for a query and so holds no lock. Returns the function that lets it go on.
export function freeze({ database, postgres, random }, uses) {
  return until('a session waits for a query', async () => {
    const pid = random.choose(await sessionsOf(database, uses));
    if (!pid) return false;
    const proceed = () => postgres.proceed(pid).catch(() => {});
    await postgres.pause(pid);
    if (await database.value("SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'ClientRead'", [pid])) return proceed;
    await proceed();
    return false;
  });
}

// Waits until all bridges have caught up with the database and listen for its doorbell.
export async function ready({ bridges, database }) {
  await Promise.all(bridges.map((bridge) => bridge.ready()));
  await until('all bridges listen', async () => (await sessionsOf(database, ['doorbell'])).length >= bridges.length);
}
