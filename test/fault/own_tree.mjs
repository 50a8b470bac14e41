// own_tree.mjs: gives the servers of the test file that imports it a private copy of PostgreSQL's files, which tests may change.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atExit } from '../integration/harness/cleanup.mjs';
import { root } from '../integration/harness/postgres.mjs';

const tree = mkdtempSync(path.join(tmpdir(), 'herald-tree-'));
atExit(() => rmSync(tree, { recursive: true, force: true }));
execFileSync(path.join(root, 'scripts/server-tree'), [tree]);
process.env.HERALD_SERVER_TREE = tree;
