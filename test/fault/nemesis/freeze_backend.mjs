// freeze_backend.mjs: stops a backend that serves a bridge, as if it hung.

import { freeze } from '../sessions.mjs';

export const name = 'freeze_backend';
export const breaks = ['server'];

let proceed;

export async function strike(world) {
  proceed = await freeze(world, [world.random.choose(['doorbell', 'reader', 'rooms'])]);
}

export const heal = () => proceed();
