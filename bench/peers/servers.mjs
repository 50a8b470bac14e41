// servers.mjs: the process of a PostgreSQL server.

import { readFileSync } from 'node:fs';
import path from 'node:path';

// Returns the process id of the postmaster, the parent of all its processes.
export const postmaster = (postgres) => Number(readFileSync(path.join(postgres.directory, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
