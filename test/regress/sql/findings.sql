-- The watch_* functions tell which columns they found, and raise an error if a row may not count and they ignore why.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_herald;
SET client_min_messages = notice;
\set SHOW_CONTEXT never
TRUNCATE herald.notification;
CREATE SCHEMA f;

-- A shop with names of its own.
CREATE TABLE f.accounts (account_id uuid PRIMARY KEY, nick text UNIQUE NOT NULL, full_name text,
	wants_notifications boolean NOT NULL DEFAULT true);
CREATE TABLE f.articles (article_id uuid PRIMARY KEY, written_by uuid NOT NULL REFERENCES f.accounts, headline text,
	article_text text, published_at timestamptz);
CREATE TABLE f.reactions (account_id uuid REFERENCES f.accounts, article_id uuid REFERENCES f.articles,
	kind text NOT NULL, PRIMARY KEY (account_id, article_id, kind));
CREATE TABLE f.remarks (remark_id uuid PRIMARY KEY, article_id uuid REFERENCES f.articles,
	account_id uuid REFERENCES f.accounts, answers uuid REFERENCES f.remarks, remark text);
CREATE TABLE f.friendships (requester_id uuid REFERENCES f.accounts, addressee_id uuid REFERENCES f.accounts,
	state text NOT NULL DEFAULT 'pending', PRIMARY KEY (requester_id, addressee_id));
CREATE TABLE f.chat_rooms (room_id uuid PRIMARY KEY, topic text);
CREATE TABLE f.chat_participants (room_id uuid REFERENCES f.chat_rooms, account_id uuid REFERENCES f.accounts,
	left_on timestamptz, PRIMARY KEY (room_id, account_id));
CREATE TABLE f.chat_lines (line_id uuid PRIMARY KEY, room_id uuid NOT NULL REFERENCES f.chat_rooms,
	account_id uuid NOT NULL REFERENCES f.accounts, said text NOT NULL);
SELECT herald.watch_users('f.accounts');
SELECT herald.watch_posts('f.articles');
SELECT herald.watch_likes('f.reactions');
SELECT herald.watch_comments('f.remarks');
SELECT herald.watch_follows('f.friendships');
SELECT herald.watch_follows('f.friendships', status => 'state');
SELECT herald.watch_members('f.chat_participants');
SELECT herald.watch_messages('f.chat_lines');
SELECT herald.watch_likes('f.chat_lines');

-- A draft reaches nobody but its author, an article of the future neither.
INSERT INTO f.accounts VALUES ('00000000-0000-0000-0000-000000000001', 'ann'),
	('00000000-0000-0000-0000-000000000002', 'ben');
INSERT INTO f.articles (article_id, written_by, article_text, published_at)
SELECT ('10000000-0000-0000-0000-00000000000' || place)::uuid, '00000000-0000-0000-0000-000000000001', 'hi @ben', at
FROM (VALUES (1, NULL), (2, now() - interval '1 day'), (3, now() + interval '1 day')) AS a (place, at);
SELECT right(recipient_id, 1) AS told, type, right(subject_id, 1) AS article FROM herald.notification;
SELECT split_part(rooms[1], ':', 1) AS room, right(payload ->> 'postId', 1) AS article FROM herald.event
WHERE name = 'post:created' AND payload::jsonb -> 'post' ? 'article_text' ORDER BY room, article;
SELECT right(u, 1) AS viewer, right(a, 1) AS article, herald.may_join(u, 'post:' || a)
FROM unnest('{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002}'::text[]) AS u,
     unnest('{10000000-0000-0000-0000-000000000001,10000000-0000-0000-0000-000000000002,'
            '10000000-0000-0000-0000-000000000003}'::text[]) AS a
ORDER BY 1, 2;
UPDATE f.articles SET published_at = now() WHERE published_at IS NULL;
SELECT right(recipient_id, 1) AS told, type, right(subject_id, 1) AS article FROM herald.notification ORDER BY id;

-- A member that has left does not hear the room.
INSERT INTO f.chat_rooms VALUES ('20000000-0000-0000-0000-000000000001');
INSERT INTO f.chat_participants VALUES
	('20000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001', NULL),
	('20000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002', now());
SELECT right(u, 1) AS member, herald.may_join(u, 'conversation:20000000-0000-0000-0000-000000000001')
FROM unnest('{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002}'::text[]) AS u;
SELECT herald.unwatch_all();

-- A column that may mean "left", "off" or "not yet" is an error, until the call uses or ignores it.
SET client_min_messages = warning;
CREATE TABLE f.users (id int PRIMARY KEY, username text, opted_out boolean, mute_all boolean);
SELECT herald.watch_users('f.users');
\echo :LAST_ERROR_SQLSTATE
SELECT herald.watch_users('f.users', ignore => '{opted_out}');
SELECT herald.watch_users('f.users', ignore => '{opted_out,mute_all}');
SELECT herald.watch_users('f.users', ignore => '{opted_in}');
CREATE TABLE f.posts (id int PRIMARY KEY, user_id int REFERENCES f.users, body text, publish_at timestamptz,
	approved boolean);
SELECT herald.watch_posts('f.posts');
SELECT herald.watch_posts('f.posts', published_at => 'publish_at');
SELECT herald.watch_posts('f.posts', published_at => 'publish_at', visible => 'post.approved');
SELECT herald.watch_posts('f.posts', visible => 'true', ignore => '{"publish_at, approved"}');
CREATE TABLE f.members (conversation_id int, user_id int REFERENCES f.users, kicked boolean, muted boolean);
SELECT herald.watch_members('f.members');
SELECT herald.watch_members('f.members', left_at => 'kicked', ignore => '{muted}');
CREATE TABLE f.follows (follower_id int, followee_id int, confirmed boolean);
SELECT herald.watch_follows('f.follows');
-- The call keeps the ignored columns.
SELECT relation, arguments -> 'ignore' AS ignore FROM herald_internal.watched_table ORDER BY relation::text;

-- A column that may tell whether a row counts is named.
SET client_min_messages = notice;
CREATE TABLE f.notes (id int PRIMARY KEY, user_id int REFERENCES f.users, tale text, status text, visibility text,
	deleted_by int, private boolean, score int);
SELECT herald.watch_posts('f.notes');
SELECT herald.watch_posts('f.notes', ignore => '{private}');
SELECT herald.watch_posts('f.notes', status => 'status', ignore => '{visibility,private,score}');
-- The user of an act is one, unless a column for the act itself is there.
CREATE TABLE f.hints (id int PRIMARY KEY, user_id int REFERENCES f.users, body text, removed_by int, "hiddenById" int,
	archived_by text, deleted_by_user_id uuid, deleted_at timestamptz);
SELECT herald.watch_posts('f.hints', noun => 'hint', deleted_at => 'deleted_at');
CREATE TABLE f.seats (conversation_id int, user_id int REFERENCES f.users, banned_by int);
SELECT herald.watch_members('f.seats');
SELECT herald.watch_members('f.seats', active => 'banned_by IS NULL');
-- Where nobody is a value, the call asks for it.
CREATE TABLE f.desks (conversation_id int, user_id int REFERENCES f.users, banned_by int NOT NULL DEFAULT 0);
SELECT herald.watch_members('f.desks');
SELECT herald.unwatch('f.seats'), herald.unwatch('f.hints');
-- Times of a broadcast, a take-down, and the answer to an invitation.
CREATE TABLE f.mixed (air_date timestamptz, taken_down_at timestamptz,
	response text CHECK (response IN ('yes', 'no')));
SELECT k AS kind, u.name, u.meaning, u.argument, u.question
FROM unnest('{posts,comments,members}'::text[]) AS k
CROSS JOIN herald_internal.unused_columns('f.mixed', k, '{"key": ["id"]}') AS u;
-- Words of other languages count as well.
CREATE TABLE f.beitraege (id int PRIMARY KEY, autor_id int, inhalt text, "veroeffentlichtAm" timestamptz,
	geloescht_am timestamptz, gesperrt boolean, zustand text DEFAULT 'entwurf');
SELECT herald.watch_posts('f.beitraege', noun => 'beitrag', author => 'autor_id', body => 'inhalt');
SELECT herald.watch_posts('f.beitraege', noun => 'beitrag', author => 'autor_id', body => 'inhalt',
	published_at => 'veroeffentlichtAm');
SELECT herald.unwatch('f.beitraege');
CREATE TABLE f.usuarios (id int PRIMARY KEY, nombre text, activo boolean, notificaciones boolean, eliminado_el date);
SELECT n, herald_internal.english_words(n) FROM unnest('{stat,etat,public,publie_le,isPrive,state}'::text[]) AS n;
SELECT name, meaning, argument, question FROM herald_internal.unused_columns('f.usuarios', 'users', '{"key": ["id"]}');
-- Numbers of a status say nothing by themselves: the hint asks, and shows them.
CREATE TABLE f.drafts (id int PRIMARY KEY, user_id int REFERENCES f.users, body text, status smallint);
INSERT INTO f.drafts VALUES (1, NULL, 'x', 0), (2, NULL, 'y', 3);
SELECT herald.watch_posts('f.drafts', noun => 'draft');
SELECT herald.watch_posts('f.drafts', noun => 'draft', status => 'status');
-- Likes of users are follows.
CREATE TABLE f.swipes (user_id int REFERENCES f.users, liked_user_id int REFERENCES f.users);
SELECT herald.watch_likes('f.swipes');
CREATE TABLE f.mutes (muter_id int, muted_id int, expires_at timestamptz);
SELECT herald.watch_blocks('f.mutes', mutual => false);
CREATE TABLE f.votes (user_id int, votable_id int, votable_type text, value int, deleted boolean);
SELECT herald.watch_likes('f.votes', subject => 'votable_id', subject_table => 'f.posts');
CREATE TABLE f.staff (id int PRIMARY KEY REFERENCES f.users, name text);
SELECT herald.unwatch('f.users');
SELECT herald.watch_users('f.staff');

-- A status that can mean "not yet" is an error, unless the call knows another way to tell.
CREATE TABLE f.essays (id int PRIMARY KEY, user_id int, body text, status text DEFAULT 'draft', publish_at timestamptz);
SELECT herald.watch_posts('f.essays', published_at => 'publish_at');
SELECT herald.watch_posts('f.essays', ignore => '{publish_at}');
CREATE TABLE f.letters (id int PRIMARY KEY, sender_id int, receiver_id int, body text,
	state text CHECK (state IN ('sent', 'requested')));
SELECT herald.watch_messages('f.letters');
-- A type beside an id says which table the id is of, unless a foreign key says it.
SELECT herald.watch_likes('f.votes', subject => 'votable_id', subject_table => 'f.posts', ignore => '{votable_type}');
SELECT herald.watch_likes('f.votes', subject => 'votable_id', subject_table => 'f.posts',
                          ignore => '{votable_type,value}');
CREATE TABLE f.scores (user_id int, post_id int REFERENCES f.posts, post_type text);
SELECT herald.watch_likes('f.scores');
-- A table with a row for all that somebody does with another.
-- A table of several acts, with the side of a vote; a kind that is a number is shown as rows have it.
CREATE TABLE f.post_acts (user_id int, post_id int, read_at timestamptz, saved_at timestamptz, voted_at timestamptz,
	vote_is_upvote boolean);
SELECT herald.watch_likes('f.post_acts');
SELECT herald.watch_likes('f.post_acts', active => 'vote_is_upvote');
CREATE TABLE f.marks (user_id int, post_id int, kind int);
INSERT INTO f.marks VALUES (1, 1, 2), (1, 2, 3), (2, 2, 3);
SELECT herald.watch_likes('f.marks');
CREATE TABLE f.acts (person_id int, target_id int, followed_at timestamptz, blocked_at timestamptz,
	created_at timestamptz, noticed_at timestamptz DEFAULT now());
SELECT herald.watch_follows('f.acts');
SELECT herald.watch_blocks('f.acts');
SELECT herald.watch_follows('f.acts', ignore => '{followed_at,blocked_at}');
SELECT herald.watch_blocks('f.acts', active => 'blocked_at IS NOT NULL');
SELECT herald.watch_follows('f.acts', active => 'followed_at IS NOT NULL');
SELECT herald.watch_blocks('f.acts');
SELECT herald.watch_blocks('f.acts', active => 'blocked_at IS NOT NULL');
-- The key of a row may matter in no way, whatever its name is.
CREATE TABLE f.feelings (reaction_id text PRIMARY KEY, user_id int, post_id int REFERENCES f.posts);
SELECT herald.watch_likes('f.feelings');
-- Posts have the tenant that their users have.
CREATE TABLE f.workers (id int PRIMARY KEY REFERENCES f.users, username text, company_id int);
CREATE TABLE f.memos (id int PRIMARY KEY, worker_id int REFERENCES f.workers, body text, company_id int, team_id int);
SELECT herald.unwatch('f.staff');
SELECT herald.watch_users('f.workers'), herald.watch_posts('f.memos');
-- Posts have a group: the example asks the table of its members, if there is one, and works.
CREATE TABLE f.circles (id int PRIMARY KEY);
CREATE TABLE f.circle_members (circle_id int REFERENCES f.circles, worker_id int REFERENCES f.workers);
CREATE TABLE f.bulletins (id int PRIMARY KEY, worker_id int REFERENCES f.workers, body text,
	circle_id int REFERENCES f.circles, category_id int);
SELECT herald.watch_posts('f.bulletins');
SELECT herald.watch_posts('f.bulletins', visible =>
	'post.circle_id IS NULL OR EXISTS (SELECT FROM f.circle_members AS member '
	'WHERE member.circle_id = post.circle_id AND member.worker_id::text = viewer)');
-- Columns of rows that are hidden, or deleted for one side, are named. Consent to marketing is no switch.
CREATE TABLE f.jottings (id int PRIMARY KEY, worker_id int REFERENCES f.workers, body text,
	hidden_by_moderator boolean NOT NULL DEFAULT false, hidden_by_id int);
CREATE TABLE f.wires (id int PRIMARY KEY, sender_id int REFERENCES f.workers, receiver_id int REFERENCES f.workers,
	body text, "deletedBySender" boolean);
SELECT herald.watch_posts('f.jottings');
SELECT herald.watch_messages('f.wires');
CREATE TABLE f.clients (id uuid PRIMARY KEY, username text, marketing_opt_in boolean, newsletter_subscribed boolean);
SELECT herald.watch_users('f.clients');
SELECT herald.unwatch('f.clients'), herald.unwatch('f.wires');
-- Nobody hears conversations without members.
CREATE TABLE f.rooms (id int PRIMARY KEY);
CREATE TABLE f.lines (id int PRIMARY KEY, room_id int REFERENCES f.rooms, worker_id int REFERENCES f.workers,
	body text);
CREATE TABLE f.room_members (room_id int REFERENCES f.rooms, worker_id int REFERENCES f.workers);
SELECT herald.watch_messages('f.lines');
SELECT severity, relation, remedy FROM herald.doctor() WHERE problem = 'members_unknown';
SELECT herald.watch_members('f.room_members');          -- conversation 1 and room 1 would share a room
SELECT herald.unwatch('f.members');
SELECT herald.watch_members('f.room_members');
SELECT severity, relation, remedy FROM herald.doctor() WHERE problem = 'members_unknown';

-- The status of a call is a column with values, and the call must be able to meet them.
SET client_min_messages = warning;
CREATE TYPE f.friend_state AS ENUM ('PENDING', 'ACCEPTED', 'DECLINED');
CREATE TABLE f.friends (requester_id int, addressee_id int, state f.friend_state, phase text, since timestamptz,
	mood text CHECK (mood IN ('yes', 'no')), step int);
INSERT INTO f.friends VALUES (1, 2, 'PENDING', 'asked'), (1, 3, 'ACCEPTED', 'agreed');
SELECT herald.watch_follows('f.friends', status => 'since');
\echo :LAST_ERROR_SQLSTATE
SELECT herald.watch_follows('f.friends', status => 'state', accepted => 'yes');
\echo :LAST_ERROR_SQLSTATE
SELECT herald.watch_follows('f.friends', status => 'mood');
SELECT herald.watch_follows('f.friends', status => 'step');
SELECT herald.watch_follows('f.friends', status => 'phase');
SELECT herald.watch_follows('f.friends', status => 'phase', accepted => 'agreed', pending => 'asked');
SELECT herald.watch_follows('f.friends', status => 'mood', accepted => 'yes');
SELECT arguments ->> 'accepted' AS accepted FROM herald_internal.watched_table WHERE relation = 'f.friends'::regclass;
-- The values of the default are found in the spelling of the column.
SELECT herald.watch_follows('f.friends', status => 'state');
SELECT arguments ->> 'accepted' AS accepted, arguments ->> 'pending' AS pending
FROM herald_internal.watched_table WHERE relation = 'f.friends'::regclass;

-- The noun of the table of users is one of their names, and examples of errors keep the meaning.
CREATE TABLE f.agents (id int PRIMARY KEY REFERENCES f.users, name text);
CREATE TABLE f.tickets (id int PRIMARY KEY, assignee_id int REFERENCES f.agents, requested_for int, status text);
CREATE TABLE f.ticket_watchers (ticket_id int REFERENCES f.tickets, agent_id int REFERENCES f.agents);
CREATE TABLE f.contacts (user_from_id int, user_to_id int);
SELECT herald.unwatch('f.workers');
SELECT herald.watch_members('f.ticket_watchers', conversation => 'ticket_id', member => 'agent_id');
SELECT herald.unwatch('f.room_members'), herald.unwatch('f.lines');
SELECT herald.watch_users('f.agents'), herald.watch_members('f.ticket_watchers'), herald.watch_follows('f.contacts');
SELECT herald.watch_posts('f.tickets');
SELECT arguments -> 'member' AS member, arguments -> 'conversation' AS conversation, arguments -> 'follower' AS follower
FROM herald_internal.watched_table WHERE kind IN ('members', 'follows') AND relation <> 'f.friends'::regclass
ORDER BY relation::text;

SET client_min_messages = warning;
SELECT herald.unwatch_all();
DROP SCHEMA f CASCADE;
TRUNCATE herald.notification;
