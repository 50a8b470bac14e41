// own_clock.mjs: gives PostgreSQL and the bridges of a test file clocks that can be set. The file must import it first.
//
// Only the time of day changes. The monotonic clock goes on, as it does when an administrator sets a clock.

import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit } from '../integration/harness/cleanup.mjs';

const directory = mkdtempSync(path.join(tmpdir(), 'herald-clock-'));
chmodSync(directory, 0o755);
atExit(() => rmSync(directory, { recursive: true }));

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const library = path.join(directory, 'set_clock.so');
execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', library, here('set_clock.c')]);

class Clock {
  constructor(name) {
    this.file = path.join(directory, name);
    writeFileSync(this.file, Buffer.alloc(8));
  }

  // Sets the clock this many seconds off the true time, and returns them. Processes have mapped the file, so it is changed in place.
  set(seconds) {
    const file = openSync(this.file, 'r+');
    writeSync(file, new BigInt64Array([BigInt(seconds)]));
    closeSync(file);
    return seconds;
  }
}

export const clocks = { server: new Clock('server'), bridges: new Clock('bridges') };

// Returns a wrapper that runs the bridge with its clock. The sanitizers' library must be preloaded before any other.
function wrap(bridge) {
  const sanitizers = /\S*libasan\S* => (\S+)/.exec(execFileSync('ldd', [bridge], { encoding: 'utf8' }))?.[1] ?? '';
  const environment = `LD_PRELOAD='${sanitizers} ${library}' HERALD_CLOCK=${clocks.bridges.file}`;
  const wrapper = path.join(directory, 'herald-bridge');
  writeFileSync(wrapper, `#!/bin/sh\nexec env ${environment} ${bridge} "$@"\n`, { mode: 0o755 });
  return wrapper;
}

const plain = here('../../bridge/build/herald-bridge');

Object.assign(process.env, { HERALD_BRIDGE: wrap(process.env.HERALD_BRIDGE ?? plain), LD_PRELOAD: library, HERALD_CLOCK: clocks.server.file });
