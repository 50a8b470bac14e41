// own_clock.mjs: PostgreSQL and the bridges of the test file that imports it, first of all, each have a clock that can be set.
//
// Time of day only: the monotonic clock goes on, as it does when somebody sets a clock.

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

  // So many seconds from the true time; returns these.
  set(seconds) {
    writeFileSync(this.file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    return seconds;
  }
}

export const clocks = { server: new Clock('server'), bridges: new Clock('bridges') };

// Sanitizers must be loaded before anything else.
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
