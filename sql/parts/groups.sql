-- ---------------------------------------------------------------------------
-- Groups of the inbox: folded like the unread counts, so that a page costs the same whatever the inbox holds
--
-- 1. A fold (unread.sql) keeps the figures of each group: those of its listed notifications with ids up to
-- folded_until. A group is touched if it has listed notifications above that, or a change of a folded one.
--
-- 2. touched_groups() adds the newer notifications to the figures of a group. The figures of a group with changes are
-- counted again. herald_internal.group_member finds its folded notifications: it is an index of the inbox that writers
-- need not maintain. Its entries say nothing but where to look. A notification with a change may have another group
-- than its entry says: it counts in the group that it has now.
--
-- 3. A page is the newest of the touched groups and of the other ones. The move of a fold stores the touched groups,
-- so the next page finds few.
--
-- 4. The plans are kept while the tables grow, and their statistics say nothing about one inbox. So OFFSET 0 and
-- LIMIT 1 keep the planner from any other order than a look-up by index for each row.
--
-- 5. Without a fold, all groups are touched. The same holds while types have other groups than those of the fold.
-- ---------------------------------------------------------------------------

-- Returns the group of a notification in the grouped inbox. The planner inlines this: it runs for each row of an inbox.
CREATE FUNCTION herald_internal.group_key(id bigint, type text, subject_type text, subject_id text, actor_id text,
                                          group_by text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN group_by = 'subject' AND subject_id IS NOT NULL
	THEN type || coalesce(':' || subject_type, '') || ':' || subject_id
            WHEN group_by = 'actor' AND actor_id IS NOT NULL THEN type || ' by ' || actor_id
            ELSE id::text END;

-- Returns the digest of a group: an index takes it, however long the key is.
CREATE FUNCTION herald_internal.group_digest(key text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN substr(sha256(convert_to(key, getdatabaseencoding())), 1, 16);

-- Returns how the types group their notifications; a type that is not in it does not.
CREATE FUNCTION herald_internal.group_rules() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_object_agg(t.name, t.group_by), '{}') FROM herald.notification_type AS t
	        WHERE t.group_by <> 'none');
END
$$;
COMMENT ON FUNCTION herald_internal.group_rules() IS 'returns how the types group their notifications';

CREATE TABLE herald_internal.inbox_group (
	user_id      text COLLATE "C" NOT NULL,
	digest       bytea NOT NULL,
	newest       bigint NOT NULL,
	count        bigint NOT NULL,
	unread       bigint NOT NULL,
	first_unread bigint,
	actor_count  bigint NOT NULL,
	actor_rows   bigint[] NOT NULL,
	PRIMARY KEY (user_id, digest)
);
COMMENT ON TABLE herald_internal.inbox_group IS 'the groups of inboxes with a fold, up to its folded_until';
COMMENT ON COLUMN herald_internal.inbox_group.digest IS 'of herald_internal.group_key()';
COMMENT ON COLUMN herald_internal.inbox_group.unread IS
	'how many are open above the mark of the fold; first_unread is the first of them';
COMMENT ON COLUMN herald_internal.inbox_group.actor_rows IS
	'the newest notification of each of the three newest actors, newest first';
CREATE INDEX inbox_group_user_id_newest ON herald_internal.inbox_group (user_id, newest);

CREATE TABLE herald_internal.group_member (
	user_id    text COLLATE "C" NOT NULL,
	digest     bytea NOT NULL,
	actor_hash bigint NOT NULL,
	id         bigint NOT NULL
);
COMMENT ON TABLE herald_internal.group_member IS
	'the notifications of the groups in herald_internal.inbox_group, in the list or not';
CREATE INDEX group_member_user_id_digest ON herald_internal.group_member (user_id, digest, actor_hash, id);
ALTER TABLE herald_internal.group_member REPLICA IDENTITY FULL;

-- Returns a number that finds the notifications of an actor in a group; other actors may have the same.
CREATE FUNCTION herald_internal.actor_hash(actor_id text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(hashtextextended(actor_id, 0), 0);

-- Returns the digests of the groups for which the figures of the fold do not hold: they have changes, or exceptions
-- below the mark, or the mark has been moved into the folded notifications.
CREATE FUNCTION herald_internal.changed_groups(user_id text, fold herald_internal.unread_fold, read_until bigint,
                                               unread bigint[], running xid8[]) RETURNS bytea[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	changed bytea[] := ARRAY(
		SELECT herald_internal.group_digest(herald_internal.group_key(c.id, c.type, c.subject_type, c.subject_id,
		                                                              c.actor_id, t.group_by))
		FROM herald_internal.unread_change AS c
		LEFT JOIN herald.notification_type AS t ON t.name = c.type
		WHERE c.user_id = changed_groups.user_id AND c.id <= fold.folded_until);
BEGIN
	IF unread <> '{}' OR running <> '{}' THEN
		changed := changed || ARRAY(
			SELECT herald_internal.group_digest(herald_internal.group_key(n.id, n.type, n.subject_type, n.subject_id,
			                                                              n.actor_id, t.group_by))
			FROM (SELECT * FROM herald.notification AS i
			      WHERE i.recipient_id = changed_groups.user_id AND i.id = ANY (unread)
			      UNION ALL
			      SELECT * FROM herald.notification AS i
			      WHERE running <> '{}' AND i.recipient_id = changed_groups.user_id AND
			            i.id <= changed_groups.read_until AND i.xid = ANY (running)) AS n
			LEFT JOIN herald.notification_type AS t ON t.name = n.type
			WHERE n.id <= fold.folded_until);
	END IF;
	IF fold.read_until < changed_groups.read_until AND changed_groups.read_until < fold.folded_until THEN
		changed := changed || ARRAY(SELECT g.digest FROM herald_internal.inbox_group AS g
		                            WHERE g.user_id = changed_groups.user_id AND g.unread > 0);
	END IF;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION herald_internal.changed_groups(text, herald_internal.unread_fold, bigint, bigint[], xid8[]) IS
	'returns the digests of the groups for which the figures of the fold do not hold';

-- Returns the figures of the touched groups, of notifications up to an id, given the mark of the user; a group without
-- notifications has count 0. was_unread is the number that the fold holds for the group.
CREATE FUNCTION herald_internal.touched_groups(user_id text, fold herald_internal.unread_fold, read_until bigint,
                                               unread bigint[], running xid8[], until bigint)
RETURNS TABLE (digest bytea, newest bigint, count bigint, unread_now bigint, first_unread bigint, actor_count bigint,
               actor_rows bigint[], was_unread bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET max_parallel_workers_per_gather = 0
SET jit = off AS $$
#variable_conflict use_column
DECLARE
	folded bigint := coalesce(fold.folded_until, 0);
	same_mark boolean := fold.read_until = touched_groups.read_until;
	changed bytea[] := herald_internal.changed_groups(touched_groups.user_id, fold, touched_groups.read_until,
	                                                  touched_groups.unread, touched_groups.running);
BEGIN
	RETURN QUERY
	SELECT f.digest, greatest(f.newest, b.newest), f.count + coalesce(b.count, 0), f.unread + coalesce(b.unread, 0),
	       coalesce(b.first_unread, f.first_unread),
	       coalesce(b.actor_count, 0) +
	       CASE WHEN b.digest IS NULL THEN cardinality(f.actors)
	       ELSE (SELECT count(*)
	             FROM unnest(f.actors) AS a (id)
	             WHERE NOT coalesce((
	                 SELECT true FROM herald_internal.group_member AS e
	                 CROSS JOIN LATERAL (
	                     SELECT * FROM herald.notification AS i
	                     WHERE i.recipient_id = touched_groups.user_id AND i.id = e.id OFFSET 0) AS n
	                 WHERE e.user_id = touched_groups.user_id AND e.digest = f.digest AND
	                       e.actor_hash = herald_internal.actor_hash(a.id) AND n.actor_id = a.id AND
	                       n.archived_at IS NULL AND n.retracted_at IS NULL LIMIT 1), false)) END,
	       CASE WHEN b.digest IS NULL THEN f.actor_rows[1:3]
	       ELSE ARRAY(SELECT r.id
	                  FROM (SELECT id FROM unnest(f.actor_rows[1:3]) AS id
	                        UNION ALL
	                        SELECT n.id
	                        FROM unnest(b.actor_rows) AS o (id)
	                        CROSS JOIN LATERAL (
	                            SELECT * FROM herald.notification AS i
	                            WHERE i.recipient_id = touched_groups.user_id AND i.id = o.id OFFSET 0) AS n
	                        WHERE n.actor_id <> ALL (f.actors)) AS r
	                  ORDER BY r.id DESC LIMIT 3) END,
	       CASE WHEN same_mark OR touched_groups.read_until < folded THEN coalesce(g.unread, 0) ELSE 0 END
	FROM (SELECT a.digest, max(a.id) AS newest, sum(a.count)::bigint AS count, sum(a.unread)::bigint AS unread,
	             min(a.first_unread) AS first_unread, bool_or(a.is_changed) AS is_changed,
	             coalesce(array_agg(a.actor_id) FILTER (WHERE a.actor_id IS NOT NULL), '{}') AS actors,
	             coalesce(array_agg(a.id ORDER BY a.id DESC) FILTER (WHERE a.actor_id IS NOT NULL), '{}') AS actor_rows
	      FROM (SELECT m.digest, m.actor_id, max(m.id) AS id, count(m.id) AS count,
	                   count(*) FILTER (WHERE m.unread) AS unread, min(m.id) FILTER (WHERE m.unread) AS first_unread,
	                   bool_or(m.is_changed) AS is_changed
	            FROM (SELECT herald_internal.group_digest(herald_internal.group_key(
	                             n.id, n.type, n.subject_type, n.subject_id, n.actor_id, t.group_by)) AS digest,
	                         n.actor_id, n.id, false AS is_changed,
	                         n.read_at IS NULL AND
	                         (n.id > touched_groups.read_until OR n.xid = ANY (touched_groups.running) OR
	                          n.id = ANY (touched_groups.unread)) AS unread
	                  FROM (SELECT * FROM herald.notification AS i
	                        WHERE i.recipient_id = touched_groups.user_id AND i.id > folded AND
	                              i.id <= touched_groups.until
	                        UNION ALL
	                        SELECT o.*
	                        FROM (SELECT DISTINCT x.id FROM herald_internal.unread_change AS x
	                              WHERE x.user_id = touched_groups.user_id AND x.id <= folded) AS x
	                        CROSS JOIN LATERAL (
	                            SELECT * FROM herald.notification AS i
	                            WHERE i.recipient_id = touched_groups.user_id AND i.id = x.id OFFSET 0) AS o) AS n
	                  LEFT JOIN herald.notification_type AS t ON t.name = n.type
	                  WHERE n.archived_at IS NULL AND n.retracted_at IS NULL
	                  UNION ALL
	                  SELECT c.digest, n.actor_id, n.id, true,
	                         n.read_at IS NULL AND
	                         (n.id > touched_groups.read_until OR n.xid = ANY (touched_groups.running) OR
	                          n.id = ANY (touched_groups.unread))
	                  FROM (SELECT DISTINCT d AS digest FROM unnest(changed) AS d) AS c
	                  CROSS JOIN LATERAL (
	                      SELECT m.id FROM herald_internal.group_member AS m
	                      WHERE m.user_id = touched_groups.user_id AND m.digest = c.digest OFFSET 0) AS e
	                  CROSS JOIN LATERAL (
	                      SELECT * FROM herald.notification AS i
	                      WHERE i.recipient_id = touched_groups.user_id AND i.id = e.id OFFSET 0) AS n
	                  WHERE n.archived_at IS NULL AND n.retracted_at IS NULL AND
	                        n.id NOT IN (SELECT x.id FROM herald_internal.unread_change AS x
	                                     WHERE x.user_id = touched_groups.user_id AND x.id <= folded)
	                  UNION ALL
	                  SELECT d, NULL, NULL, true, false FROM unnest(changed) AS d) AS m
	            GROUP BY m.digest, m.actor_id) AS a
	      GROUP BY a.digest) AS f
	LEFT JOIN LATERAL (SELECT * FROM herald_internal.inbox_group AS i
	                   WHERE folded > 0 AND i.user_id = touched_groups.user_id AND i.digest = f.digest OFFSET 0) AS g
		ON true
	CROSS JOIN LATERAL (
		SELECT CASE WHEN holds THEN g.digest END AS digest, CASE WHEN holds THEN g.newest END AS newest,
		       CASE WHEN holds THEN g.count END AS count, CASE WHEN holds AND same_mark THEN g.unread END AS unread,
		       CASE WHEN holds AND same_mark THEN g.first_unread END AS first_unread,
		       CASE WHEN holds THEN g.actor_count END AS actor_count, g.actor_rows
		FROM (SELECT NOT f.is_changed AS holds) AS h) AS b;
END
$$;
COMMENT ON FUNCTION herald_internal.touched_groups(text, herald_internal.unread_fold, bigint, bigint[], xid8[], bigint)
	IS 'returns the groups of an inbox that the fold does not hold, or no longer';

-- Returns a number of others, as words of a title.
CREATE FUNCTION herald_internal.others_text(count bigint) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN count || CASE count WHEN 1 THEN ' other' ELSE ' others' END;

CREATE TYPE herald.notification_group AS (
	id bigint, group_key text, type text, subject_type text, subject_id text, title text, content text, data jsonb,
	actors jsonb, actor_count bigint, count bigint, unread bigint, first_unread bigint, created_at timestamptz);
COMMENT ON TYPE herald.notification_group IS
	'an entry of the grouped inbox: its newest notification and the figures of the group';

CREATE FUNCTION herald.group_json(g herald.notification_group) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT pg_catalog.jsonb_build_object(
		'id', g.id::pg_catalog.text, 'group', g.group_key, 'type', g.type, 'subjectType', g.subject_type, 'subjectId',
		g.subject_id,
		'title', g.title, 'content', g.content, 'data', g.data, 'actors', g.actors, 'actorCount', g.actor_count,
		'count', g.count, 'unread', g.unread, 'firstUnread', g.first_unread::pg_catalog.text, 'read',
		g.unread OPERATOR(pg_catalog.=) 0,
		'createdAt', herald.iso8601(g.created_at));
$$;
COMMENT ON FUNCTION herald.group_json(herald.notification_group) IS
	'returns a group of notifications in the form for clients';

-- Nothing of a group is stored by writers, so that no writer waits for another.
CREATE FUNCTION herald.inbox_groups(user_id text, before bigint DEFAULT NULL, max int DEFAULT 50,
                                    only_unread boolean DEFAULT false)
RETURNS SETOF herald.notification_group
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
DECLARE
	mark herald.read_mark;
	fold herald_internal.unread_fold;
	before bigint := coalesce(inbox_groups.before, 9223372036854775807);
	most bigint := greatest(coalesce(inbox_groups.max, 50), 0);
BEGIN
	SELECT m.* INTO mark FROM herald.read_mark AS m WHERE m.user_id = inbox_groups.user_id;
	SELECT f.* INTO fold FROM herald_internal.unread_fold AS f
	WHERE f.user_id = inbox_groups.user_id AND f.group_rules = herald_internal.group_rules();
	mark.read_until := coalesce(mark.read_until, 0);
	RETURN QUERY
	WITH touched AS MATERIALIZED (
		SELECT t.* FROM herald_internal.touched_groups(inbox_groups.user_id, fold, mark.read_until,
			coalesce(mark.unread, '{}'), coalesce(mark.read_running, '{}'), 9223372036854775807) AS t
	), page AS MATERIALIZED (
		SELECT t.newest, t.count, t.unread_now AS unread, t.first_unread, t.actor_count, t.actor_rows
		FROM touched AS t
		WHERE t.count > 0 AND t.newest < before AND (NOT inbox_groups.only_unread OR t.unread_now > 0)
		UNION ALL
		(SELECT g.newest, g.count, u.unread, u.first_unread, g.actor_count, g.actor_rows
		 FROM herald_internal.inbox_group AS g
		 CROSS JOIN LATERAL (SELECT CASE WHEN fold.read_until = mark.read_until THEN g.unread ELSE 0 END AS unread,
		                            CASE WHEN fold.read_until = mark.read_until THEN g.first_unread END AS first_unread)
		     AS u
		 WHERE fold.folded_until > 0 AND g.user_id = inbox_groups.user_id AND g.newest < before AND
		       g.digest NOT IN (SELECT t.digest FROM touched AS t) AND
		       (NOT inbox_groups.only_unread OR u.unread > 0)
		 ORDER BY g.newest DESC
		 LIMIT most)
		ORDER BY newest DESC
		LIMIT most
	)
	SELECT n.id, herald_internal.group_key(n.id, n.type, n.subject_type, n.subject_id, n.actor_id, t.group_by),
	       n.type, n.subject_type, n.subject_id,
	       CASE WHEN t.group_title IS NOT NULL AND CASE t.group_by WHEN 'actor' THEN p.count ELSE p.actor_count END > 1
	            THEN replace(replace(herald_internal.render_template(t.group_title, n.actor_name, n.subject_type,
	                n.content),
	                                 '{others}', herald_internal.others_text(p.actor_count - 1)), '{count}',
	                                 p.count::text)
	            ELSE n.title END,
	       n.content, n.data, coalesce(s.actors, '[]'), p.actor_count, p.count, p.unread, p.first_unread, n.created_at
	FROM page AS p
	CROSS JOIN LATERAL (SELECT * FROM herald.notification AS i
	                    WHERE i.recipient_id = inbox_groups.user_id AND i.id = p.newest OFFSET 0) AS n
	LEFT JOIN herald.notification_type AS t ON t.name = n.type
	CROSS JOIN LATERAL (
		SELECT jsonb_agg(jsonb_build_object('id', a.actor_id, 'name', a.actor_name) ORDER BY a.id DESC) AS actors
		FROM unnest(p.actor_rows) AS r (id)
		CROSS JOIN LATERAL (SELECT * FROM herald.notification AS i
		                    WHERE i.recipient_id = inbox_groups.user_id AND i.id = r.id OFFSET 0) AS a) AS s
	ORDER BY p.newest DESC;
END
$$;
COMMENT ON FUNCTION herald.inbox_groups(text, bigint, int, boolean) IS
	'returns the inbox with one entry for each group (herald.notification_type.group_by): its newest notification, '
	'the numbers of actors and notifications, three of the actors, and the id of the first unread one';

-- Of the notifications that the fold includes, these are among the entries of the group, or are changed.
CREATE FUNCTION herald_internal.unread_of_group(user_id text, group_key text) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
	mark herald.read_mark;
	above bigint;
	folded bigint;
BEGIN
	SELECT m.* INTO mark FROM herald.read_mark AS m WHERE m.user_id = unread_of_group.user_id;
	above := herald_internal.unread_above(mark);
	folded := coalesce((SELECT f.folded_until FROM herald_internal.unread_fold AS f
	                    WHERE f.user_id = unread_of_group.user_id AND
	                          f.group_rules = herald_internal.group_rules()), 0);
	RETURN QUERY
	SELECT n.id
	FROM (SELECT * FROM herald.notification AS i
	      WHERE i.recipient_id = unread_of_group.user_id AND i.id > greatest(above, folded) AND
	            herald.is_unread(i, mark)
	      UNION ALL
	      SELECT o.*
	      FROM (SELECT e.id FROM herald_internal.group_member AS e
	            WHERE folded > above AND e.user_id = unread_of_group.user_id AND
	                  e.digest = herald_internal.group_digest(unread_of_group.group_key) AND e.id > above
	            UNION
	            SELECT c.id FROM herald_internal.unread_change AS c
	            WHERE c.user_id = unread_of_group.user_id AND c.id > above AND c.id <= folded) AS e
	      CROSS JOIN LATERAL (
	          SELECT * FROM herald.notification AS i
	          WHERE i.recipient_id = unread_of_group.user_id AND i.id = e.id AND herald.is_unread(i, mark)
	          OFFSET 0) AS o) AS n
	LEFT JOIN herald.notification_type AS t ON t.name = n.type
	WHERE herald_internal.group_key(n.id, n.type, n.subject_type, n.subject_id, n.actor_id, t.group_by) =
	      unread_of_group.group_key;
END
$$;
COMMENT ON FUNCTION herald_internal.unread_of_group(text, text) IS
	'returns the ids of the unread notifications of a group';

-- Returns the number of groups with unread notifications: those of the fold, and those that are touched.
CREATE FUNCTION herald_internal.unread_groups(user_id text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	mark herald.read_mark;
	fold herald_internal.unread_fold;
	folded bigint := 0;
BEGIN
	SELECT m.* INTO mark FROM herald.read_mark AS m WHERE m.user_id = unread_groups.user_id;
	SELECT f.* INTO fold FROM herald_internal.unread_fold AS f
	WHERE f.user_id = unread_groups.user_id AND f.group_rules = herald_internal.group_rules();
	mark.read_until := coalesce(mark.read_until, 0);
	IF fold.read_until = mark.read_until OR fold.folded_until > mark.read_until THEN
		folded := fold.unread_groups;
	END IF;
	RETURN folded + (
		SELECT count(*) FILTER (WHERE t.unread_now > 0) - count(*) FILTER (WHERE t.was_unread > 0)
		FROM herald_internal.touched_groups(unread_groups.user_id, fold, mark.read_until, coalesce(mark.unread, '{}'),
			coalesce(mark.read_running, '{}'), 9223372036854775807) AS t);
END
$$;
COMMENT ON FUNCTION herald_internal.unread_groups(text) IS
	'returns the number of groups with unread notifications of a user';
