-- schema.sql: the tables of a small social network. They do not depend on pg_herald.

CREATE TABLE users (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	username     text NOT NULL UNIQUE CHECK (username ~ '^[a-z][a-z0-9_]{1,29}$'),
	display_name text NOT NULL CHECK (btrim(display_name) <> ''),
	bio          text NOT NULL DEFAULT '',
	created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE posts (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id    bigint NOT NULL REFERENCES users ON DELETE CASCADE,
	content    text NOT NULL CHECK (length(content) BETWEEN 1 AND 2000),
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON posts (user_id, id);

CREATE TABLE likes (
	user_id    bigint NOT NULL REFERENCES users ON DELETE CASCADE,
	post_id    bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, post_id)
);
CREATE INDEX ON likes (post_id);

CREATE TABLE comments (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	post_id    bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
	user_id    bigint NOT NULL REFERENCES users ON DELETE CASCADE,
	parent_id  bigint REFERENCES comments ON DELETE CASCADE,
	content    text NOT NULL CHECK (length(content) BETWEEN 1 AND 1000),
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON comments (post_id, id);
CREATE INDEX ON comments (user_id);
CREATE INDEX ON comments (parent_id);

CREATE TABLE follows (
	follower_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
	followee_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
	created_at  timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (follower_id, followee_id),
	CHECK (follower_id <> followee_id)
);
CREATE INDEX ON follows (followee_id);

CREATE TABLE conversations (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	title      text,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE conversation_members (
	conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
	user_id         bigint NOT NULL REFERENCES users ON DELETE CASCADE,
	joined_at       timestamptz NOT NULL DEFAULT now(),
	left_at         timestamptz,
	PRIMARY KEY (conversation_id, user_id)
);
CREATE INDEX ON conversation_members (user_id);

CREATE TABLE messages (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
	sender_id       bigint NOT NULL REFERENCES users ON DELETE CASCADE,
	content         text NOT NULL CHECK (length(content) BETWEEN 1 AND 4000),
	created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON messages (conversation_id, id);
CREATE INDEX ON messages (sender_id);

-- The application's role. It owns nothing and has privileges on these tables only.
DO $$
BEGIN
	CREATE ROLE social_app NOLOGIN;
EXCEPTION WHEN duplicate_object THEN
	NULL;					-- another database of the cluster has created it
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO social_app;
