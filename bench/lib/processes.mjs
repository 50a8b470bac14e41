// processes.mjs: the CPU time and the memory of processes and of all that they have started.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { atExit } from '../../test/integration/harness/cleanup.mjs';
import { until } from '../../test/integration/harness/wait.mjs';

const TICK = 10;    // milliseconds; USER_HZ is 100 on all Linux machines

const stat = (pid) => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');

function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
}

// Returns the CPU time of the process, its present children and those that have ended, in milliseconds.
export function cpuOf(pid) {
  const own = stat(pid).slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  const children = childrenOf(pid).map((child) => {
    try {
      return stat(child).slice(11, 13).reduce((sum, ticks) => sum + Number(ticks), 0);
    } catch {
      return 0;
    }
  });
  return children.reduce((sum, ticks) => sum + ticks, own) * TICK;
}

// Returns the resident memory of the process and its children that is not shared, in bytes.
export function memoryOf(pid) {
  const own = (process) => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${process}/status`, 'latin1'))[1]) * 1024;
  return [pid, ...childrenOf(pid)].reduce((sum, process) => sum + own(process), 0);
}

// Runs a program until stop(), and ends it with this process. port: waits until it listens there.
export async function start(command, options, { port, environment = {} } = {}) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...options],
    { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => { errors += text; });
  const forget = atExit(() => child.kill('SIGKILL'));
  const listens = () => new Promise((resolve, reject) => {
    if (child.exitCode !== null) reject(new Error(`${command} ended: ${errors.slice(-2000)}`));
    const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
  });
  await until(`${command} listens`, listens);
  return {
    pid: child.pid,
    async stop() {
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
      forget();
    },
  };
}
