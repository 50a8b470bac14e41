// set_server_clock.mjs: sets the clock of the server an hour ahead or behind, then right again.

export const name = 'set_server_clock';
export const breaks = ['clock'];
export const needs = 'its own run';

export const strike = ({ clocks, random }) => clocks.server.set(random.choose([3600, -3600]));
export const heal = ({ clocks }) => clocks.server.set(0);
