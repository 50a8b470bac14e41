// crash_server.mjs: the database and all its processes are killed; it recovers from its log.

export const name = 'crash_server';
export const breaks = ['server'];

export async function strike({ postgres }) {
  await postgres.crash();
  await postgres.start();
}
