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

  'children, foreign partitions, tables of another owner, a publication of all tables, event triggers and default privileges': [`
    CREATE ROLE clerk; CREATE SCHEMA shop AUTHORIZATION clerk; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO clerk;
    CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
    CREATE TABLE users (id int PRIMARY KEY, username text NOT NULL);
    CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, body text, words int GENERATED ALWAYS AS (length(body)) STORED);
    CREATE TABLE archived_posts (archived_at date) INHERITS (posts);
    CREATE TABLE messages (id int, sender_id int, receiver_id int, body text, made date) PARTITION BY RANGE (made);
    CREATE TABLE messages_new PARTITION OF messages FOR VALUES FROM ('2025-01-01') TO ('2030-01-01');
    CREATE FOREIGN TABLE messages_old PARTITION OF messages FOR VALUES FROM ('2000-01-01') TO ('2025-01-01') SERVER nowhere;
    SET ROLE clerk;
    CREATE TABLE shop.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, buyer_id int, state text); GRANT SELECT ON shop.orders TO PUBLIC;
    ALTER TABLE shop.orders REPLICA IDENTITY FULL;
    RESET ROLE;
    CREATE STATISTICS shop.order_states ON buyer_id, state FROM shop.orders;
    CREATE VIEW open_orders WITH (security_barrier) AS SELECT * FROM shop.orders WHERE state = 'open';
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
    CREATE TRIGGER aa_first AFTER INSERT ON posts FOR EACH ROW EXECUTE FUNCTION touch(); ALTER TABLE posts DISABLE TRIGGER aa_first;
    CREATE TRIGGER zz_last BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION touch(); ALTER TABLE posts ENABLE ALWAYS TRIGGER zz_last;
    CREATE TABLE commands (tag text); GRANT INSERT ON commands TO PUBLIC;
    CREATE FUNCTION note_command() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.commands VALUES (tg_tag); END $$;
    CREATE EVENT TRIGGER note_command ON ddl_command_end EXECUTE FUNCTION note_command();
    CREATE PUBLICATION everything FOR ALL TABLES;`, `
    GRANT herald_watch TO clerk;
    SELECT herald.watch_users('users'), herald.watch_posts('posts'), herald.watch_messages('messages');
    SELECT herald.watch_posts('archived_posts', key => 'id', noun => 'archived_post');
    SET ROLE clerk;
    SELECT herald.watch('shop.orders', 'order', '{insert,update}', recipient => 'new.buyer_id', title => 'Order {id} is {state}');
    RESET ROLE;`],
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
