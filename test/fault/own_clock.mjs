// own_clock.mjs: gives PostgreSQL and the bridges of a test file clocks that can be set. The file must import it first.
//
// Only the time of day changes. The monotonic clock goes on, as it does when an administrator sets a clock.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit } from '../integration/harness/cleanup.mjs';

const library = execFileSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null || true'], { encoding: 'utf8' }).trim();

// The reason to skip tests that need set clocks, or false.
export const refused = library ? false : 'libfaketime is not installed';

const directory = mkdtempSync(path.join(tmpdir(), 'herald-clock-'));
chmodSync(directory, 0o755);
atExit(() => rmSync(directory, { recursive: true }));

class Clock {
  constructor(name) {
    this.file = path.join(directory, name);
    this.set(0);
  }

  // Sets the clock this many seconds off the true time, and returns them.
  set(seconds) {
    writeFileSync(this.file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    return seconds;
  }
}

export const clocks = { server: new Clock('server'), bridges: new Clock('bridges') };

// Returns a wrapper that runs the bridge with libfaketime. The sanitizers' library must be preloaded before any other.
function wrap(bridge) {
  const sanitizers = /\S*libasan\S* => (\S+)/.exec(execFileSync('ldd', [bridge], { encoding: 'utf8' }))?.[1] ?? '';
  const environment = `LD_PRELOAD='${sanitizers} ${library}' FAKETIME_TIMESTAMP_FILE=${clocks.bridges.file}`;
  const wrapper = path.join(directory, 'herald-bridge');
  writeFileSync(wrapper, `#!/bin/sh\nexec env ${environment} ${bridge} "$@"\n`, { mode: 0o755 });
  return wrapper;
}

const plain = fileURLToPath(new URL('../../bridge/build/herald-bridge', import.meta.url));

if (library) {
  Object.assign(process.env, {
    HERALD_BRIDGE: wrap(process.env.HERALD_BRIDGE ?? plain), LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clocks.server.file,
    FAKETIME_CACHE_DURATION: '1', FAKETIME_DISABLE_SHM: '1', DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1',
  });
}
