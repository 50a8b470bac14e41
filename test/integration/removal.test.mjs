// After unwatch_all() and DROP EXTENSION a database has the schema that it had before the extension: pg_dump tells no difference.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { Postgres, root } from './harness/postgres.mjs';

const example = (file) => readFileSync(path.join(root, 'examples/social', file), 'utf8');

// name: the tables, and the calls that watch them.
const SCHEMAS = {
  'the example application': [example('schema.sql'), example('watch.sql')],

  'names that need quotes, and keys of several columns': [`
    CREATE SCHEMA "App"; SET search_path = "App";
    CREATE TABLE "User" ("tenantId" int, "id" uuid DEFAULT gen_random_uuid(), "userName" text NOT NULL, "notificationsEnabled" boolean, PRIMARY KEY ("tenantId", "id"));
    CREATE TABLE "Post" ("id" serial PRIMARY KEY, "tenantId" int, "authorId" uuid, "content" text, FOREIGN KEY ("tenantId", "authorId") REFERENCES "User");
    CREATE TABLE "Like" ("tenantId" int, "userId" uuid, "postId" int REFERENCES "Post", FOREIGN KEY ("tenantId", "userId") REFERENCES "User");`, `
    SET search_path = "App";
    SELECT herald.watch_users('"User"'), herald.watch_posts('"Post"'), herald.watch_likes('"Like"');`],

  'partitions of partitions, one attached later, one detached': [`
    CREATE TABLE users (id int PRIMARY KEY, username text);
    CREATE TABLE posts (id int, user_id int REFERENCES users, body text, made date, PRIMARY KEY (id, made)) PARTITION BY RANGE (made);
    CREATE TABLE posts_old PARTITION OF posts FOR VALUES FROM ('2020-01-01') TO ('2025-01-01') PARTITION BY HASH (id);
    CREATE TABLE posts_old_0 PARTITION OF posts_old FOR VALUES WITH (MODULUS 1, REMAINDER 0);
    CREATE TABLE posts_new PARTITION OF posts DEFAULT;
    CREATE TABLE posts_late (id int NOT NULL, user_id int REFERENCES users, body text, made date NOT NULL, PRIMARY KEY (id, made));
    CREATE TABLE posts_gone PARTITION OF posts FOR VALUES FROM ('2019-01-01') TO ('2020-01-01');`, `
    SELECT herald.watch_users('users'), herald.watch_posts('posts');
    ALTER TABLE posts ATTACH PARTITION posts_late FOR VALUES FROM ('2018-01-01') TO ('2019-01-01');
    SELECT herald.sync_triggers('posts');
    ALTER TABLE posts DETACH PARTITION posts_late;
    ALTER TABLE posts DETACH PARTITION posts_gone;
    ALTER TABLE posts ATTACH PARTITION posts_gone FOR VALUES FROM ('2019-01-01') TO ('2020-01-01');`],

  'policies, triggers, domains and views of its own': [`
    CREATE DOMAIN user_id AS uuid; CREATE TYPE follow_state AS ENUM ('pending', 'accepted');
    CREATE TABLE profiles (id user_id PRIMARY KEY, username text UNIQUE, private boolean NOT NULL DEFAULT false);
    CREATE TABLE posts (id uuid PRIMARY KEY, user_id user_id REFERENCES profiles, body text, status text, deleted_at timestamptz);
    CREATE TABLE follows (follower_id user_id REFERENCES profiles, followee_id user_id REFERENCES profiles, status follow_state);
    CREATE TABLE blocks (blocker_id user_id REFERENCES profiles, blocked_id user_id REFERENCES profiles);
    CREATE VIEW published AS SELECT * FROM posts WHERE status = 'published';
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY; ALTER TABLE posts FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts USING (user_id::text = current_setting('app.user', true));
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
    CREATE TRIGGER "zz last" BEFORE INSERT OR UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE FUNCTION in_room(user_id text, room text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
    CREATE FUNCTION act(user_id text, payload jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $2';`, `
    SELECT herald.watch_users('profiles'), herald.watch_follows('follows', status => 'status'), herald.watch_blocks('blocks');
    SELECT herald.watch_posts('posts', status => 'status', notify_followers => true, in_feed => 'post.body <> ''''',
      visible => 'NOT (SELECT u.private FROM public.profiles AS u WHERE u.id = post.user_id)');
    SELECT herald.watch('posts', 'any', '{insert,update,delete}', recipient => 'changed.user_id', title => '{body}',
      event => 'post:any', room => 'user:{user_id}', active => 'body IS NOT NULL', key => 'status', cause => 'post:{id}:any');
    SELECT herald.expose('act', 'act(text, jsonb)'), herald.room_policy('team', 'in_room(text, text)');
    INSERT INTO herald.notification_type (name, title) VALUES ('own', 'Own');`],
};

const postgres = await Postgres.create();
after(() => postgres.destroy());

const dump = (database) => execFileSync(path.join(postgres.bin, 'pg_dump'),
  ['-s', '-h', postgres.directory, '-p', postgres.port, '-U', 'postgres', database], { encoding: 'utf8' })
  .replace(/^\\(un)?restrict .*$/gm, '');

const settings = 'SET client_min_messages = warning; SET check_function_bodies = off;';

Object.entries(SCHEMAS).forEach(([name, [tables, calls]], number) => {
  test(`leaves no trace in ${name}`, async () => {
    const database = await postgres.createDatabase(`removal_${number}`);
    await database.psql('-c', settings + tables);
    const before = dump(database.name);
    await database.psql('-c', settings + 'CREATE EXTENSION pg_herald', '-c', settings + calls);
    assert.match(dump(database.name), /TRIGGER herald_insert/);
    await database.psql('-c', settings + 'SELECT herald.unwatch_all()', '-c', 'DROP EXTENSION pg_herald');
    assert.equal(dump(database.name), before);
  });
});
