-- ---------------------------------------------------------------------------
-- Notifications, their types, and read marks
-- ---------------------------------------------------------------------------

CREATE TABLE herald.notification_type (
	name        text PRIMARY KEY,
	title       text NOT NULL,
	content     text,
	priority    int NOT NULL DEFAULT 0,
	group_by    text NOT NULL DEFAULT 'none' CHECK (group_by IN ('none', 'subject', 'actor')),
	group_title text,
	retract     text NOT NULL DEFAULT 'unread' CHECK (retract IN ('always', 'unread', 'never')),
	channels    text[] NOT NULL DEFAULT '{inbox,live}',
	required    boolean NOT NULL DEFAULT false,
	shipped     boolean NOT NULL DEFAULT false,
	owner       regrole DEFAULT quote_ident(current_user)::regrole
);
COMMENT ON TABLE herald.notification_type IS 'types of notifications: templates and handling';
COMMENT ON COLUMN herald.notification_type.name IS 'the name in rules and in herald.notify()';
COMMENT ON COLUMN herald.notification_type.title IS
	'template with {actor}, {subject} and {content}, for rules without a title of their own';
COMMENT ON COLUMN herald.notification_type.content IS 'template of the content';
COMMENT ON COLUMN herald.notification_type.priority IS
	'of several notifications for one cause, the recipient gets the one with the highest priority';
COMMENT ON COLUMN herald.notification_type.group_by IS
	'the entries of the grouped inbox: by subject, by actor, or none';
COMMENT ON COLUMN herald.notification_type.group_title IS
	'template for a group of several actors or subjects, with {actor}, {others}, {count} and {subject}';
COMMENT ON COLUMN herald.notification_type.retract IS
	'when its cause is undone, the notification goes always, while it is unread, or never';
COMMENT ON COLUMN herald.notification_type.channels IS 'the channels for users without a preference';
COMMENT ON COLUMN herald.notification_type.required IS 'preferences, mutes and blocks do not apply';
COMMENT ON COLUMN herald.notification_type.shipped IS 'came with the extension; an INSERT of the same name replaces it';
COMMENT ON COLUMN herald.notification_type.owner IS
	'the role that made the type: others cannot replace or delete it; null for types of the extension';

INSERT INTO herald.notification_type (name, title, priority, group_by, group_title, retract, required, shipped)
VALUES
	('like', '{actor} liked your {subject}', 10, 'subject', '{actor} and {others} liked your {subject}', 'always',
	 false, true),
	('reaction', '{actor} reacted to your {subject}', 10, 'subject', '{actor} and {others} reacted to your {subject}',
	 'always', false, true),
	('comment', '{actor} commented on your {subject}', 20, 'none', NULL, 'always', false, true),
	('reply', '{actor} replied to your {subject}', 30, 'none', NULL, 'always', false, true),
	('mention', '{actor} mentioned you', 40, 'none', NULL, 'always', false, true),
	('follow', '{actor} started following you', 10, 'none', '{actor} and {others} started following you', 'unread',
	 false, true),
	('follow_request', '{actor} wants to follow you', 10, 'none', '{actor} and {others} want to follow you',
	 'always', false, true),
	('follow_accepted', '{actor} accepted your follow request', 10, 'none', NULL, 'unread', false, true),
	('post', '{actor} posted', 5, 'none', '{actor} posted {count} times', 'always', false, true),
	('message', '{actor} sent you a message', 10, 'none', '{actor} and {others} sent messages', 'always', false, true),
	('message_request', '{actor} wants to send you a message', 10, 'none', NULL, 'always', false, true),
	('milestone', 'Your {subject} reached {content}', 5, 'none', NULL, 'always', false, true),
	('system', 'System message', 0, 'none', NULL, 'never', true, true);

UPDATE herald.notification_type SET owner = NULL;

-- The application's version of a type replaces the shipped one, and stays the extension's. A dump contains the
-- application's version only.
CREATE FUNCTION herald_internal.replace_shipped_type() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		DELETE FROM herald.notification_type AS t WHERE t.name = NEW.name AND t.shipped;
		IF FOUND THEN
			NEW.owner := NULL;
		END IF;
	END IF;
	NEW.shipped := false;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION herald_internal.replace_shipped_type() IS 'trigger of herald.notification_type';
CREATE TRIGGER replace_shipped_type BEFORE INSERT OR UPDATE ON herald.notification_type
	FOR EACH ROW EXECUTE FUNCTION herald_internal.replace_shipped_type();

CREATE TRIGGER check_owner BEFORE INSERT OR UPDATE OR DELETE ON herald.notification_type
	FOR EACH ROW EXECUTE FUNCTION herald_internal.check_owner();

-- Backends cache the types. The subscriber of a publication runs no triggers of statements, except for TRUNCATE.
CREATE FUNCTION herald_internal.types_changed() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'herald_types_changed';
COMMENT ON FUNCTION herald_internal.types_changed() IS
	'trigger of herald.notification_type: makes all backends read the types again';
CREATE TRIGGER types_changed AFTER INSERT OR UPDATE OR DELETE ON herald.notification_type
	FOR EACH ROW EXECUTE FUNCTION herald_internal.types_changed();
CREATE TRIGGER types_truncated AFTER TRUNCATE ON herald.notification_type
	FOR EACH STATEMENT EXECUTE FUNCTION herald_internal.types_changed();
ALTER TABLE herald.notification_type ENABLE ALWAYS TRIGGER types_changed;
ALTER TABLE herald.notification_type ENABLE ALWAYS TRIGGER types_truncated;

SELECT pg_extension_config_dump('herald.notification_type', 'WHERE NOT shipped');

-- An index row has at most 2,704 bytes, and a cause has several ids: of a long part the inbox keeps the digest. A cause
-- that has been shortened stays as it is.
CREATE FUNCTION herald_internal.digest_parts(cause text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(CASE WHEN octet_length(p.part[1]) > 200 THEN '#' || md5(p.part[1]) ELSE p.part[1] END ||
	                  p.part[2], '' ORDER BY p.place)
	FROM regexp_matches(cause, '((?:[^:\\]|\\.)*)(:|$)', 'g') WITH ORDINALITY AS p (part, place);
$$;
CREATE FUNCTION herald_internal.kept_cause(cause text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_kept_cause';
COMMENT ON FUNCTION herald_internal.kept_cause(text) IS 'returns a cause as the inbox keeps it, without long parts';

-- A cause is a path, such as post:42:like:7. Retraction finds notifications by their cause, or by the beginning of
-- it: hence the collation. Columns of fixed width come first: no padding. The owner is a name, so that a dump of the
-- inbox can be restored without the role.
--
-- No column that changes has an index: marking a notification changes no index.
CREATE TABLE herald.notification (
	id           bigint GENERATED BY DEFAULT AS IDENTITY,
	xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
	created_at   timestamptz NOT NULL DEFAULT now(),
	read_at      timestamptz,
	archived_at  timestamptz,
	retracted_at timestamptz,
	recipient_id text COLLATE "C" NOT NULL,
	actor_id     text,
	actor_name   text,
	type         text NOT NULL,
	subject_type text,
	subject_id   text,
	title        text NOT NULL,
	content      text,
	data         jsonb NOT NULL DEFAULT '{}',
	cause        text COLLATE "C",
	owner        text COLLATE "C" NOT NULL DEFAULT current_user,
	PRIMARY KEY (recipient_id, id),
	UNIQUE (cause, recipient_id, owner)
);
COMMENT ON TABLE herald.notification IS 'the inboxes of all users';
COMMENT ON COLUMN herald.notification.id IS 'the inbox shows the highest id first';
COMMENT ON COLUMN herald.notification.recipient_id IS 'the user that gets it';
COMMENT ON COLUMN herald.notification.actor_id IS 'the acting user; null if there is none';
COMMENT ON COLUMN herald.notification.actor_name IS 'the actor''s name at that time';
COMMENT ON COLUMN herald.notification.type IS 'a name of herald.notification_type, or one of the application''s own';
COMMENT ON COLUMN herald.notification.subject_type IS 'the type of the subject: post, comment, order';
COMMENT ON COLUMN herald.notification.subject_id IS 'the id of the subject';
COMMENT ON COLUMN herald.notification.title IS 'one line, with the names of that time';
COMMENT ON COLUMN herald.notification.content IS 'more text, such as the beginning of a comment';
COMMENT ON COLUMN herald.notification.data IS 'data with which the front end finds the place';
COMMENT ON COLUMN herald.notification.created_at IS 'the time of the first creation, also if it was restored since';
COMMENT ON COLUMN herald.notification.archived_at IS
	'the time of archiving; archived ones have their own list and do not count as unread';
COMMENT ON COLUMN herald.notification.read_at IS
	'the time when it was marked by itself; herald.read_mark covers those that were marked all at once';
COMMENT ON COLUMN herald.notification.retracted_at IS
	'the time when its cause was undone; it is in no list, but keeps the cause from notifying again';
COMMENT ON COLUMN herald.notification.cause IS
	'the reason of the notification: a recipient gets one notification for one cause; the digest of each part of more '
	'than 200 bytes';
COMMENT ON COLUMN herald.notification.xid IS 'the transaction that made it; a mark does not cover later commits';
COMMENT ON COLUMN herald.notification.owner IS
	'the role to which the cause belongs: the owner of the rule''s table, or the caller of herald.notify(); only this '
	'role, and roles that may act as it, retract the notification';

CREATE FUNCTION herald_internal.may_act_as(role oid, name text) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT pg_has_role($1, r.oid, 'MEMBER') FROM pg_roles AS r WHERE r.rolname = $2),
	                (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = $1), false);
$$;
COMMENT ON FUNCTION herald_internal.may_act_as(oid, text) IS
	'returns whether a role is a member of the role with a name; of a dropped one only superusers are';

-- The mark names the transactions that were in progress when the user marked everything: their notifications are not
-- marked, whatever their ids.
CREATE TABLE herald.read_mark (
	user_id      text COLLATE "C" PRIMARY KEY,
	read_until   bigint NOT NULL DEFAULT 0,
	read_running xid8[] NOT NULL DEFAULT '{}',
	read_at      timestamptz,
	unread       bigint[] NOT NULL DEFAULT '{}',
	seen_until   bigint NOT NULL DEFAULT 0,
	seen_running xid8[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE herald.read_mark IS
	'up to where users have read and seen everything, except for transactions in progress and notifications marked as'
	' unread again';
COMMENT ON COLUMN herald.read_mark.user_id IS 'the owner of the mark';
COMMENT ON COLUMN herald.read_mark.read_until IS 'the newest notification when all were marked as read';
COMMENT ON COLUMN herald.read_mark.read_running IS
	'transactions in progress at that time; their notifications are not marked';
COMMENT ON COLUMN herald.read_mark.read_at IS 'the time of that';
COMMENT ON COLUMN herald.read_mark.unread IS 'notifications up to read_until that are unread nevertheless';
COMMENT ON COLUMN herald.read_mark.seen_until IS 'the newest notification when the user looked at the list';
COMMENT ON COLUMN herald.read_mark.seen_running IS 'transactions in progress at that time';

CREATE INDEX ON herald.read_mark (user_id) WHERE read_running <> '{}';

SELECT pg_extension_config_dump('herald.notification', '');
SELECT pg_extension_config_dump('herald.notification_id_seq', '');
SELECT pg_extension_config_dump('herald.read_mark', '');

-- The only definition of "unread": the list and the counts use it. The mark is null for users that never marked
-- everything.
CREATE FUNCTION herald.is_unread(n herald.notification, m herald.read_mark) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN n.read_at IS NULL AND n.archived_at IS NULL AND n.retracted_at IS NULL AND
	coalesce(n.id > m.read_until OR n.xid = ANY (m.read_running) OR n.id = ANY (m.unread), true);
COMMENT ON FUNCTION herald.is_unread(herald.notification, herald.read_mark) IS
	'returns whether a notification is unread, given the mark of its recipient';

-- Fills in a template of a type. Templates of rules are compiled when the table is watched; templates of types may
-- change at any time.
CREATE FUNCTION herald_internal.render_template(template text, actor_name text, subject_type text, content text)
	RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_render_template';
COMMENT ON FUNCTION herald_internal.render_template(text, text, text, text) IS
	'fills in a template of herald.notification_type';

CREATE FUNCTION herald_internal.notification_json(n herald.notification, read boolean) RETURNS json
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'herald_notification_json';
COMMENT ON FUNCTION herald_internal.notification_json(herald.notification, boolean) IS
	'returns a notification in the form for clients';

CREATE FUNCTION herald.notification_json(n herald.notification, mark herald.read_mark DEFAULT NULL) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN herald_internal.notification_json(n, NOT herald.is_unread(n, mark));
COMMENT ON FUNCTION herald.notification_json(herald.notification, herald.read_mark) IS
	'returns a notification in the form for clients, given the mark of its recipient';

CREATE FUNCTION herald.notify(recipient text, type text, title text DEFAULT NULL, content text DEFAULT NULL,
	data jsonb DEFAULT '{}', actor text DEFAULT NULL, subject_type text DEFAULT NULL, subject_id text DEFAULT NULL,
	thread text DEFAULT NULL, cause text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_notify';
COMMENT ON FUNCTION herald.notify(text, text, text, text, jsonb, text, text, text, text, text) IS
	'notifies a user directly, once for a cause; returns the id, or NULL if the recipient does not want it or has it '
	'already';

CREATE FUNCTION herald_internal.notify_as(recipient text, type text, title text, content text, data jsonb,
	actor text, subject_type text, subject_id text, thread text, cause text, owner oid) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'herald_notify';
COMMENT ON FUNCTION herald_internal.notify_as(text, text, text, text, jsonb, text, text, text, text, text, oid) IS
	'notifies a user as herald.notify() does, by a cause of the given role';

CREATE FUNCTION herald.retract(cause text) RETURNS bigint
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'herald_retract';
COMMENT ON FUNCTION herald.retract(text) IS
	'retracts the notifications of a cause, or of all causes with that beginning (post:42:*), as their types allow: '
	'those that belong to the caller, or to a role that it may act as; returns how many';
