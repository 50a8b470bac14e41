// Full disks: of the WAL, which ends PostgreSQL, and of the data, which fails what is written.

import { refused } from './own_machine.mjs';
import assert from 'node:assert/strict';
import path from 'node:path';
import { after } from 'node:test';
import { until } from '../integration/harness/wait.mjs';
import { ready } from './sessions.mjs';
import { SmallDisk } from './small_disk.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const DISK_FULL = '53100';

const world = refused ? null : await World.open({ seed, clients: 16, settings: ['max_wal_size=64MB', 'wal_recycle=off'] });
after(() => world?.close());

// Folders of its data that are on small disks, after the server was started anew.
async function putOnSmallDisks({ postgres }, sizes) {
  await postgres.stop();
  const disks = Object.entries(sizes).map(([folder, size]) => new SmallDisk(path.join(postgres.directory, 'data', folder), size));
  await postgres.start();
  await ready(world);
  return disks;
}

const [wal, data] = refused ? [] : await putOnSmallDisks(world, { pg_wal: '64M', base: '96M' });

trial(world, {
  name: 'the disk of the WAL is full',
  crashes: true,
  async strike({ postgres, database }) {
    wal.fill();
    await until('PostgreSQL panics', async () => {
      await database.query('SELECT pg_switch_wal()').catch(() => {});
      return /PANIC:.*No space left/.test(postgres.log());
    });
    wal.free();
    const comesBack = () => database.query('SELECT').then(() => true, () => postgres.start().then(() => true, () => false));
    await until('it is back, by itself or started anew', comesBack, 30000);
  },
  heal: ready,
}, { skip: refused });

trial(world, {
  name: 'the disk of the data is full',
  async strike({ bridges, refused: codes }) {
    data.fill();
    await until('writers are told', () => codes[DISK_FULL] >= 50);
    for (const bridge of bridges) assert.equal((await bridge.get('/readyz')).status, 200);
    data.free();
  },
  heal: ready,
}, { skip: refused });
