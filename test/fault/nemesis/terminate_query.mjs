// terminate_query.mjs: terminates the backends in which the bridges read, replay, look up rooms and run actions.

import { terminate } from '../sessions.mjs';

export const name = 'terminate_query';
export const breaks = ['server'];

export const strike = ({ database }) => terminate(database, ['reader', 'rooms', 'replay', 'actions']);