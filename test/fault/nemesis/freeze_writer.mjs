// freeze_writer.mjs: a process of the database hangs in the middle of an application's transaction.

export const name = 'freeze_writer';
export const breaks = 'transaction';

let writer;

export async function strike({ database, postgres }) {
  writer = await database.connect();
  await writer.query("BEGIN; SELECT herald.broadcast('fault:before', '{}')");
  await postgres.pause(writer.processID);
}

// A crash of the server ends it as well.
export async function heal({ postgres }) {
  await postgres.proceed(writer.processID).catch(() => {});
  await writer.query("SELECT herald.broadcast('fault:behind', '{}'); COMMIT").catch(() => {});
  await writer.end();
}
