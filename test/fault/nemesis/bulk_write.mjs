// bulk_write.mjs: one transaction writes more events than any queue holds, and many pages of the log, as an import does.

export const name = 'bulk_write';
export const breaks = ['size'];

export const strike = ({ database }) => database.query("SELECT count(herald.broadcast('fault:bulk', jsonb_build_object('n', n))) FROM generate_series(1, 1500) AS n");
