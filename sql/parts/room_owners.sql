-- ---------------------------------------------------------------------------
-- Owners of rooms: rooms with a prefix belong to the owner of the watched tables
-- that decide about them
--
-- A second table or a policy for the same prefix would let its owner into rooms
-- of somebody else. So all tables with a prefix have one owner, and a policy
-- belongs to a member of that role. Superusers are members of all roles.
-- ---------------------------------------------------------------------------

-- Raises an error if a policy for a prefix, or a table with it, belongs to another role.
CREATE FUNCTION herald_internal.check_room_owners(prefix text) RETURNS void
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	conflict record;
BEGIN
	SELECT t.relation, c.relowner::regrole AS owner, other.name, other.owner::regrole AS other_owner INTO conflict
	FROM herald_internal.room_tables() AS t
	JOIN pg_class AS c ON c.oid = t.relation
	CROSS JOIN LATERAL (
		SELECT 'the room policy', p.owner FROM herald.room_policy AS p WHERE p.prefix = t.prefix
		UNION ALL
		SELECT 'table ' || o.oid::regclass, o.relowner
		FROM herald_internal.room_tables() AS s
		JOIN pg_class AS o ON o.oid = s.relation
		WHERE s.prefix = t.prefix) AS other (name, owner)
	JOIN pg_roles AS r ON r.oid = other.owner
	WHERE t.prefix = check_room_owners.prefix AND NOT pg_has_role(other.owner, c.relowner, 'MEMBER')
	ORDER BY t.relation::text COLLATE "C", other.name COLLATE "C"
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'rooms "%:..." would belong to several roles', prefix
			USING ERRCODE = 'insufficient_privilege',
			      DETAIL = format('Table %s belongs to role %s, but %s to role %s.', conflict.relation, conflict.owner,
			                      conflict.name, conflict.other_owner),
			      HINT = 'All that admit users to these rooms must belong to one role. So tenants with roles of their '
			             'own need a database each, or one role that owns the tables of all.';
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.check_room_owners(text) IS
	'raises an error if rooms with a prefix would belong to several roles';

-- Raises an error if a source of rooms would admit users to rooms into which a table of another owner publishes, and
-- the owner of the source could not act as that owner: members to messages, follows to posts.
CREATE FUNCTION herald_internal.check_room_source(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	conflict record;
BEGIN
	SELECT s.prefix, s.relation AS source, w.relation AS published INTO conflict
	FROM herald_internal.room_source AS s
	JOIN herald_internal.watched_table AS w ON CASE s.kind WHEN 'follows' THEN w.kind = 'posts'
		ELSE w.kind = 'messages' AND w.arguments ? 'conversation' END
	JOIN pg_class AS c ON c.oid = s.relation
	JOIN pg_class AS p ON p.oid = w.relation
	WHERE $1 IN (s.relation, w.relation) AND NOT pg_has_role(c.relowner, p.relowner, 'MEMBER')
	ORDER BY s.relation::text COLLATE "C", w.relation::text COLLATE "C"
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'rooms "%..." would belong to several roles', conflict.prefix
			USING ERRCODE = 'insufficient_privilege',
			      DETAIL = format('Table %s would admit users to rooms of table %s.', conflict.source,
			                      conflict.published),
			      HINT = 'All that admit users to these rooms must belong to one role. So tenants with roles of their '
			             'own need a database each, or one role that owns the tables of all.';
	END IF;
END
$$;

-- The same for the rooms that a new record of a watched table decides about. Sources of rooms of one kind have one
-- owner, too.
CREATE FUNCTION herald_internal.check_watched_rooms(relation regclass, kind text) RETURNS void
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	conflict record;
BEGIN
	PERFORM herald_internal.check_room_source(relation);
	PERFORM herald_internal.check_room_owners(t.prefix)
	FROM (SELECT DISTINCT r.prefix
	      FROM herald_internal.watched_subjects() AS w
	      JOIN herald_internal.room_tables() AS r ON r.relation IN (w.relation, w.subject_table)
	      WHERE w.relation = $1 AND w.kind = $2) AS t;
	SELECT o.oid::regclass AS relation, o.relowner::regrole AS owner, s.prefix INTO conflict
	FROM herald_internal.room_source AS s
	JOIN pg_class AS o ON o.oid = s.relation
	JOIN pg_class AS c ON c.oid = $1
	WHERE s.kind = $2 AND NOT (pg_has_role(c.relowner, o.relowner, 'MEMBER') AND
	                           pg_has_role(o.relowner, c.relowner, 'MEMBER'))
	ORDER BY o.oid::regclass::text COLLATE "C"
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'rooms "%..." would belong to several roles', conflict.prefix
			USING ERRCODE = 'insufficient_privilege',
			      DETAIL = format('Table %s belongs to role %s.', conflict.relation, conflict.owner),
			      HINT = 'All that admit users to these rooms must belong to one role. So tenants with roles of their '
			             'own need a database each, or one role that owns the tables of all.';
	END IF;
END
$$;
COMMENT ON FUNCTION herald_internal.check_watched_rooms(regclass, text) IS
	'raises an error if the rooms of a watched table would belong to several roles';

-- A superuser may add any policy, for example those of a dump.
CREATE FUNCTION herald_internal.check_policy_owner() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) THEN
		PERFORM herald_internal.check_policy_rooms(new.prefix);
	END IF;
	RETURN NULL;
END
$$;
CREATE FUNCTION herald_internal.check_policy_rooms(prefix text) RETURNS void
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.check_room_owners(prefix);
$$;
COMMENT ON FUNCTION herald_internal.check_policy_rooms(text) IS
	'raises an error if rooms with a prefix would belong to several roles, for the trigger of policies';
CREATE TRIGGER check_policy_owner AFTER INSERT OR UPDATE ON herald.room_policy
	FOR EACH ROW EXECUTE FUNCTION herald_internal.check_policy_owner();
