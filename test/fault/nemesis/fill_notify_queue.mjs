// fill_notify_queue.mjs: NOTIFY fails, because somebody who listens stays in a transaction and the queue finds no room any more: on
// its disk here, which takes a moment; its own limit, 8 GB before PostgreSQL 17, stops the same statement in the same place.

import { until } from '../../integration/harness/wait.mjs';
import { DISK_FULL } from '../sessions.mjs';

export const name = 'fill_notify_queue';
export const breaks = ['doorbell'];
export const needs = 'disks';

// scene: of a world or without one. Returns what makes room again.
export async function stuff({ database, postgres: { disks } }) {
  const listener = await database.connect();
  await listener.query('LISTEN elsewhere');
  await listener.query('BEGIN');
  await listener.query('SELECT');
  await disks.pg_notify.fill();
  const refuses = (statement) => () => database.query(statement).then(() => false, ({ code }) => code === DISK_FULL);
  await until('there is no room', refuses("SELECT pg_notify('anything', rpad(n::text, 7900, '-')) FROM generate_series(1, 20) AS n"));
  await until('nor in the last page', refuses("SELECT pg_notify('anything', n::text) FROM generate_series(1, 200) AS n"));
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
