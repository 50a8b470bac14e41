// cut_clients.mjs: the network between a bridge and its clients drops all packets.

import { until } from '../../integration/harness/wait.mjs';
import { cut, established, mend } from '../loss.mjs';

export const name = 'cut_clients';
export const breaks = ['bridge'];
export const needs = 'network';

let victim;

export async function strike({ bridges, random }) {
  victim = random.choose(bridges);
  cut(victim.port);
  await until('the bridge has given up its clients', () => established('sport', victim.port).length === 0);
}

export const heal = () => mend(victim.port);
