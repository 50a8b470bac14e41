// freeze_writer.mjs: stops a backend in the middle of an application's transaction.

export const name = 'freeze_writer';
export const breaks = ['transaction'];

let writer;

export async function strike({ database, postgres }) {
  writer = await database.connect();
  await writer.query("BEGIN; SELECT herald.broadcast('fault:before', '{}')");
  await postgres.pause(writer.processID);
}

export async function heal({ postgres }) {
  await postgres.proceed(writer.processID);
  await writer.query("SELECT herald.broadcast('fault:behind', '{}'); COMMIT");
  await writer.end();
}
