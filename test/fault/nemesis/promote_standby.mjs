// promote_standby.mjs: kills the primary and promotes its synchronous standby under the bridges. The killed server becomes the
// next standby.

export const name = 'promote_standby';
export const breaks = ['server', 'clock'];
export const needs = 'standby';

export async function strike({ postgres, scene }) {
  await postgres.crash();
  await scene.failOver();
  await scene.replaceStandby();
  await scene.replicateSynchronously();
}
