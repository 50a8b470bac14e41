// small_disk.mjs: a disk that a test can fill. Only for test files with mounts of their own (fault/own_machine.mjs).

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atExit } from './cleanup.mjs';
import { until } from './wait.mjs';

export class SmallDisk {
  // Mounts a small disk over a folder that no process uses at the moment, and copies the folder's files to it.
  constructor(folder, size) {
    Object.assign(this, { folder, size });
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'herald-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', elsewhere]);
    execFileSync('cp', ['-aT', folder, elsewhere]);
    execFileSync('mount', ['--move', elsewhere, folder]);
    rmdirSync(elsewhere);
    this.forget = atExit(() => this.remove());
  }

  // Resizes the disk; returns false if it holds more than that.
  #resize(size) { return spawnSync('mount', ['-o', `remount,size=${size}`, this.folder]).status === 0; }

  // Shrinks the disk until no block is free.
  fill() {
    return until('the disk is full', () => {
      const { blocks, bfree, bsize } = statfsSync(this.folder);
      return this.#resize(Math.max(blocks - bfree, 1) * bsize);
    });
  }

  free() { this.#resize(this.size); }

  // Removes the disk and its files, even while they are in use.
  remove() {
    execFileSync('umount', ['--lazy', this.folder]);
    this.forget();
  }
}
