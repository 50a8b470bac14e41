// long_transaction.mjs: keeps a transaction open for long; it writes at its beginning and at its end.

export const name = 'long_transaction';
export const breaks = ['transaction'];

let writer;

export async function strike({ database }) {
  writer = await database.connect();
  await writer.query("BEGIN; SELECT herald.broadcast('fault:early', '{}')");
}

export async function heal() {
  await writer.query("SELECT herald.broadcast('fault:late', '{}'); COMMIT");
  await writer.end();
}
