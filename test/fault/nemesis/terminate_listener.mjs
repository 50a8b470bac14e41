// terminate_listener.mjs: the sessions in which the bridges hear the doorbell are ended.

import { ready, terminate } from '../sessions.mjs';

export const name = 'terminate_listener';
export const breaks = 'server';

export const strike = ({ database }) => terminate(database, ['doorbell']);
export const heal = ready;
