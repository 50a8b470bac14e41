// Full disks: a full WAL disk ends PostgreSQL; a full data disk makes statements fail.

import { refused } from './own_machine.mjs';
import assert from 'node:assert/strict';
import { after } from 'node:test';
import * as fillDataDisk from './nemesis/fill_data_disk.mjs';
import * as fillWalDisk from './nemesis/fill_wal_disk.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const world = refused ? null : await World.open({
  seed, clients: 16, settings: ['max_wal_size=64MB', 'wal_recycle=off'], scene: { disks: { pg_wal: '64M', base: '96M' } },
});
after(() => world?.close());

trial(world, fillWalDisk, { skip: refused });

trial(world, {
  ...fillDataDisk,
  async strike({ bridges }) {
    await fillDataDisk.strike(world);
    for (const bridge of bridges) assert.equal((await bridge.get('/readyz')).status, 200);
  },
}, { skip: refused });
