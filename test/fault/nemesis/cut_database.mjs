// cut_database.mjs: the network between the bridges and the database drops all packets.

import { until } from '../../integration/harness/wait.mjs';
import { cut, established, mend } from '../loss.mjs';

export const name = 'cut_database';
export const breaks = ['doorbell'];
export const needs = 'network';

let port;

export async function strike({ postgres }) {
  ({ port } = postgres);
  cut(port);
  await until('the bridges have given up their connections', () => established('dport', port).length === 0);
}

export const heal = () => mend(port);
