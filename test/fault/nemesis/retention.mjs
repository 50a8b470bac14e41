// retention.mjs: while a bridge is down, retention removes events that its clients have not received.

import { removeEventsAfter, resetWindow } from '../../integration/harness/log_retention.mjs';

export const name = 'retention';
export const breaks = ['log', 'bridge'];
export const forgets = true;

let victim;

export async function strike({ bridges, database, random }) {
  victim = random.choose(bridges);
  await victim.kill();
  await removeEventsAfter(await database.value('SELECT herald.current_position()'), database);
}

export async function heal({ database }) {
  await resetWindow(database);
  await victim.start();
}
