-- States of users and members, and rows for one user, that only their values or less usual names tell.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
\set SHOW_CONTEXT never
CREATE SCHEMA hidden_states;
SET search_path = hidden_states;
\pset format unaligned
-- Creates a table of this kind with one column more, and returns what a call says of the column.
CREATE FUNCTION tried(kind text, extra text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('CREATE TABLE tried_rows (id int, %s)', extra);
	SELECT coalesce(string_agg(concat_ws(' ', u.meaning, coalesce(u.argument::text, u.question)), '; '), '-')
	INTO result FROM herald_internal.unused_columns('tried_rows', kind, '{"key": ["id"]}') AS u;
	DROP TABLE tried_rows;
	RETURN result;
END
$$;
SELECT c.kind, c.extra, tried(c.kind, c.extra)
FROM (VALUES
	('members', 'reply text CHECK (reply IN (''yes'', ''no'', ''maybe''))'),
	('members', 'folder text CHECK (folder IN (''inbox'', ''trash''))'),
	('users', 'retired boolean'), ('users', 'dormant boolean'), ('users', 'do_not_contact boolean'),
	('users', '"vacationMode" boolean'), ('posts', 'reserved_for bigint'), ('messages', 'intended_for bigint'),
	('comments', 'moderated int DEFAULT 0')
) AS c (kind, extra);
-- Not doubtful
SELECT c.kind, c.extra, tried(c.kind, c.extra)
FROM (VALUES
	('members', 'side text CHECK (side IN (''left_wing'', ''right_wing''))'), ('users', 'contact text'),
	('users', 'vacation_days int'), ('posts', 'reserved_seats int'), ('comments', 'moderated_note text')
) AS c (kind, extra);
SET client_min_messages = warning;
DROP SCHEMA hidden_states CASCADE;
