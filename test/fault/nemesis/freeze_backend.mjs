// freeze_backend.mjs: a process of the database that works for a bridge hangs.

import { freeze } from '../sessions.mjs';

export const name = 'freeze_backend';
export const breaks = ['server'];

let proceed;

export async function strike(world) {
  proceed = await freeze(world, [world.random.choose(['doorbell', 'reader', 'rooms'])]);
}

export const heal = () => proceed();
