// freeze_bridge.mjs: a bridge hangs: its connections are there, but it does nothing.

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
