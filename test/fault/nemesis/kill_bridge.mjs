// kill_bridge.mjs: a bridge dies without a word, and is started again.

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
