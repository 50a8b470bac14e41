// terminate_listener.mjs: the sessions in which the bridges hear the doorbell are ended.

import { terminate } from '../sessions.mjs';

export const name = 'terminate_listener';
export const breaks = ['server'];

export const strike = ({ database }) => terminate(database, ['doorbell']);