// bulk_write.mjs: a transaction writes more than fits into any queue, and into a page many times, as an import does.

export const name = 'bulk_write';
export const breaks = ['size'];

export const strike = ({ database }) => database.query("SELECT count(herald.broadcast('fault:bulk', jsonb_build_object('n', n))) FROM generate_series(1, 1500) AS n");
