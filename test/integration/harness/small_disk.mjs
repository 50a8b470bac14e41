// small_disk.mjs: a disk that can be full. For a test file with a machine of its own (fault/own_machine.mjs).

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atExit } from './cleanup.mjs';

const ZEROS = Buffer.alloc(65536);

export class SmallDisk {
  // In the place of a folder that nobody uses at the moment, with what is in it.
  constructor(folder, size) {
    this.folder = folder;
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'herald-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', elsewhere]);
    execFileSync('cp', ['-aT', folder, elsewhere]);
    execFileSync('mount', ['--move', elsewhere, folder]);
    rmdirSync(elsewhere);
    this.forget = atExit(() => this.remove());
  }

  get #ballast() { return path.join(this.folder, 'ballast'); }

  // Leaves not a block.
  fill() {
    const file = openSync(this.#ballast, 'a');
    try {
      for (;;) writeSync(file, ZEROS);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  free() { rmSync(this.#ballast); }

  // With what is on it, whoever uses it.
  remove() {
    execFileSync('umount', ['--lazy', this.folder]);
    this.forget();
  }
}
