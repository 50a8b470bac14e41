// Checks the examples of the documentation. Examples in SQL run in order, each page in a database of its own. A comment behind a
// query, and lines "--  ..." below it, are the expected result.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { Postgres, root } from './harness/postgres.mjs';

const TABLES = `
  CREATE TABLE users (id int PRIMARY KEY, username text);
  CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, content text, status text, audience text);
  CREATE TABLE likes (user_id int REFERENCES users, post_id int REFERENCES posts, PRIMARY KEY (user_id, post_id));
  CREATE TABLE comments (id int PRIMARY KEY, user_id int REFERENCES users, post_id int REFERENCES posts, parent_id int REFERENCES comments, content text);
  CREATE TABLE follows (follower_id int REFERENCES users, followee_id int REFERENCES users, status text, PRIMARY KEY (follower_id, followee_id));
  CREATE TABLE conversations (id int PRIMARY KEY);
  CREATE TABLE conversation_members (conversation_id int REFERENCES conversations, user_id int REFERENCES users, status text);
  CREATE TABLE messages (id int PRIMARY KEY, conversation_id int REFERENCES conversations, sender_id int REFERENCES users, content text);
  CREATE TABLE blocks (blocker_id int REFERENCES users, blocked_id int REFERENCES users);
  CREATE TABLE votes (user_id int REFERENCES users, post_id int REFERENCES posts, score int, PRIMARY KEY (user_id, post_id));
  CREATE TABLE mutes (muter_id int REFERENCES users, muted_id int REFERENCES users, expires_at timestamptz);
  CREATE TABLE person_actions (person_id int REFERENCES users, target_id int REFERENCES users, followed_at timestamptz, blocked_at timestamptz);
  CREATE SCHEMA app;
  CREATE TABLE app.session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp NOT NULL);
  INSERT INTO users VALUES (1, 'ana'), (2, 'ben'), (3, 'cleo'), (4, 'dan');`;

const EXTENSION = 'CREATE EXTENSION pg_herald;';

const WATCHED = `
  SELECT herald.watch_users('users'), herald.watch_posts('posts'), herald.watch_likes('likes'), herald.watch_comments('comments');
  SELECT herald.watch_follows('follows'), herald.watch_members('conversation_members'), herald.watch_messages('messages'), herald.watch_blocks('blocks');
  INSERT INTO blocks VALUES (1, 4);`;

const postgres = await Postgres.create();
after(() => postgres.destroy());

const blocksIn = (text) => [...text.matchAll(/^```sql\n([^]*?)^```$/gm)].map(([, sql]) => sql);
const blocksOf = (page) => blocksIn(readFileSync(path.join(root, 'docs', page), 'utf8'));

// Returns the statements of a block, each with the result that the page promises, or undefined.
function statementsOf(block) {
  const statements = [];
  let text = '';
  for (const line of block.split('\n')) {
    const result = /^--  (.*)$/.exec(line);
    const end = /^(.*(?:;|\\gset))\s*(?:-- (.*))?$/.exec(line);
    if (result && text.trim() === '') {
      const last = statements.at(-1);
      last.expected = [...last.expected ?? [], result[1].trim()];
    } else if (end && (text + line).split('$$').length % 2 === 1) {
      statements.push({ text: text + end[1], expected: end[2] && [end[2].trim()] });
      text = '';
    } else if (line.trim() !== '') {
      text += `${line}\n`;
    }
  }
  assert.equal(text, '', 'a statement without an end');
  return statements;
}

// Makes rows comparable: times and alignment differ from the page.
const comparable = (row) => row.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME').replace(/ +/g, ' ').trim();

const rowsOf = (output) => (output.trim() === '' ? ['(0 rows)'] : output.replace(/\n$/, '').split('\n').map(comparable));

function run(database, script) {
  const options = ['-XqAt', '-F', ' | ', '-v', 'ON_ERROR_STOP=1', '-h', postgres.directory, '-p', postgres.port, '-U', 'postgres', '-d', database];
  const { status, stdout, stderr } = spawnSync(path.join(postgres.bin, 'psql'), options, { input: script, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

// Runs a page as one session of psql, with a mark before each result.
async function check(database, prepared, blocks) {
  await postgres.createDatabase(database);
  const statements = blocks.flatMap(statementsOf);
  const script = [prepared, '\\echo @@', ...statements.map(({ text }) => `${text}\n\\echo @@`)].join('\n');
  const outputs = run(database, script).split(/^@@\n/m).slice(1);
  assert.equal(outputs.length, statements.length + 1);
  const promising = statements.map((statement, i) => ({ ...statement, rows: rowsOf(outputs[i]) })).filter(({ expected }) => expected);
  for (const { text, expected, rows } of promising) assert.deepEqual(rows, expected.map(comparable), text);
  return promising.length;
}

test('runs the opening example of docs/sql.md in an empty database', async () => {
  assert.equal(await check('opening', '', blocksOf('sql.md').slice(0, 1)), 1);
});

test('runs the examples of docs/sql.md with the results that they show', async () => {
  assert.ok(await check('sql', EXTENSION + TABLES, blocksOf('sql.md').slice(1)) > 8);
});

test('runs the examples of docs/notifications.md with the results that they show', async () => {
  assert.ok(await check('notifications', EXTENSION + TABLES + WATCHED, blocksOf('notifications.md')) > 25);
});

// Each kind of schema has a section. The plan continues the opening.
test('runs the examples of docs/your-schema.md with the results that they show', async () => {
  const [opening, ...kinds] = readFileSync(path.join(root, 'docs/your-schema.md'), 'utf8').split(/^## (?!A plan)/m).map(blocksIn);
  assert.equal(await check('opening_schema', '', opening), 2);
  const schemas = kinds.filter((blocks) => blocks.length);
  assert.equal(schemas.length, 7);
  for (const [number, blocks] of schemas.entries()) assert.ok(await check(`schema_${number}`, EXTENSION, blocks) > 0);
});

test('the example of docs/architecture.md runs in the database of README.md', async () => {
  const [, readme] = /^```sql\n([^]*?)^```$/m.exec(readFileSync(path.join(root, 'README.md'), 'utf8'));
  assert.equal(await check('architecture', readme, blocksOf('architecture.md')), 2);
});

// docs/sql.md, "Roles".
test('lets members of herald_admin change types, trim inboxes and maintain the log, others neither', async () => {
  await postgres.createDatabase('roles');
  run('roles', `${EXTENSION} CREATE ROLE member IN ROLE herald_admin;
    SET ROLE member; INSERT INTO herald.notification_type (name, title) VALUES ('own', 'Own'); RESET ROLE;
    CREATE ROLE stranger IN ROLE herald_watch, herald_publish, herald_inbox;`);
  const changes = [
    "INSERT INTO herald.notification_type (name, title) VALUES ('like', 'Liked')",
    "UPDATE herald.notification_type SET group_by = 'subject' WHERE name = 'follow'",
    "DELETE FROM herald.notification_type WHERE name = 'own'",
    "SELECT herald.trim_inbox('1')",
    'SELECT herald.maintain()',
    'TABLE herald.rule_failure',
  ];
  for (const change of changes) {
    run('roles', `SET ROLE member; ${change};`);
    assert.throws(() => run('roles', `SET ROLE stranger; ${change};`), /permission denied/, change);
  }
  for (const role of ['member', 'stranger']) {
    assert.throws(() => run('roles', `SET ROLE ${role}; TABLE herald.event;`), /permission denied/);
  }
});

test('shows the batch of the dialect kebab in docs/protocol.md', () => {
  const [, example] = /^```json\n("batches"[^]*?)^```$/m.exec(readFileSync(path.join(root, 'docs/protocol.md'), 'utf8'));
  const documented = JSON.parse(`{${example}}`);
  const [kebab] = Object.values(JSON.parse(readFileSync(path.join(root, 'bridge/dialects/kebab.json'), 'utf8')).namespaces);
  assert.deepEqual(documented.batches, kebab.batches);
  for (const [name, { conflate }] of Object.entries(documented.events)) {
    assert.deepEqual(conflate, [kebab.events[name]].flat().find((rule) => rule.conflate).conflate);
  }
});
