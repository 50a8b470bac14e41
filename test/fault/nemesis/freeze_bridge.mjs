// freeze_bridge.mjs: stops a bridge: its connections stay open, but it does nothing.

export const name = 'freeze_bridge';
export const breaks = ['bridge'];

let victim;

export function strike({ bridges, random }) {
  victim = random.choose(bridges);
  process.kill(victim.pid, 'SIGSTOP');
}

export async function heal() {
  process.kill(victim.pid, 'SIGCONT');
  await victim.ready();
}
