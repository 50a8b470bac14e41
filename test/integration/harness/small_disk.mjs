// small_disk.mjs: a disk that can be full. For a test file with a machine of its own (fault/own_machine.mjs).

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atExit } from './cleanup.mjs';
import { until } from './wait.mjs';

export class SmallDisk {
  // In the place of a folder that nobody uses at the moment, with what is in it.
  constructor(folder, size) {
    Object.assign(this, { folder, size });
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'herald-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', elsewhere]);
    execFileSync('cp', ['-aT', folder, elsewhere]);
    execFileSync('mount', ['--move', elsewhere, folder]);
    rmdirSync(elsewhere);
    this.forget = atExit(() => this.remove());
  }

  // Whether it could be made so large: not if there is more on it.
  #resize(size) { return spawnSync('mount', ['-o', `remount,size=${size}`, this.folder]).status === 0; }

  // Leaves not a block.
  fill() {
    return until('the disk is full', () => {
      const { blocks, bfree, bsize } = statfsSync(this.folder);
      return this.#resize(Math.max(blocks - bfree, 1) * bsize);
    });
  }

  free() { this.#resize(this.size); }

  // With what is on it, whoever uses it.
  remove() {
    execFileSync('umount', ['--lazy', this.folder]);
    this.forget();
  }
}
