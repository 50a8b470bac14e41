// set_bridge_clocks.mjs: sets the clocks of the bridges an hour ahead or behind, then right again.

export const name = 'set_bridge_clocks';
export const breaks = ['clock'];
export const needs = 'clocks';

export const strike = ({ clocks, random }) => clocks.bridges.set(random.choose([3600, -3600]));
export const heal = ({ clocks }) => clocks.bridges.set(0);
