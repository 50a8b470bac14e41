// fill_data_disk.mjs: fills the disk of the data for a while. Statements that need room fail; the application's writes fail
// together with their events.

import { until } from '../../integration/harness/wait.mjs';
import { DISK_FULL } from '../sessions.mjs';

export const name = 'fill_data_disk';
export const breaks = ['server'];
export const needs = 'disks';

export async function strike({ postgres, refused }) {
  const times = () => refused[DISK_FULL] ?? 0;
  const before = times();
  await postgres.disks.base.fill();
  await until('statements of writers fail', () => times() >= before + 50);
  postgres.disks.base.free();
}
