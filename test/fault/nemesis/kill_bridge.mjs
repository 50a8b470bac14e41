// kill_bridge.mjs: kills a bridge, which cannot say goodbye, and starts it again.

export const name = 'kill_bridge';
export const breaks = ['bridge'];

let victim;

export async function strike({ bridges, random }) {
  victim = random.choose(bridges);
  await victim.kill();
}

export async function heal() {
  await victim.start();
}
