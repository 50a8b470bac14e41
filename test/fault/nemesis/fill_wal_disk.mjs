// fill_wal_disk.mjs: fills the disk of the WAL, which ends PostgreSQL. With room again it comes back, by itself or started by hand.

import { until } from '../../integration/harness/wait.mjs';

export const name = 'fill_wal_disk';
export const breaks = ['server'];
export const needs = 'disks';

const panics = ({ postgres }) => postgres.log().split(/PANIC:.*No space left/).length;

export async function strike(world) {
  const { postgres, database } = world;
  const before = panics(world);
  await postgres.disks.pg_wal.fill();
  await until('PostgreSQL panics', async () => {
    await database.query('SELECT pg_switch_wal()').catch(() => {});
    return panics(world) > before;
  });
  postgres.disks.pg_wal.free();
  const comesBack = () => database.query('SELECT').then(() => true, () => postgres.start().then(() => true, () => false));
  await until('PostgreSQL is back', comesBack, 30000);
}
