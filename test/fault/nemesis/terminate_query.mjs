// terminate_query.mjs: the sessions in which the bridges read and ask are ended.

import { terminate } from '../sessions.mjs';

export const name = 'terminate_query';
export const breaks = ['server'];

export const strike = ({ database }) => terminate(database, ['reader', 'rooms', 'replay', 'actions']);