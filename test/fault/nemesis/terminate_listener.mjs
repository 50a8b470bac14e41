// terminate_listener.mjs: terminates the backends in which the bridges listen for the doorbell.

import { terminate } from '../sessions.mjs';

export const name = 'terminate_listener';
export const breaks = ['server'];

export const strike = ({ database }) => terminate(database, ['doorbell']);