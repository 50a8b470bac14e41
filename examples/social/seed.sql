-- seed.sql: four users, their posts, and a conversation.

INSERT INTO users (username, display_name, bio) VALUES
	('ada',   'Ada',   'Writes programs for engines that do not exist yet.'),
	('grace', 'Grace', 'Finds bugs. Keeps them in a notebook.'),
	('linus', 'Linus', 'Diving, penguins, kernels.'),
	('maria', 'Maria', 'Film, bread and long walks.');

INSERT INTO follows (follower_id, followee_id)
SELECT a.id, b.id
FROM (VALUES
	('ada', 'grace'), ('grace', 'ada'), ('linus', 'ada'), ('maria', 'grace'), ('ada', 'maria')
) AS f (follower, followee)
JOIN users a ON a.username = f.follower
JOIN users b ON b.username = f.followee;

INSERT INTO posts (user_id, content, created_at)
SELECT u.id, p.content, now() - p.age
FROM (VALUES
	('maria', 'The first loaf from the new oven. It is lopsided and I love it.', interval '26 hours'),
	('linus', 'Good visibility today: twelve metres, and a very curious seal.', interval '9 hours'),
	('grace', 'Found a moth in the relay. Taped it into the notebook.', interval '3 hours'),
	('ada',   'The engine weaves algebraic patterns just as the loom weaves flowers and leaves.', interval '40 minutes')
) AS p (username, content, age)
JOIN users u USING (username)
ORDER BY p.age DESC;

INSERT INTO likes (user_id, post_id)
SELECT u.id, p.id
FROM posts p
JOIN users a ON a.id = p.user_id
JOIN users u ON u.id <> p.user_id
WHERE (a.username, u.username) IN (('grace', 'ada'), ('grace', 'linus'), ('ada', 'maria'), ('maria', 'grace'));

INSERT INTO comments (post_id, user_id, content, created_at)
SELECT p.id, u.id, c.content, p.created_at + interval '12 minutes'
FROM (VALUES
	('grace', 'linus', 'Is it alive?'),
	('maria', 'ada',   'Lopsided loaves taste best.')
) AS c (author, username, content)
JOIN users a ON a.username = c.author
JOIN posts p ON p.user_id = a.id
JOIN users u ON u.username = c.username;

WITH conversation AS (
	INSERT INTO conversations (title) VALUES ('Sunday lunch') RETURNING id
)
INSERT INTO conversation_members (conversation_id, user_id)
SELECT conversation.id, u.id FROM conversation, users u WHERE u.username IN ('ada', 'grace', 'maria');

INSERT INTO messages (conversation_id, sender_id, content, created_at)
SELECT c.id, u.id, m.content, now() - m.age
FROM (VALUES
	('maria', 'Soup or pie?', interval '70 minutes'),
	('grace', 'Pie. It is always pie.', interval '64 minutes'),
	('ada',   'I will bring the pears.', interval '61 minutes')
) AS m (username, content, age)
JOIN users u USING (username)
CROSS JOIN conversations c
WHERE c.title = 'Sunday lunch'
ORDER BY m.age DESC;
