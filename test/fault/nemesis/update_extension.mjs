// update_extension.mjs: updates the extension while writers and clients go on. The new version replaces every function and
// changes the event log's table.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../integration/harness/wait.mjs';

export const name = 'update_extension';
export const breaks = ['log'];
export const needs = 'tree';

const CHANGE = ['ALTER TABLE herald.event DROP COLUMN IF EXISTS later', 'ALTER TABLE herald.event ADD COLUMN later text'];

// Writes an update script and returns the version to which the database can be updated now.
export async function writeUpdate(database) {
  const version = await database.value("SELECT extversion FROM pg_extension WHERE extname = 'pg_herald'");
  const functions = await database.query(`
    SELECT pg_get_functiondef(p.oid) AS text FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass
    WHERE d.deptype = 'e' AND p.pronamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace) AND p.prokind = 'f'`);
  const folder = await database.value("SELECT setting FROM pg_config WHERE name = 'SHAREDIR'");
  const steps = [...functions.map(({ text }) => text), ...CHANGE];
  const next = `${version}+`;
  writeFileSync(path.join(folder, 'extension', `pg_herald--${version}--${next}.sql`), steps.map((step) => `${step};`).join('\n'));
  return next;
}

// Updates as docs/operations.md says: with a lock timeout, so that a long reader of the log makes it fail. Returns true on success.
export function update(database, version, patience = '500ms') {
  const statement = `SET LOCAL lock_timeout = '${patience}'; ALTER EXTENSION pg_herald UPDATE TO '${version}'`;
  return database.query(statement).then(() => true, (error) => {
    if (error.code === '55P03') return false;
    throw error;
  });
}

export async function strike({ database }) {
  const version = await writeUpdate(database);
  await until('the extension is updated', () => update(database, version, '5s'), 60000);
}
