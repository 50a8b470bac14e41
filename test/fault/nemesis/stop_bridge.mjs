// stop_bridge.mjs: stops a bridge with SIGTERM, as an upgrade does, and starts it again.

import assert from 'node:assert/strict';

export const name = 'stop_bridge';
export const breaks = ['bridge'];

let victim;

export async function strike({ bridges, random }) {
  victim = random.choose(bridges);
  assert.deepEqual(await victim.end('SIGTERM'), { code: 0, signal: null });
}

export async function heal() {
  await victim.start();
}
