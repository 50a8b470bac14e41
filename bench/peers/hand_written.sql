-- hand_written.sql: the trigger that an application writes without pg_herald: preference, notification, and pg_notify.

CREATE TABLE preferences (user_id bigint, type text, enabled boolean NOT NULL, PRIMARY KEY (user_id, type));
CREATE TABLE notifications (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id    bigint NOT NULL,
	actor_id   bigint NOT NULL,
	type       text NOT NULL,
	post_id    bigint,
	read       boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON notifications (user_id, id) WHERE NOT read;

-- Events that are kept for those who are away.
CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload jsonb NOT NULL);

CREATE FUNCTION notify_like() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	author bigint;
	actor text;
	made bigint;
BEGIN
	SELECT p.user_id INTO author FROM posts AS p WHERE p.id = NEW.post_id;
	IF author = NEW.user_id THEN
		RETURN NULL;
	END IF;
	IF EXISTS (SELECT FROM preferences AS p WHERE p.user_id = author AND p.type = 'like' AND NOT p.enabled) THEN
		RETURN NULL;
	END IF;
	SELECT u.username INTO actor FROM users AS u WHERE u.id = NEW.user_id;
	INSERT INTO notifications (user_id, actor_id, type, post_id) VALUES (author, NEW.user_id, 'like', NEW.post_id)
	RETURNING id INTO made;
	PERFORM pg_notify('bench', json_build_object('id', made, 'userId', author, 'actorId', NEW.user_id, 'actor', actor,
		'postId', NEW.post_id)::text);
	RETURN NULL;
END
$$;
CREATE TRIGGER notify_like AFTER INSERT ON likes FOR EACH ROW EXECUTE FUNCTION notify_like();
