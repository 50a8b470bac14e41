// small_disk.mjs: a disk that is soon full. For a test file with a machine of its own (own_machine.mjs).

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, symlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atExit } from '../integration/harness/cleanup.mjs';

const ZEROS = Buffer.alloc(4096);

export class SmallDisk {
  #place = mkdtempSync(path.join(tmpdir(), 'herald-disk-'));

  // In the place of a folder that nobody uses at the moment, with what is in it.
  constructor(folder, size) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', this.#place]);
    atExit(() => this.#remove());
    execFileSync('cp', ['-aT', folder, this.#place]);
    rmSync(folder, { recursive: true });
    symlinkSync(this.#place, folder);
  }

  get #ballast() { return path.join(this.#place, 'ballast'); }

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

  #remove() {
    execFileSync('umount', ['--lazy', this.#place]);
    rmdirSync(this.#place);
  }
}
