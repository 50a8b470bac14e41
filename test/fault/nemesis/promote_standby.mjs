// promote_standby.mjs: the primary is killed and its standby, which has all, promoted under the bridges; the next standby takes the
// place of the lost server.

export const name = 'promote_standby';
export const breaks = ['server', 'clock'];
export const needs = 'standby';

export async function strike({ postgres, scene }) {
  await postgres.crash();
  await scene.failOver();
  await scene.replaceStandby();
  await scene.replicateSynchronously();
}
