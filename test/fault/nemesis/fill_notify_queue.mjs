// fill_notify_queue.mjs: makes NOTIFY fail. A listener stays in a transaction, so that the queue cannot shrink, and its disk is full.
// The queue's own limit, 8 GB before PostgreSQL 17, would stop the same statement in the same place, but takes longer to reach.

import { until } from '../../integration/harness/wait.mjs';
import { DISK_FULL } from '../sessions.mjs';

export const name = 'fill_notify_queue';
export const breaks = ['doorbell'];
export const needs = 'disks';

// scene: a World or a Scene. Returns the function that makes room again.
export async function stuff({ database, postgres: { disks } }) {
  const listener = await database.connect();
  await listener.query('LISTEN elsewhere');
  await listener.query('BEGIN');
  await listener.query('SELECT');
  await disks.pg_notify.fill();
  const refuses = (statement) => () => database.query(statement).then(() => false, ({ code }) => code === DISK_FULL);
  await until('no page has room', refuses("SELECT pg_notify('anything', rpad(n::text, 7900, '-')) FROM generate_series(1, 20) AS n"));
  await until('the last page is full', refuses("SELECT pg_notify('anything', n::text) FROM generate_series(1, 200) AS n"));
  return async () => {
    disks.pg_notify.free();
    await listener.end();
  };
}

let makeRoom;

export async function strike(world) {
  makeRoom = await stuff(world);
}

export const heal = () => makeRoom();
