// abandon_prepared.mjs: leaves a transaction prepared for a minute, across the faults of other rounds, and commits it then.

export const name = 'abandon_prepared';
export const breaks = ['log', 'clock'];
export const needs = 'time';
export const lasts = 60000;

export async function strike({ database }) {
  const writer = await database.connect();
  await writer.query("BEGIN; SELECT herald.broadcast('fault:abandoned', '{}')");
  await writer.query("PREPARE TRANSACTION 'abandoned'");
  await writer.end();
}

export const heal = ({ database }) => database.query("COMMIT PREPARED 'abandoned'");
