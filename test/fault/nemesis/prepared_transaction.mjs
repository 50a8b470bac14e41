// prepared_transaction.mjs: leaves a transaction prepared for a while, then commits it or rolls it back.

export const name = 'prepared_transaction';
export const breaks = ['transaction'];

export async function strike({ database }) {
  const writer = await database.connect();
  await writer.query("BEGIN; SELECT herald.broadcast('fault:prepared', '{}')");
  await writer.query("PREPARE TRANSACTION 'fault'");
  await writer.end();
}

export async function heal({ database, random }) {
  await database.query(`${random.oneIn(3) ? 'ROLLBACK' : 'COMMIT'} PREPARED 'fault'`);
}
