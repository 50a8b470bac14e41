-- ---------------------------------------------------------------------------
-- Words: the meanings of names of columns and of their values
--
-- This part says of a word whether a row counts by it, which act it is about, and
-- whether it limits who may see the row. Names and values come as words, those
-- of five other languages in English. The roles of columns have words of their
-- own (name_convention()), as have the kinds of tables (kind_of_name()).
-- ---------------------------------------------------------------------------

-- Returns the name of a column as words, with English ones for those of other languages that say whether a row counts:
-- geloescht_am becomes deleted_at. A point stands for letters that are not ASCII.
CREATE FUNCTION herald_internal.english_words(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT regexp_replace(string_agg(coalesce(t.english, w.word), '_' ORDER BY w.place),
	                      '(deleted|removed|published|hidden|banned|left|expired)_(am|el|le|em|il|op)$', '\1_at')
	FROM string_to_table(herald_internal.name_words(name), '_') WITH ORDINALITY AS w (word, place)
	LEFT JOIN (VALUES
		('gel.{1,2}scht|eliminad[oa]|borrad[oa]|exclu.d[oa]|apagad[oa]|supprim.e?|eliminat[oa]|cancellat[oa]|'
		 'verwijderd', 'deleted'),
		('entfernt|removid[oa]|retirad[oa]|rimoss[oa]', 'removed'),
		('ver.{1,2}ffentlicht|publicad[oa]|publi.e?|pubblicat[oa]|gepubliceerd', 'published'),
		('entwurf|borrador|rascunho|brouillon|bozza', 'draft'),
		('versteckt|verborgen|ocult[oa]|escondid[oa]|masqu.e?|nascost[oa]', 'hidden'),
		('gesperrt|banead[oa]|banid[oa]|banni|bannat[oa]|suspendid[oa]|suspens[oa]', 'banned'),
		('verlassen|ausgetreten|abandonad[oa]', 'left'),
		('abgelaufen|expirad[oa]|vencid[oa]|scadut[oa]|verlopen', 'expired'),
		('freigegeben|genehmigt|aprobad[oa]|aprovad[oa]|approuv.e?|approvat[oa]', 'approved'),
		('ausstehend|pendiente|pendente', 'pending'),
		('stumm|silenciad[oa]', 'muted'),
		('benachrichtigung(en)?|notificaci.{1,2}n(es)?|notifica.{1,2}es', 'notifications'),
		('aktiv|activ[oa]|ativ[oa]|actif|attiv[oa]|actief', 'active'),
		('privat|privad[oa]|priv.e?|privat[oa]', 'private'),
		('sichtbarkeit|visibilidade?|visibilit.', 'visibility'),
		('zustand|estado|etat|[^ -~]tat|stato', 'state')) AS t (stems, english)
		ON w.word ~ ('^(' || t.stems || ')$') AND w.word <> ALL ('{public,private}');
$$;

-- Returns whether the name of a switch says that it switches notifications off. "not_muted" and "unmuted" do not.
CREATE FUNCTION herald_internal.is_opposite_switch(words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ '(^|_)(mute|muted|out|optout|silent|silence|silenced|unsubscribed|dnd|disturb|disabled|disable|off|'
	               'no|block|blocked|hide|suppress|suppressed|pause|paused|quiet|vacation|not_contact)(_|$)' AND
	       words !~ '(^|_)(not|non|never|no_longer)_(?!disturb|contact)';
$$;

-- Returns whether the name of a column is that of the act that makes a row one of a kind, such as voted_at.
CREATE FUNCTION herald_internal.is_act_of(kind text, words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ ('(^|_)(' || CASE kind
		WHEN 'likes' THEN '(up_?)?(like|vote)d?|loved?|heart(ed)?|clap(ped)?|star(red)?|favou?rited?|react(ed)?'
		WHEN 'follows' THEN 'follow(ed|ing)?|subscribed?|friend(s|ed)?|match(ed)?|connect(ed)?'
		WHEN 'blocks' THEN 'block(ed)?|muted?|ignored?|bann?(ed)?|silenced?'
		WHEN 'members' THEN 'join(ed)?|enroll?(ed)?'
		ELSE 'status|state|visibility|privacy' END || ')(_|$)');
$$;

-- Returns whether a name says that a row counts if the column is set: if a boolean is true, if a value is that name, or
-- after the time of an act. False: that it does not count; NULL: neither. The name is a word about the row as a whole:
-- comments_disabled is about its comments, and has_draft about another row. A "not" in front turns the meaning. A row
-- that was never undeleted counts as well, so that such a name says nothing. Nor do words that mean one thing in one
-- application and another one in the next: an archived topic may be read, and a silenced user may be notified.
CREATE FUNCTION herald_internal.is_affirmative(kind text, words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN words ~ '(^|_)ha(s|ve)_' AND core !~ '(e[dn]|left|quit)$' OR kind = 'comments' AND core = 'accepted' OR
		     kind = 'users' AND core ~ '^(silenced|muted|ignored|restricted|hidden|spam|anonymous|private|internal)$' OR
		     kind = 'members' AND core ~ '^(hidden|mentions?_only|only_mentions?)$'
		THEN NULL
		WHEN kind = 'likes' AND core ~ '^(dislike|disliked|down|downvoted?|negative|minus|pass|passed|skipped)$' OR
		     words ~ '(^|_)only(_|$)|^for_(?!all|every|any|public)' AND words !~ '(^|_)(read|view|text|audio|link)_only'
		THEN false
		WHEN kind = 'users' AND core = 'closed' THEN turned
		WHEN kind IN ('posts', 'comments') AND core = 'online' OR
		     kind = 'likes' AND core ~ '^(up|positive|plus|helpful|vote_flag)$' OR
		     kind IN ('likes', 'follows', 'blocks') AND herald_internal.is_act_of(kind, core) AND
		     core ~ '^(up_?)?[a-z]+$'
		THEN NOT turned
		WHEN core ~ ('^('
			-- gone
			'deleted?|discarded|trashed|erased|purged|removed|taken_?down|hidden|spam|quarantined|killed|dead|'
			'(unpublish|expire|archive|hide)|'
			-- ended
			'expired|ended|terminated|stopped|cancell?ed|lifted|undone|dissolved|severed|disconnected|voided?|frozen|'
			'revoked|paused|deactivated|disabled|retired|dormant|'
			-- forbidden
			'(shadow)?banned|suspended|silenced|muted|ignored|blocked|(read_|access_)?restricted|'
			-- refused
			'rejected|declined|denied|refused|dismissed|disapproved|'
			-- left
			'left|gone|kicked|expelled|exited|departed|withdrawn|withdrew|quit|resigned|unenrolled|dropped|'
			-- taken back
			'recalled|retracted|redacted|unsent|un(follow|friend|lik|vot|block|match|subscrib|shar|star|heart|'
			'favou?rit|react|join|connect|link)[a-z]*ed|'
			-- not yet
			'draft|pending|waiting|scheduled|delayed|embargoed|queued|invited|requested|'
			-- not for everybody
			'private|internal|confidential|secret|whisper|anonymous|ephemeral|'
			-- the opposite of a word that says that it counts
			'un(accept|approv|confirm|verifi|publish|list)ed|(in|non_?)(active|visible|valid)|(non_?|un)public)'
			'(_(by_(admin|mod|moderator|staff|system' ||
			CASE kind WHEN 'messages' THEN '' ELSE '|author|owner|user' END || ')s?|for_(all|every[a-z]+)))?$')
		THEN turned
		WHEN core ~ ('^(publicly_)?(accepted|approved|confirmed|admitted|active|activated|enabled' ||
		             CASE WHEN kind <> 'users' THEN '|published|public|visible|shown|displayed|valid|live' ELSE ''
		             END || ')$')
		THEN NOT turned
	END
	FROM regexp_replace(words, '_(at|on|date|time|flag|since)$', '') AS stem
	CROSS JOIN LATERAL (SELECT stem ~ '(^|_)(not|non|never|no_longer|no)_') AS n (turned)
	CROSS JOIN LATERAL regexp_replace(stem, '(^|_)(not_yet|not|non|never|no_longer|no)_', '\1') AS bare
	CROSS JOIN LATERAL regexp_replace(bare, format('^((is|was|are|be|been|has|have|now|still|currently|already|soft|'
		'hard|shadow|auto|permanently|temporarily|admin|mod|moderator|moderation|staff|system|fully|member|%s)_)+',
		CASE kind
			WHEN 'users' THEN 'user|account|profile|login'
			WHEN 'posts' THEN 'post|article|status|story|topic|thread|question|photo|video|note|entry|item|listing'
			WHEN 'comments' THEN 'comment|reply|answer|review|remark|response'
			WHEN 'messages' THEN 'message|msg|dm|chat'
			WHEN 'likes' THEN 'like|vote|reaction|favou?rite|clap'
			WHEN 'members' THEN 'membership|participant|participation|enroll?ment|invite|invitation'
			WHEN 'blocks' THEN 'block|mute'
			ELSE 'follow|follower|friend|friendship|subscription|relationship|connection|request|invite|invitation'
		END), '') AS core;
$$;

-- Returns the format of the condition by which a row counts according to a time in a column of this name; NULL if the
-- name does not say. The time is the end of a state ("muted_until", "expires_at"), that of an end
-- ("removed_at"), or that of an act without which a row does not count ("accepted_at"). No other time is required: a
-- row without one may count as well.
CREATE FUNCTION herald_internal.time_condition(kind text, words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN u.phrase IS NOT NULL THEN CASE
			WHEN herald_internal.is_act_of(kind, u.phrase) OR u.phrase = '' OR
			     herald_internal.is_affirmative(kind, u.phrase) OR
			     u.phrase ~ ('^(available|' || CASE kind
			         WHEN 'posts' THEN 'post|article|story|status|photo|video|listing|offer|ad'
			         WHEN 'comments' THEN 'comment|reply' WHEN 'messages' THEN 'message|msg'
			         WHEN 'members' THEN 'member|membership|enroll?ment' WHEN 'likes' THEN 'like|reaction|vote'
			         ELSE 'follow|friendship|subscription|connection' END || ')$') AND kind <> 'users'
			THEN '%1$s IS NULL OR %1$s > now()'
			WHEN NOT herald_internal.is_affirmative(kind, u.phrase) OR
			     u.phrase ~ ('^((account|user|member|chat|posting|post|comment|shadow)_)?(suspen|ban|block|paus|' ||
			                 CASE WHEN kind <> 'users' THEN 'silenc|mut|snooz|timeout|restrict|cooldown|quarantin|'
			                 ELSE '' END || 'hid|embargo|delay)[a-z]*$')
			THEN '%1$s IS NULL OR %1$s <= now()' END
		WHEN words ~ ('(^|_)(unpublish|hide|archive|take_?down|sunset|expired|disappears?|vanish(es)?|self_destructs?)_'
		              '(at|on|date|time)$|'
		              '(^|_)(valid|online|live|active|available|visible|shown|displayed|published)_to$')
		THEN '%1$s IS NULL OR %1$s > now()'
		WHEN kind IN ('posts', 'comments', 'messages') AND
		     words ~ '(^|_)(publish|published|go_live|goes_live|went_live)'
		THEN '%1$s <= now()'
		WHEN NOT herald_internal.is_affirmative(kind, words)
		THEN (SELECT '%1$s IS NULL' WHERE words !~ ('(^|_)(not?|non|never|draft|pending|waiting|scheduled|delayed|'
		                                            'embargoed|queued|invited|requested)_'))
		WHEN words ~ '(^|_)(accepted|approved|confirmed|admitted|activated)_(at|on|date|time)$' OR
		     herald_internal.is_act_of(kind, words) AND herald_internal.is_affirmative(kind, words) OR
		     kind = 'members' AND words ~ '^(joined|enroll?ed)_(at|on|date|time)$'
		THEN '%1$s IS NOT NULL'
	END
	FROM (SELECT rtrim(substring(words FROM '^(|.+_)(?:(?:until|till|ends|end|expires|expiry|expiration|expiring|'
	                                        'expire)(?:_(?:at|on|date|time))?)$'), '_')) AS u (phrase);
$$;

-- Returns whether a boolean of this name is about something else than whether a row counts, such as "seen" or "pinned".
CREATE FUNCTION herald_internal.is_harmless_switch(words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ ('(^|_)(seen|read|viewed|notified|sent|delivered|synced|processed|indexed|imported|translated|'
	                'edited|pinned|sticky|featured|highlighted|starred|bookmarked|sensitive|nsfw|spoilers?|'
	                'wiki|closed|locked|solved|resolved|answered|answer|best|allow|allows|allowed|can|has|'
	                'have|comments|commentable|admin|owner|moderator|mod|bot|is_system|default|automatic|'
	                'mobile|notify|typing|online|primary)(_|$)');
$$;

-- Returns the act in the name of a column with the user that has done it to the row, such as deleted in deleted_by_id;
-- NULL unless a row may count only without the act.
CREATE FUNCTION herald_internal.act_of_user(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT a.act
	FROM substring(words FROM '^(.+)_by(?:_(?:user|admin|mod|moderator|staff|member|account|profile))?(?:_?id|_uuid)?$')
		AS a (act)
	WHERE a.act ~ ('^(soft_)?(deleted|discarded|trashed|erased|purged|removed|hidden|archived|(shadow_)?banned|'
	               'suspended|kicked|expelled|revoked|rejected|declined|denied|refused|dismissed|cancell?ed|disabled|'
	               'deactivated|terminated|ended|retracted|redacted|recalled|unpublished|quarantined)$');
$$;

-- Returns whether a column is the time of an act that may make a row a like, a follow or a block, such as voted_at, or
-- something else, such as saved_at or, of a follow, blocked_at.
CREATE FUNCTION herald_internal.is_time_of_act(kind text, words text, category text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT kind IN ('likes', 'follows', 'blocks') AND category = 'D' AND words ~ '_(at|on)$' AND
	       (herald_internal.is_affirmative(kind, words) IS NOT FALSE OR
	        EXISTS (SELECT FROM unnest('{likes,follows,blocks}'::text[]) AS k
	                WHERE herald_internal.is_affirmative(k, words) AND herald_internal.is_act_of(k, words))) AND
	       NOT herald_internal.is_harmless_switch(words) AND
	       words !~ ('^last_|(^|_)(created?|updated?|inserted|modified|changed|edited|added|recorded|notified|synced|'
	                 'imported|delete|expires?|expiring)_(at|on)$');
$$;

-- Returns whether a column tells a vote for a subject from one against it, or a like from another act.
CREATE FUNCTION herald_internal.is_side(kind text, words text, category text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT kind = 'follows' AND category IN ('B', 'N', 'S', 'E') AND
	       words ~ ('^(is_|was_)?(dis_?)?liked?$|^swipe(_type)?$|'
	                '^(swipe_?|like_?)?(dir(ection)?|decision|verdict|vote|outcome|choice)$') OR
	       kind = 'likes' AND category IN ('B', 'N', 'S', 'E') AND
	       (words ~ '(^|_)(score|vote|value|direction|weight|rating|polarity|sentiment|side|sign|action|choice)$' OR
	        words ~ '(^|_)(vote|action|flag|interaction|activity|event)_(type|kind)(_id)?$|(^|_)vote_flag$' OR
	        words ~ '(^|_)(up|down|(up|down)voted?|dis_?liked?|liked?|positive|negative)$' OR
	        category = 'B' AND words ~ '(^|_)(un)?(helpful|useful|plus|minus)$' OR
	        category = 'N' AND words ~ '(^|_)(stars?|points|grade|thumbs?)(_(given|value))?$' OR
	        words ~ '^(is_)?(going|rsvp|attend(ing|ance)|interested|response)(_(status|state|answer|type|kind))?$') OR
	       kind = 'likes' AND words ~ '(^|_)(option|choice|candidate|selection)_?(id|uuid)$' OR
	       kind = 'follows' AND category IN ('N', 'S', 'E') AND
	       words ~ '(^|_)(relation|relationship|connection|friendship)(_(status|state|type|kind|level))?$' AND
	       words !~ '(^|_)(status|state)$';
$$;

-- Returns whether a column tells from which level on, or by which rule, users may see a row, such as access_level,
-- visibility_level, required_tier or paywalled.
CREATE FUNCTION herald_internal.is_access(words text, category text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT category IN ('B', 'N', 'S', 'E') AND
	       (words ~ ('(^|_)(access|(access|visibility|privacy|audience|sharing|permission|clearance|security|'
	                 'confidentiality)_(level|mode|type|kind|tier|policy|setting|scope|class|rule|control|rights?)s?|'
	                 'sharing|permissions?|clearance|confidentiality|secrecy)$') OR
	        words ~ ('^(min(imum)?|required|needed|view|viewer|reader)_((user|member|trust|access)_)?'
	                 '(level|role|tier|rank|plan)s?$') OR
	        words ~ '^(is_)?(pay_?walled|premium|exclusive)$|^shared_(with|to)$');
$$;

-- Returns whether a column refers to the row of which this one is a version that is not, or not any longer, shown by
-- itself, such as revision_of or replaced_by_id.
CREATE FUNCTION herald_internal.is_version(words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ ('(^|_)((revision|version|draft|copy|edit|correction|amendment|snapshot|backup)_(of|for)|'
	                '(superseded|replaced)_by)(_(post|article|message|comment))?(_?(id|uuid))?$');
$$;

-- Returns whether a column says that one user alone may see a row, such as whisper_to or ephemeral.
CREATE FUNCTION herald_internal.is_addressed(words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ ('(^|_)(ephemeral|whisper)(_|$)|'
	                '(^|_)(visible|shown|private|secret|only|directed|addressed|restricted|intended|reserved)_'
	                '(to|for)(_|$)');
$$;

-- Returns whether a flag of this name says that a post, a comment or a message is for some users only, such as
-- is_private or internal_note, or for everybody, such as public. comments_hidden is about other rows.
CREATE FUNCTION herald_internal.is_restriction(words text, category text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT category IN ('B', 'N') AND
	       (words ~ ('^((is|was|not|non|marked|as|soft|shadow|auto|currently|post|article|story|status|topic|thread|'
	                 'photo|comment|reply|answer|remark|message|msg|note|chat|publicly)_)*'
	                 '(private|internal|confidential|secret|restricted|whisper(ed)?|ephemeral|hidden|invisible|public|'
	                 'nonpublic|visible)(_(note|message|comment|reply|post|flag))?'
	                 '(_(by|from|for|to)_(admin|mod|moderator|staff|author|owner|user|system|public|all|every[a-z]+|'
	                 'customer|client|contact)s?)?$') OR
	        words ~ ('(^|_)(staff|team|admin|mod|moderator|agent|employee|member|subscriber|follower|friend|author|'
	                 'owner|sender|receiver|recipient|me|myself|patron|customer|support|internal)s?_only$') OR
	        words ~ ('^(is_|visible_)?(for|only(_for|_to)?)_(staff|team|admin|mod|moderator|agent|employee|member|'
	                 'subscriber|follower|friend|author|owner|me|myself|patron|support)s?$'));
$$;

-- Returns whether a column has a list of the users that may see a row, or may not, such as to_user_ids or hidden_from.
CREATE FUNCTION herald_internal.is_user_list(words text, category text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT category = 'A' AND
	       words ~ ('^(is_|post_|comment_|message_|msg_)?(to|c_?c|b_?c_?c|for|with|recipients?|receivers?|addressees?|'
	                'audiences?|viewers?|readers?|invitees?|(allowed|permitted|excluded|shared|visible|shown|hidden|'
	                'private|restricted|addressed|directed|deleted|removed)(_(to|for|from|with))?)'
	                '(_(users?|accounts?|members?|profiles?|persons?|people|groups?|teams?|roles?|lists?|circles?))?'
	                '(_?(ids?|uuids?|handles?|names?))?$');
$$;

-- Returns whether a value of a column says that a row does not count, or that a member is not told.
CREATE FUNCTION herald_internal.is_doubtful_value(kind text, value text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(NOT herald_internal.is_affirmative(kind, words), false) OR
	       kind = 'members' AND words ~ '^(none|nothing|never|off|mute|silent|no|maybe|trash|'
	                                'invite|request|knock|ban|leave)$'
	FROM herald_internal.value_words(value) AS words;
$$;

-- Returns whether a column has the kind of a reaction, such as an emoji.
CREATE FUNCTION herald_internal.is_kind(words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ ('(^|_)(kind|category|type|emoji|reaction|mood)$|^(emoji|reaction)_?(name|code)$|'
	                '^(short_?code|unicode)$');
$$;

-- Returns the meaning that a column may have for a row, by its name and its category of type: "left", "off" (no
-- notifications for a user), "waiting" (not published or accepted yet), "sender" (whether the sender is a user),
-- "private" (not for everybody), "opposite" (which side a vote is on) or "state" (anything else that may tell whether a
-- row counts). A table can have a row for all that somebody does with another, and a time for each of these acts.
CREATE FUNCTION herald_internal.column_meaning(kind text, words text, category text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN herald_internal.is_side(kind, words, category) THEN 'opposite'
		WHEN kind IN ('posts', 'comments', 'messages') AND
		     (herald_internal.is_addressed(words) OR herald_internal.is_restriction(words, category) OR
		      herald_internal.is_user_list(words, category) OR herald_internal.is_access(words, category))
		THEN 'private'
		WHEN kind IN ('posts', 'comments', 'messages') AND herald_internal.is_version(words)
		THEN CASE WHEN words ~ '_by(_|$)' THEN 'state' ELSE 'waiting' END
		WHEN kind IN ('likes', 'follows', 'blocks') AND words ~ '(^|_)(type|kind|category|reaction|action)_id$' OR
		     kind = 'likes' AND herald_internal.is_kind(words)
		THEN 'state'
		WHEN herald_internal.act_of_user(words) <> '' THEN CASE kind WHEN 'members' THEN 'left' ELSE 'state' END
		WHEN words ~ ('^(last|first|next|previous|prev)_|'
		              '(^|_)(id|uuid|by|count|counter|total|token|hash|reason|note|notes|label|color|title|url|body)$')
		THEN NULL
		WHEN kind = 'members' AND
		     words ~ '(^|_)(left|leave|leaves|removed|kicked|expelled|exited|departed|gone|ended|inactive|deactivated|'
		             'banned|suspended|rejected|declined|revoked|discarded|deleted?|quit|resigned|withdrew|withdrawn|'
		             'unenrolled|dropped)(_|$)'
		THEN 'left'
		WHEN kind = 'members' AND
		     (category = 'B' AND words ~ '^(is_|member_|membership_)*(active|enabled)$' OR
		      category = 'D' AND words ~ '(^|_)(ends?|expires?|expired|expiry|expiration)(_(at|on|date|time))?$|'
		                                 '(^|_)valid_(to|until|till|through)$')
		THEN 'left'
		WHEN kind IN ('users', 'members') AND category = 'B' AND
		     words ~ '^(is_|on_)?(quiet|vacation)(_mode)?$|^do_not_contact$|^(only_mentions?|mentions?_only)$'
		THEN 'off'
		WHEN kind IN ('users', 'members', 'follows') AND (category <> 'D' OR words ~ '(^|_)muted?_' OR
		                                              kind = 'members' AND words ~ '(^|_)silen[a-z]*_') AND
		     words ~ '(^|_)(notif[a-z]*|(un)?muted?|silent|silence|silenced|unsubscribed|subscribed|dnd|do_not_disturb|'
		             'opt_out|opted_out|opt_in|opted_in|optout|optin)(_|$)' AND
		     words !~ ('(^|_)(last|seen|read|unread|sound|count|marketing|newsletter|promo[a-z]*|ads|advert[a-z]*|'
		               'analytics|tracking|cookies?)(_|$)')
		THEN 'off'
		WHEN kind = 'users' AND category IN ('B', 'N') AND
		     words ~ ('^(is_)?(push|alerts?|e?mails?|sms)_(enabled|on|allowed|active|wanted)$|'
		              '^(receives?|wants?|allows?|enable|sends?)_(push|alerts?|e?mails?|sms)$')
		THEN 'off'
		WHEN kind = 'messages' AND category = 'B' AND words ~ '^(is_|was_)?sent$' THEN 'waiting'
		WHEN kind IN ('posts', 'comments', 'messages') AND
		     words ~ ('(^|_)(draft|drafts|published|publish|scheduled|schedule|embargo|embargoed|approved|go_live|'
		              'goes_live|went_live)(_|$)') OR
		     kind IN ('posts', 'comments', 'messages') AND category = 'D' AND
		     (words ~ '(^|_)delay(ed)?(_|$)' OR
		      words ~ ('^(send|deliver|delivery|release|live|airs?|aired|premieres?|launch(es)?)_'
		              '(at|on|after|date|time)$') OR
		      words ~ '(^|_)(public|visible|shown|displayed|enabled|available|live|active|online|valid)_'
		               '(at|on|from|after|date)$')
		THEN 'waiting'
		WHEN kind IN ('follows', 'members', 'blocks', 'likes') AND
		     words ~ '(^|_)(accepted|approved|confirmed|pending|admitted)(_|$)'
		THEN 'waiting'
		WHEN kind = 'members' AND category = 'D' AND words ~ '(^|_)joined(_|$)' THEN 'waiting'
		WHEN kind = 'members' AND category <> 'D' AND words ~ '(^|_)(response|rsvp|attendance|attending|going)$'
		THEN 'state'
		WHEN kind = 'messages' AND words ~ '^(sender|author|writer|from|owner|creator|participant)_type$' THEN 'sender'
		WHEN category IN ('N', 'S', 'E') AND kind <> 'users' AND
		     words ~ '(^|_)(phase|lifecycle|life_cycle|workflow|disposition|standing)$' OR
		     kind = 'users' AND category IN ('B', 'N') AND
		     words ~ '(^|_)(incognito|invisible|ghost(_mode)?|stealth(_mode)?|unlisted|locked|locked_out)$'
		THEN 'state'
		WHEN words ~ ('(^|_)(status|state|stage|moderation|moderated|approval|visibility|visible|privacy|audience|'
		             'score|expires|'
		             'expiry|expiration|'
		             'expired|expiring|till|delayed|paused|frozen|blocked|archetype|answer|deleted?_?(at)?|discarded|'
		             'deletion|trashed|private|public|internal|hidden|archived|spam|flagged|'
		             'removed|banned|suspended|deactivated|active|enabled|disabled|revoked|valid_until|until|ends|'
		             'scope|vote|value|direction)'
		             '(_at|_on|_date|_time|_until)?$') OR
		     category IN ('B', 'D') AND
		     words ~ '(^|_)(deleted|discarded|trashed|removed|hidden|archived|flagged|rejected|revoked)_(by|for)_' OR
		     words ~ '(^|_)(type|kind|category|emoji|reaction)$' AND
		     words !~ '(mime|media|file|content|attachment|format|account)_type$' OR
		     kind = 'likes' AND words ~ '(^|_)(weight|rating|polarity|sentiment)$' OR
		     words ~ '(^|_)anonymous(_|$)' OR category = 'D' AND words ~ '(^|_)(valid|active)_from$' OR
		     kind IN ('posts', 'comments') AND category IN ('B', 'N') AND words ~ '^(is_)?online$' OR
		     (category = 'B' AND kind <> 'users' OR category = 'E' AND kind IN ('likes', 'follows', 'blocks')) AND
		     NOT herald_internal.is_harmless_switch(words) OR
		     herald_internal.is_time_of_act(kind, words, category) OR
		     category IN ('B', 'D') AND (herald_internal.is_affirmative(kind, words) IS NOT NULL OR
		                                 herald_internal.time_condition(kind, words) IS NOT NULL)
		THEN 'state'
	END;
$$;

-- Returns a value as words, with English ones for those of other languages: "No publicado" becomes no_published.
CREATE FUNCTION herald_internal.value_words(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.english_words(regexp_replace(value, '[ -]', '_', 'g'));
$$;

-- Returns whether a value of a column says that a row counts, and counts for everybody. An "open" visibility does, and
-- an "open" question counts as much as a closed one.
CREATE FUNCTION herald_internal.is_good_value(kind text, name text, value text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.name_words(name) ~ '(visib|privacy|private|audience|access|scope|archetype)' AND
	       words ~ '^(everyone|everybody|anyone|all|world|open)$' OR
	       kind = 'likes' AND words ~ '^(\+1|1|thumbs_?up|agree|yes|loved?)$' OR
	       coalesce(herald_internal.is_affirmative(kind, words), false)
	FROM herald_internal.value_words(value) AS words;
$$;

-- Returns whether a value means "not yet".
CREATE FUNCTION herald_internal.is_waiting_value(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT herald_internal.value_words(value) ~
	           ('(draft|pending|request|schedul|unpublished|queued|invited|waiting|unapproved|unconfirmed|review|'
	            'proposed)');
$$;

-- Returns whether a column says that a place, such as a forum, is open to everybody or to some users only.
CREATE FUNCTION herald_internal.is_privacy(words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ '^(is_)?(private|public|visibility|privacy|secret|(read_)?restricted|invite_only|archetype)$';
$$;

-- Returns whether a column has the id of a group of users: a post may be for them alone.
CREATE FUNCTION herald_internal.is_group(words text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT words ~ ('(^|_)(group|team|channel|forum|community|circle|space|club|room|guild|server|course|class|'
	                'classroom|cohort|chapter|workspace|project|board|subreddit|stream|family|household|department)'
	                '_?(id|uuid)$');
$$;
