-- tables.sql: the tables of the application that the write items use. The same for all contenders.

CREATE TABLE users (id bigint PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, content text);
CREATE TABLE likes (
	user_id bigint NOT NULL REFERENCES users,
	post_id bigint NOT NULL REFERENCES posts,
	PRIMARY KEY (user_id, post_id)
);
CREATE INDEX ON likes (post_id);
INSERT INTO users SELECT n, 'user' || n FROM generate_series(1, 100000) AS n;
INSERT INTO posts SELECT n, n FROM generate_series(1, 10000) AS n;
