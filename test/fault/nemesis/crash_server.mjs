// crash_server.mjs: kills PostgreSQL with all its processes; it recovers from its WAL.

export const name = 'crash_server';
export const breaks = ['server'];

export async function strike({ postgres }) {
  await postgres.crash();
  await postgres.start();
}
