/*-------------------------------------------------------------------------
 *
 * user_block.c
 *	  Finds the blocks between recipients and actors, by the application's tables.
 *
 * A block source is a query over a watched table of blocks.  Each backend caches
 * the queries of herald_internal.block_source, with their plans, until the relcache
 * entry of that table is invalidated.  watch_registry.c does that when it changes
 * the table.
 *
 * A source that cannot be asked fails no write.  The blocks in it are unknown then, so
 * that all pairs count as blocked: their notifications are held back, and counted in
 * herald.missed_change.  A source that does not fit the schema any more is
 * suspended, as a rule is (rule.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "own_table.h"
#include "query_rows.h"
#include "relation_change.h"
#include "subtransaction.h"
#include "write/failure.h"
#include "write/user_block.h"

typedef struct BlockSource
{
	Oid table;		  /* the watched one */
	Oid owner;		  /* of this table */
	const char *name; /* its quoted name, for messages; NULL: it had been dropped */
	SavedQuery query;
	bool suspended; /* cannot be asked */
	FailureCount failures;
} BlockSource;

/* The block sources in a memory context. */
typedef struct BlockList
{
	int count;
	BlockSource *sources; /* NULL for none */
} BlockList;

/* The block sources, as this backend knows them.  An outdated list may still be in use further up the stack. */
static struct
{
	bool valid;			   /* no invalidation since they were loaded */
	BlockList *list;	   /* in the context */
	MemoryContext context; /* NULL: not loaded */
	Oid table;			   /* herald_internal.block_source when they were loaded */
} block_cache;

/* The columns of herald_internal.block_source and of the suspensions of its queries. */
#define BLOCK_SOURCE_RELATION 1
#define BLOCK_SOURCE_SQL 2
#define BLOCK_SOURCE_OWNER 3
#define SUSPENSION_BLOCKS 2

TupleDesc
user_block_shape(void)
{
	static const QueryColumn columns[] = { { "recipient_id", TEXTOID }, { "actor_id", TEXTOID } };
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

/* The columns of herald_pair. */
enum
{
	PAIR_RECIPIENT_ID, /* the first two are those of user_block_shape() */
	PAIR_ACTOR_ID,
	PAIR_BLOCKER_ID,
	PAIR_BLOCKED_ID,
	PAIR_BLOCKER_NUMBER,
	PAIR_BLOCKED_NUMBER,
	PAIR_REVERSED,
	PAIR_COLUMNS
};

TupleDesc
user_block_pair_shape(void)
{
	static const QueryColumn columns[PAIR_COLUMNS] = {
		[PAIR_RECIPIENT_ID] = { "recipient_id", TEXTOID },
		[PAIR_ACTOR_ID] = { "actor_id", TEXTOID },
		[PAIR_BLOCKER_ID] = { "blocker_id", TEXTOID },
		[PAIR_BLOCKED_ID] = { "blocked_id", TEXTOID },
		[PAIR_BLOCKER_NUMBER] = { "blocker_number", INT8OID },
		[PAIR_BLOCKED_NUMBER] = { "blocked_number", INT8OID },
		[PAIR_REVERSED] = { "reversed", BOOLOID },
	};
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, PAIR_COLUMNS);
}

static void
user_block_invalidate(Oid relation)
{
	if (!OidIsValid(relation) || relation == block_cache.table)
		block_cache.valid = false;
}

void
user_block_init(void)
{
	relation_change_register(user_block_invalidate);
}

/* Frees the plans of a list before its memory context is deleted. */
static void
forget_block_plans(void *arg)
{
	BlockList *list = arg;

	for (int i = 0; i < list->count; i++)
		query_forget(&list->sources[i].query);
}

/* Returns an empty list.  Its plans are freed with the current memory context. */
static BlockList *
make_block_list(void)
{
	BlockList *list = palloc0(sizeof(BlockList));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = forget_block_plans;
	callback->arg = list;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return list;
}

/* Adds the block source of a row.  If its table has been dropped, it cannot be asked until maintenance forgets it. */
static void
add_block_source(BlockList *list, OwnScan *row)
{
	bool isnull;
	Oid table = DatumGetObjectId(own_scan_value(row, BLOCK_SOURCE_RELATION, &isnull));
	Oid owner = table_owner(table);
	bool dropped = !OidIsValid(owner);
	Size size = sizeof(BlockSource) * (list->count + 1);
	BlockSource *source;

	list->sources = list->sources == NULL ? palloc(size) : repalloc(list->sources, size);
	source = &list->sources[list->count++];
	memset(source, 0, sizeof(BlockSource));
	source->table = table;
	source->owner = dropped ? DatumGetObjectId(own_scan_value(row, BLOCK_SOURCE_OWNER, &isnull)) : owner;
	source->suspended = dropped;
	if (!dropped)
		source->name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
	source->query.name = "the query for blocks";
	source->query.text = own_scan_text(row, BLOCK_SOURCE_SQL);
}

/* Marks the sources whose suspension a snapshot sees. */
static void
mark_suspended(BlockList *list, Snapshot snapshot)
{
	static const Oid types[] = { INT4OID, OWN_OID };
	static OwnColumns columns = { .count = lengthof(types), .types = types };
	OwnScan row = own_scan_all("herald_internal", "suspension", &columns, snapshot);

	while (own_scan_next(&row))
	{
		bool isnull;
		Datum table = own_scan_value(&row, SUSPENSION_BLOCKS, &isnull);

		for (int i = 0; i < list->count && !isnull; i++)
		{
			if (list->sources[i].table == DatumGetObjectId(table))
				list->sources[i].suspended = true;
		}
	}
	own_scan_end(&row);
}

static int
compare_block_sources(const void *a, const void *b)
{
	Oid first = ((const BlockSource *) a)->table;
	Oid second = ((const BlockSource *) b)->table;

	return first < second ? -1 : first > second;
}

/* Loads the block sources into the current memory context, as they are now: the cache outlives this transaction. */
static BlockList *
load_block_sources(void)
{
	BlockList *list = make_block_list();
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	static const Oid types[] = { OWN_OID, TEXTOID, OWN_OID };
	static OwnColumns columns = { .count = lengthof(types), .types = types };
	OwnScan row = own_scan_all("herald_internal", "block_source", &columns, snapshot);

	while (own_scan_next(&row))
		add_block_source(list, &row);
	own_scan_end(&row);
	mark_suspended(list, snapshot);
	UnregisterSnapshot(snapshot);
	qsort(list->sources, list->count, sizeof(BlockSource), compare_block_sources);
	return list;
}

/* Fills the cache.  After an error it is empty, and the next call fills it. */
static void
fill_block_cache(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_herald blocks", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	if (block_cache.context != NULL)
		MemoryContextSetParent(block_cache.context, TopTransactionContext);
	block_cache.context = NULL;
	block_cache.table = own_table_oid("herald_internal", "block_source");
	block_cache.valid = true; /* an invalidation from here on counts */
	block_cache.list = load_block_sources();
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, CacheMemoryContext);
	block_cache.context = context;
}

/* A question to a block source. */
typedef struct BlockLookup
{
	BlockSource *source;
	QueryScope *scope;
	Tuplestorestate *pairs;
	Tuplestorestate *found;
} BlockLookup;

/* Returns whether an id is a whole number that a bigint holds. */
static bool
parse_number(Datum id, int64 *number)
{
	char *written = TextDatumGetCString(id);
	const char *digits = written[0] == '-' ? written + 1 : written;
	size_t length = strlen(digits);
	bool is_number = length >= 1 && length <= 19 && strspn(digits, "0123456789") == length;

	errno = 0;
	*number = is_number ? strtoll(written, NULL, 10) : 0;
	pfree(written);
	return is_number && errno == 0;
}

/* The id of a user, and its number. */
typedef struct PairUser
{
	Datum id;
	int64 number;
	bool is_number;
} PairUser;

static void
add_direction(Tuplestorestate *pairs, const PairUser *users, bool reversed)
{
	const PairUser *blocker = &users[reversed];
	const PairUser *blocked = &users[!reversed];
	Datum values[PAIR_COLUMNS] = {
		[PAIR_RECIPIENT_ID] = users[0].id,
		[PAIR_ACTOR_ID] = users[1].id,
		[PAIR_BLOCKER_ID] = blocker->id,
		[PAIR_BLOCKED_ID] = blocked->id,
		[PAIR_BLOCKER_NUMBER] = Int64GetDatum(blocker->number),
		[PAIR_BLOCKED_NUMBER] = Int64GetDatum(blocked->number),
		[PAIR_REVERSED] = BoolGetDatum(reversed),
	};
	bool nulls[PAIR_COLUMNS] = {
		[PAIR_BLOCKER_NUMBER] = !blocker->is_number,
		[PAIR_BLOCKED_NUMBER] = !blocked->is_number,
	};

	tuplestore_putvalues(pairs, user_block_pair_shape(), values, nulls);
}

void
user_block_add_pair(Tuplestorestate *pairs, Datum recipient_id, Datum actor_id)
{
	PairUser users[] = { { .id = recipient_id }, { .id = actor_id } };

	for (int i = 0; i < lengthof(users); i++)
		users[i].is_number = parse_number(users[i].id, &users[i].number);
	add_direction(pairs, users, false);
	add_direction(pairs, users, true);
}

static void
run_lookup(void *argument)
{
	BlockLookup *lookup = argument;

	query_lend(lookup->scope, lookup->source->owner);
	query_rows_run(lookup->scope, &lookup->source->query, tuplestore_tuple_count(lookup->pairs) / 2, lookup->found,
				   user_block_shape());
	query_reclaim(lookup->scope);
}

static void
compile_lookup(void *argument)
{
	BlockLookup *lookup = argument;

	query_lend(lookup->scope, lookup->source->owner);
	query_compile(&lookup->source->query, user_block_shape());
	query_reclaim(lookup->scope);
}

/* Runs a step of a lookup.  Returns its error, or NULL. */
static ErrorData *
try_lookup(void (*step)(void *argument), BlockLookup *lookup)
{
	ErrorData *error = subtransaction_run(step, lookup);

	if (error != NULL)
		query_abandon_loan(lookup->scope);
	return error;
}

/* Adds all pairs of two users to the blocks.  Returns their number. */
static int64
block_all(BlockLookup *lookup)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(user_block_pair_shape(), &TTSOpsMinimalTuple);
	bool nulls[] = { false, false };
	int64 blocked = 0;

	tuplestore_rescan(lookup->pairs);
	while (tuplestore_gettupleslot(lookup->pairs, true, false, slot))
	{
		slot_getallattrs(slot);
		if (DatumGetBool(slot->tts_values[PAIR_REVERSED]) ||
			DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, slot->tts_values[PAIR_RECIPIENT_ID],
												 slot->tts_values[PAIR_ACTOR_ID])))
			continue;
		tuplestore_putvalues(lookup->found, user_block_shape(), &slot->tts_values[PAIR_RECIPIENT_ID], nulls);
		blocked++;
	}
	ExecDropSingleTupleTableSlot(slot);
	return blocked;
}

/* Reports that a source cannot be asked.  Suspends it if it does not fit the schema, unless nothing may be written. */
static void
report_lookup(BlockLookup *lookup, ErrorData *error, bool may_write)
{
	BlockSource *source = lookup->source;
	bool misfit = try_lookup(compile_lookup, lookup) != NULL;

	if (may_write && misfit)
		failure_suspend_blocks(source->table, error);
	else if (may_write)
		failure_record(source->table, USER_BLOCK_RULE, error->sqlerrcode, error->message, &source->failures);
	source->suspended = may_write && misfit;
	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("could not look for blocks in table %s: %s", source->name, error->message),
					  errdetail("Until it can be asked, notifications between users are held back."),
					  errhint("SELECT * FROM herald.doctor() shows the remedy.")));
}

/* Asks a source, or blocks all pairs if it cannot be asked. */
static void
ask_source(BlockLookup *lookup, bool may_write)
{
	ErrorData *error = lookup->source->suspended ? NULL : try_lookup(run_lookup, lookup);
	int64 blocked;

	if (error == NULL && !lookup->source->suspended)
		return;
	if (error != NULL)
		report_lookup(lookup, error, may_write);
	blocked = block_all(lookup);
	if (may_write && blocked > 0)
		failure_count_missed(lookup->source->table, USER_BLOCK_RULE, blocked);
}

/* Returns the block sources as they are now. */
static const BlockList *
block_sources(void)
{
	Assert(GetUserId() == query_extension_owner());
	if (!block_cache.valid || block_cache.context == NULL)
		fill_block_cache();
	return block_cache.list;
}

bool
user_block_is_possible(void)
{
	return block_sources()->count > 0;
}

Tuplestorestate *
user_block_find(QueryScope *scope, Oid role, Tuplestorestate *pairs, bool may_write)
{
	Tuplestorestate *found = tuplestore_begin_heap(false, false, work_mem);
	const BlockList *list = block_sources();

	query_rows_offer(scope, "herald_pair", pairs, user_block_pair_shape(), InvalidOid);
	for (int i = 0; i < list->count; i++)
	{
		BlockLookup lookup = { &list->sources[i], scope, pairs, found };

		if (!OidIsValid(role) || is_member_of_role(lookup.source->owner, role))
			ask_source(&lookup, may_write);
	}
	return found;
}
