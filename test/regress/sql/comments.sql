-- Every object that users may use carries a COMMENT: no query here returns a row. test/lint/documented checks that the
-- documentation describes them, too.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;

-- Functions of schema herald, and functions of herald_internal on which a role holds an explicit grant.
SELECT p.oid::regprocedure AS function
FROM pg_proc AS p
JOIN pg_language AS l ON l.oid = p.prolang
CROSS JOIN unnest('{herald_watch,herald_publish,herald_inbox,herald_admin,herald_bridge}'::text[]) AS r (role)
WHERE (p.pronamespace = 'herald'::regnamespace OR
       p.pronamespace = 'herald_internal'::regnamespace AND (p.prosecdef OR l.lanname = 'c') AND
       has_function_privilege(r.role, p.oid, 'EXECUTE')) AND
      obj_description(p.oid, 'pg_proc') IS NULL;

-- Tables and views of both schemas, and types of schema herald.
SELECT c.oid::regclass AS relation
FROM pg_class AS c
WHERE c.relnamespace IN ('herald'::regnamespace, 'herald_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v') AND
      obj_description(c.oid, 'pg_class') IS NULL;
SELECT t.oid::regtype AS type
FROM pg_type AS t
JOIN pg_class AS c ON c.oid = t.typrelid AND c.relkind = 'c'
WHERE t.typnamespace = 'herald'::regnamespace AND obj_description(t.oid, 'pg_type') IS NULL;

-- Columns of the tables and views that users inspect with \d+.
SELECT a.attrelid::regclass AS relation, a.attname AS "column"
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relnamespace = 'herald'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND
      a.attnum > 0 AND NOT a.attisdropped AND col_description(a.attrelid, a.attnum) IS NULL
ORDER BY 1::text, a.attnum;
