/*-------------------------------------------------------------------------
 *
 * notification.c
 *	  Turns candidates into inbox entries and their events.
 *
 * Candidates come from the rules of a statement, and from herald.notify().  All
 * candidates of a statement take these steps together:
 *
 * 1. Blocks, preferences, mutes and quiet hours remove candidates, unless their
 *	  type is required.  A table of blocks that cannot be asked removes all that have
 *	  an actor.  A candidate with the actor as recipient is always removed.
 *
 * 2. Of several candidates for one recipient and cause, the one whose type has the
 *	  highest priority stays.
 *
 * 3. The inbox takes them (inbox.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "query.h"
#include "write/event_log.h"
#include "write/inbox.h"
#include "write/notification.h"
#include "write/notification_row.h"
#include "write/preference.h"
#include "write/user_block.h"

/* The best candidate for a cause and a recipient. */
typedef struct Rival
{
	Size length;	 /* hash key, with the next: the bytes of ... */
	const char *key; /* ... the length of the cause as the inbox keeps it, this cause, and the recipient */
	int64 place;
	int64 priority;
} Rival;

/* The verdict on a candidate. */
typedef struct Verdict
{
	const NotificationType *type; /* NULL: the candidate is dropped */
	bool live;					  /* it is announced */
	Rival *rival;				  /* the best for its cause and recipient; NULL: it has none */
} Verdict;

/* The candidates of a statement, and the verdict on each. */
typedef struct Selection
{
	Tuplestorestate *candidates;
	TupleTableSlot *slot;
	MemoryContext memory; /* lives as long as this */
	MemoryContext row;	  /* is reset behind each candidate */
	const NotificationTypes *types;
	OwnScan preferences;
	HTAB *rivals; /* of Rival; NULL for a single candidate, which has none */
	Verdict *verdicts;
	int64 wanted; /* the number of candidates that are not dropped */
} Selection;

/* Returns the candidates without those that a block removes, in their order. */
static SavedQuery remove_blocked = {
	.name = "the query for blocks",
	.text = "SELECT (c.candidate).* FROM"
			" (SELECT k AS candidate, k.type, k.recipient_id, k.actor_id, row_number() OVER () AS ord"
			" FROM herald_candidate AS k) AS c"
			" LEFT JOIN herald.notification_type AS t ON t.name = c.type"
			" WHERE t.required OR NOT EXISTS (SELECT FROM herald_blocked AS b"
			" WHERE b.recipient_id = c.recipient_id AND b.actor_id = c.actor_id) ORDER BY c.ord",
};

TupleDesc
notification_shape(void)
{
	static const QueryColumn columns[CANDIDATE_COLUMNS] = {
		[CANDIDATE_CAUSE] = { "cause", TEXTOID },
		[CANDIDATE_RECIPIENT_ID] = { "recipient_id", TEXTOID },
		[CANDIDATE_ACTOR_ID] = { "actor_id", TEXTOID },
		[CANDIDATE_ACTOR_NAME] = { "actor_name", TEXTOID },
		[CANDIDATE_TYPE] = { "type", TEXTOID },
		[CANDIDATE_SUBJECT_TYPE] = { "subject_type", TEXTOID },
		[CANDIDATE_SUBJECT_ID] = { "subject_id", TEXTOID },
		[CANDIDATE_THREAD] = { "thread", TEXTOID },
		[CANDIDATE_TITLE] = { "title", TEXTOID },
		[CANDIDATE_CONTENT] = { "content", TEXTOID },
		[CANDIDATE_DATA] = { "data", JSONBOID },
	};
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, CANDIDATE_COLUMNS);
}

/* Returns a new tuplestore with one candidate, given some of its columns by name; the others are null. */
static Tuplestorestate *
single_candidate(const char *const *columns, const Datum *given, const bool *missing, int count)
{
	Tuplestorestate *candidates = tuplestore_begin_heap(false, false, work_mem);
	TupleDesc shape = notification_shape();
	Datum *values = palloc0(shape->natts * sizeof(Datum));
	bool *nulls = palloc(shape->natts * sizeof(bool));

	memset(nulls, true, shape->natts * sizeof(bool));
	for (int i = 0; i < count; i++)
	{
		int column = SPI_fnumber(shape, columns[i]) - 1;

		Assert(column >= 0);
		values[column] = given[i];
		nulls[column] = missing[i];
	}
	tuplestore_putvalues(candidates, shape, values, nulls);
	return candidates;
}

/* Returns the pairs of recipient and actor of the candidates. */
static Tuplestorestate *
pairs_of(Tuplestorestate *candidates)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(notification_shape(), &TTSOpsMinimalTuple);
	Tuplestorestate *pairs = tuplestore_begin_heap(false, false, work_mem);

	tuplestore_rescan(candidates);
	while (tuplestore_gettupleslot(candidates, true, false, slot))
	{
		slot_getsomeattrs(slot, Max(CANDIDATE_RECIPIENT_ID, CANDIDATE_ACTOR_ID) + 1);
		if (!slot->tts_isnull[CANDIDATE_RECIPIENT_ID] && !slot->tts_isnull[CANDIDATE_ACTOR_ID])
			user_block_add_pair(pairs, slot->tts_values[CANDIDATE_RECIPIENT_ID], slot->tts_values[CANDIDATE_ACTOR_ID]);
	}
	tuplestore_rescan(candidates);
	ExecDropSingleTupleTableSlot(slot);
	return pairs;
}

/* Returns the candidates that no block removes: the same tuplestore if none does, else a new one. */
static Tuplestorestate *
remove_blocks(QueryScope *scope, Oid owner, Tuplestorestate *candidates)
{
	int64 rows = tuplestore_tuple_count(candidates);
	Tuplestorestate *unblocked = candidates;
	Tuplestorestate *pairs;
	Tuplestorestate *blocked;

	if (!user_block_is_possible())
		return candidates;
	pairs = pairs_of(candidates);
	blocked = user_block_find(scope, owner, pairs, true);
	if (tuplestore_tuple_count(blocked) > 0)
	{
		query_offer("herald_candidate", candidates, notification_shape(), InvalidOid);
		unblocked = tuplestore_begin_heap(false, false, work_mem);
		query_offer("herald_blocked", blocked, user_block_shape(), InvalidOid);
		query_run_into(&remove_blocked, rows, NULL, unblocked, notification_shape());
	}
	tuplestore_end(blocked);
	tuplestore_end(pairs);
	return unblocked;
}

/* ----- the choice among the candidates */

static uint32
rival_hash(const void *key, Size size)
{
	const Rival *rival = key;

	return hash_bytes((const unsigned char *) rival->key, (int) rival->length);
}

static int
rival_match(const void *a, const void *b, Size size)
{
	const Rival *first = a;
	const Rival *second = b;

	return first->length != second->length || memcmp(first->key, second->key, first->length) != 0;
}

static HTAB *
make_rivals(int64 candidates)
{
	HASHCTL control = { 0 };

	control.keysize = offsetof(Rival, place);
	control.entrysize = sizeof(Rival);
	control.hash = rival_hash;
	control.match = rival_match;
	control.hcxt = CurrentMemoryContext;
	return hash_create("pg_herald rivals", Min(candidates, 1000), &control,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/* Fills in the key for the cause and the recipient of a candidate. */
static void
set_rival_key(Rival *rival, TupleTableSlot *candidate)
{
	const text *cause = DatumGetTextPP(notification_row_cause(candidate->tts_values[CANDIDATE_CAUSE]));
	const text *recipient = DatumGetTextPP(candidate->tts_values[CANDIDATE_RECIPIENT_ID]);
	int32 length = (int32) VARSIZE_ANY_EXHDR(cause);
	char *key;

	rival->length = sizeof(length) + length + VARSIZE_ANY_EXHDR(recipient);
	key = palloc(rival->length);
	memcpy(key, &length, sizeof(length));
	memcpy(key + sizeof(length), VARDATA_ANY(cause), length);
	memcpy(key + sizeof(length) + length, VARDATA_ANY(recipient), VARSIZE_ANY_EXHDR(recipient));
	rival->key = key;
}

/*
 * Lets a candidate compete: that of the highest priority stays, and of equal ones the first.  Returns the best up to
 * now, or NULL if there are no rivals.
 */
static Rival *
compete(Selection *selection, TupleTableSlot *candidate, int64 place, const NotificationType *type)
{
	Rival own = { .place = place, .priority = type->priority };
	Rival *best;
	bool found;

	if (selection->rivals == NULL || candidate->tts_isnull[CANDIDATE_CAUSE])
		return NULL;
	set_rival_key(&own, candidate);
	best = hash_search(selection->rivals, &own, HASH_ENTER, &found);
	if (!found)
	{
		char *key = MemoryContextAlloc(selection->memory, own.length);

		memcpy(key, own.key, own.length);
		best->key = key;
	}
	if (!found || own.priority > best->priority)
	{
		best->place = own.place;
		best->priority = own.priority;
	}
	return best;
}

/* Decides whether a candidate is to be written, and announced. */
static void
judge_candidate(Selection *selection, TupleTableSlot *candidate, int64 place, void *argument)
{
	Verdict *verdict = &selection->verdicts[place];
	PreferenceQuestion question;
	PreferenceAnswer answer;
	const NotificationType *type;
	char *subject_type = candidate_text(candidate, CANDIDATE_SUBJECT_TYPE);
	char *subject_id = candidate_text(candidate, CANDIDATE_SUBJECT_ID);

	verdict->type = NULL;
	question.user_id = candidate_text(candidate, CANDIDATE_RECIPIENT_ID);
	question.type = candidate_text(candidate, CANDIDATE_TYPE);
	question.actor_id = candidate_text(candidate, CANDIDATE_ACTOR_ID);
	question.subject = subject_type && subject_id ? psprintf("%s:%s", subject_type, subject_id) : NULL;
	question.thread = candidate_text(candidate, CANDIDATE_THREAD);
	if (question.user_id == NULL || question.type == NULL ||
		(question.actor_id != NULL && strcmp(question.user_id, question.actor_id) == 0))
		return;
	type = notification_type_find(selection->types, question.type);
	answer = preference_answer(&question, type->channels, &selection->preferences);
	if (!answer.inbox && !type->required)
		return;
	verdict->type = type;
	verdict->live = answer.live || type->required;
	verdict->rival = compete(selection, candidate, place, type);
	selection->wanted++;
}

typedef void (*CandidateVisitor)(Selection *selection, TupleTableSlot *candidate, int64 place, void *argument);

/* Visits all candidates in their order, in a memory context that is reset behind each. */
static void
visit_candidates(Selection *selection, CandidateVisitor visitor, void *argument)
{
	TupleTableSlot *slot = selection->slot;

	tuplestore_rescan(selection->candidates);
	for (int64 place = 0; tuplestore_gettupleslot(selection->candidates, true, false, slot); place++)
	{
		MemoryContext caller = MemoryContextSwitchTo(selection->row);

		slot_getallattrs(slot);
		visitor(selection, slot, place, argument);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(selection->row);
	}
}

static void
write_candidate(Selection *selection, TupleTableSlot *candidate, int64 place, void *insert)
{
	const Verdict *verdict = &selection->verdicts[place];

	if (verdict->type != NULL && (verdict->rival == NULL || verdict->rival->place == place))
		inbox_insert_row(insert, candidate, verdict->type, verdict->live);
}

/* Writes the candidates that preferences let through.  Returns the sum of the ids of the new notifications. */
static int64
write_wanted(Oid owner, Tuplestorestate *candidates, Tuplestorestate *published, Tuplestorestate *announced)
{
	int64 rows = tuplestore_tuple_count(candidates);
	Selection selection = {
		.candidates = candidates,
		.slot = MakeSingleTupleTableSlot(notification_shape(), &TTSOpsMinimalTuple),
		.memory = CurrentMemoryContext,
		.row = AllocSetContextCreate(CurrentMemoryContext, "pg_herald candidate", ALLOCSET_SMALL_SIZES),
	};
	InboxInsert insert;
	int64 sum = 0;

	/* The commands of this statement up to now, and of other transactions, count. */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	selection.verdicts = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Verdict) * rows);
	selection.rivals = rows > 1 ? make_rivals(rows) : NULL;
	selection.types = notification_types();
	selection.preferences = preference_rows(GetActiveSnapshot());
	visit_candidates(&selection, judge_candidate, NULL);
	own_scan_end(&selection.preferences);
	if (selection.wanted > 0)
	{
		insert = inbox_insert_begin(owner, announced);
		visit_candidates(&selection, write_candidate, &insert);
		sum = inbox_insert_end(&insert, published);
	}
	PopActiveSnapshot();
	if (selection.rivals != NULL)
		hash_destroy(selection.rivals);
	pfree(selection.verdicts);
	ExecDropSingleTupleTableSlot(selection.slot);
	MemoryContextDelete(selection.row);
	return sum;
}

int64
notification_write(QueryScope *scope, Oid owner, Tuplestorestate *candidates, Tuplestorestate *published,
				   Tuplestorestate *announced)
{
	Tuplestorestate *unblocked;
	int64 sum = 0;

	Assert(scope != NULL && OidIsValid(owner) && candidates != NULL);
	Assert(published != NULL && announced != NULL);
	if (tuplestore_tuple_count(candidates) == 0)
		return 0;
	unblocked = remove_blocks(scope, owner, candidates);
	if (tuplestore_tuple_count(unblocked) > 0)
		sum = write_wanted(owner, unblocked, published, announced);
	if (unblocked != candidates)
		tuplestore_end(unblocked);
	return sum;
}

PG_FUNCTION_INFO_V1(herald_notify);

/*
 * herald.notify(recipient, type, title, content, data, actor, subject_type,
 * subject_id, thread, cause) returns the id of the notification, or NULL if there
 * is no new one.  It belongs to the caller; herald_internal.notify_as() names another
 * owner as its last argument.
 */
Datum
herald_notify(PG_FUNCTION_ARGS)
{
	/* The column of each argument. */
	static const char *const columns[] = {
		"recipient_id",
		"type",
		"title",
		"content",
		"data",
		"actor_id",
		"subject_type",
		"subject_id",
		"thread",
		"cause",
	};
	Datum values[lengthof(columns)];
	bool nulls[lengthof(columns)];
	Oid owner = PG_NARGS() > lengthof(columns) ? PG_GETARG_OID(lengthof(columns)) : GetUserId();
	QueryScope scope;
	Tuplestorestate *candidates;
	Tuplestorestate *published;
	Tuplestorestate *announced;
	int64 id;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("herald.notify() needs a recipient and a type")));
	for (int i = 0; i < lengthof(columns); i++)
	{
		nulls[i] = PG_ARGISNULL(i);
		values[i] = PG_GETARG_DATUM(i);
	}
	/* herald.mark_all_read() relies on this order: first the transaction id, then the id of the notification. */
	(void) GetTopFullTransactionId();
	query_begin(&scope);
	candidates = single_candidate(columns, values, nulls, lengthof(columns));
	published = tuplestore_begin_heap(false, false, work_mem);
	announced = tuplestore_begin_heap(false, false, work_mem);
	id = notification_write(&scope, owner, candidates, published, announced);
	event_log_append_all(published, announced);
	tuplestore_end(announced);
	tuplestore_end(published);
	tuplestore_end(candidates);
	query_end(&scope);
	if (id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}

PG_FUNCTION_INFO_V1(herald_is_blocked);

/* herald.is_blocked(user_id, other_id) returns whether a block keeps the other's actions from the user's inbox. */
Datum
herald_is_blocked(PG_FUNCTION_ARGS)
{
	QueryScope scope;
	Tuplestorestate *pairs;
	Tuplestorestate *blocked;
	bool result;

	query_begin(&scope);
	pairs = tuplestore_begin_heap(false, false, work_mem);
	user_block_add_pair(pairs, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
	blocked = user_block_find(&scope, InvalidOid, pairs, false);
	result = tuplestore_tuple_count(blocked) > 0;
	tuplestore_end(blocked);
	tuplestore_end(pairs);
	query_end(&scope);
	PG_RETURN_BOOL(result);
}
