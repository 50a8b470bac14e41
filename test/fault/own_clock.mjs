// own_clock.mjs: PostgreSQL and the bridges of the test file that imports it, first of all, each have a clock that can be set.
//
// Time of day only: the monotonic clock goes on, as it does when somebody sets a clock. The bridge is the one without
// sanitizers, which want to be loaded first themselves.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit } from '../integration/harness/cleanup.mjs';

const library = execFileSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null || true'], { encoding: 'utf8' }).trim();

// Why a test that needs this must be skipped; false: it need not.
export const refused = library ? false : 'libfaketime is not installed';

const directory = mkdtempSync(path.join(tmpdir(), 'herald-clock-'));
chmodSync(directory, 0o755);
atExit(() => rmSync(directory, { recursive: true }));

class Clock {
  constructor(name) {
    this.file = path.join(directory, name);
    this.set(0);
  }

  // So many seconds from the true time.
  set(seconds) {
    writeFileSync(this.file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }
}

export const server = new Clock('server');
export const bridges = new Clock('bridges');

const plain = fileURLToPath(new URL('../../bridge/build/herald-bridge', import.meta.url));
const wrapper = path.join(directory, 'herald-bridge');
writeFileSync(wrapper, `#!/bin/sh\nFAKETIME_TIMESTAMP_FILE=${bridges.file} exec ${plain} "$@"\n`, { mode: 0o755 });

if (library) {
  Object.assign(process.env, {
    HERALD_BRIDGE: wrapper, LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: server.file,
    FAKETIME_NO_CACHE: '1', FAKETIME_DISABLE_SHM: '1', DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1',
  });
}
