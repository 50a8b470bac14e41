/*-------------------------------------------------------------------------
 *
 * lookup.c
 *	  Runs queries over offered rows without planner and executor, where look-ups
 *	  by index answer them.
 *
 * The server keeps the analyzed form of a saved query and makes it again after a change
 * of a table, of the search path or of row security.  The plan of the look-ups ends
 * with the form from which it was compiled.  It also ends when a type, a constraint of
 * a domain, a function or a role changes, and when another role runs the query, because
 * it contains types' constraints and checked privileges.
 *
 * A plain plan (plain_expression.h) that is kept runs without the search path for which the
 * query was analyzed: that form is right as long as the server has not marked it invalid.
 * One that another session has shared (lookup_share.c) has no such form.  It is right until
 * the server tells of a change of its tables.
 *
 * An error leaves its expressions in an unknown state, so it ends with an error, too.
 * A query that runs itself, by a function of the application, gets a plan of its own for
 * the inner run.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupconvert.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "function_path.h"
#include "lookup.h"
#include "lookup_compile.h"
#include "lookup_run.h"
#include "lookup_share.h"
#include "privilege.h"
#include "relation_change.h"

/* Lives in the memory of the analyzed form of a query, and tells the cache when that ends. */
typedef struct FormWatch
{
	MemoryContextCallback callback;
	LookupCache *cache; /* NULL: it has ended before the form */
} FormWatch;

/* A kept plan, and its dependencies. */
struct LookupCache
{
	LookupCache *next;		  /* all caches of this backend are in a list */
	LookupPlan *plan;		  /* NULL: none */
	CachedPlanSource *source; /* valid unless outdated; NULL: the plan is a shared one */
	bool outdated;
	bool running;
	Oid role;
	uint64 generation;
	FormWatch *watch; /* NULL: the form has ended */
};

static LookupCache *all_caches;

/* Counts changes of relations. */
static uint64 relation_changes;

static bool
reads_relation(const LookupPlan *plan, Oid relation)
{
	for (int i = plan->offered_count; i < plan->input_count; i++)
	{
		if (plan->inputs[i].table == relation)
			return true;
	}
	return !OidIsValid(relation);
}

static void
on_table_change(Oid relation)
{
	relation_changes++;
	for (LookupCache *cache = all_caches; cache != NULL; cache = cache->next)
	{
		if (cache->plan != NULL && cache->source == NULL && reads_relation(cache->plan, relation))
			cache->outdated = true;
	}
}

void
lookup_init(void)
{
	relation_change_register(on_table_change);
}

/* Counts changes of types, constraints of domains, functions, schemas and roles. */
static void
on_type_change(Datum generation, int cache, uint32 hash)
{
	++*(uint64 *) DatumGetPointer(generation);
}

static uint64
lookup_generation(void)
{
	static uint64 types = 0;

	if (types == 0)
	{
		types = 1;
		CacheRegisterSyscacheCallback(TYPEOID, on_type_change, PointerGetDatum(&types));
		CacheRegisterSyscacheCallback(CONSTROID, on_type_change, PointerGetDatum(&types));
	}
	return types + function_path_generation();
}

/* Returns whether a result has the row type that a query must have.  Raises an error if it has another one. */
static bool
returns_shape(TupleDesc result, const LookupQuery *query)
{
	return result != NULL && convert_tuples_by_position(result, query->shape, query->wrong_columns) == NULL;
}

/* Returns a new plan in the current memory context. */
static LookupPlan *
make_plan(const LookupQuery *query)
{
	LookupPlan *plan = lookup_compile(query->text, linitial(query->source->query_list), query->offered);

	plan->fits = plan->fits && returns_shape(query->source->resultDesc, query);
	if (plan->fits)
		lookup_run_init(plan);
	return plan;
}

static void
on_form_end(void *argument)
{
	FormWatch *watch = argument;

	if (watch->cache == NULL)
		return;
	watch->cache->outdated = true;
	watch->cache->watch = NULL;
}

/* Lets the plan of a cache end with the analyzed form of its query. */
static void
watch_form(LookupCache *cache, MemoryContext form)
{
	FormWatch *watch = MemoryContextAllocZero(form, sizeof(FormWatch));

	watch->callback.func = on_form_end;
	watch->callback.arg = watch;
	watch->cache = cache;
	cache->watch = watch;
	MemoryContextRegisterResetCallback(form, &watch->callback);
}

/* Frees the plan of a cache that does not run. */
static void
drop_plan(LookupCache *cache)
{
	Assert(!cache->running);
	if (cache->plan != NULL)
		MemoryContextDelete(cache->plan->context);
	cache->plan = NULL;
}

static LookupCache *
make_cache(void)
{
	LookupCache *cache = MemoryContextAllocZero(TopMemoryContext, sizeof(LookupCache));

	cache->next = all_caches;
	all_caches = cache;
	return cache;
}

static void
remove_from_all(const LookupCache *cache)
{
	LookupCache **place = &all_caches;

	while (*place != cache)
		place = &(*place)->next;
	*place = cache->next;
}

void
lookup_forget(LookupCache **cache)
{
	if (*cache == NULL)
		return;
	drop_plan(*cache);
	remove_from_all(*cache);
	if ((*cache)->watch != NULL)
		(*cache)->watch->cache = NULL;
	pfree(*cache);
	*cache = NULL;
}

/* The checks of the server's extensions need an analyzed query.  They may be loaded after a plan was taken. */
static bool
is_current(const LookupCache *cache, uint64 generation)
{
	return cache->plan != NULL && !cache->outdated && cache->role == GetUserId() && cache->generation == generation &&
		   (cache->source != NULL || ExecutorCheckPerms_hook == NULL);
}

/* Gives a cache a plan, which lives as long as the cache or until something has changed on which it depends. */
static void
keep_plan(LookupCache *cache, LookupPlan *plan, CachedPlanSource *source, uint64 generation)
{
	MemoryContextSetParent(plan->context, CacheMemoryContext);
	cache->plan = plan;
	cache->source = source;
	cache->role = GetUserId();
	cache->generation = generation;
}

/* Renews the plan of a cache if something has changed on which it depends. */
static void
refresh_plan(LookupCache *cache, const LookupQuery *query)
{
	uint64 generation = lookup_generation();
	LookupPlan *plan;

	if (is_current(cache, generation))
		return;
	drop_plan(cache);
	if (cache->watch == NULL)
		watch_form(cache, query->source->query_context);
	cache->outdated = false;
	plan = make_plan(query);
	drop_plan(cache); /* a function of the application ran the same query meanwhile */
	keep_plan(cache, plan, query->source, generation);
	cache->outdated = cache->outdated || plan->transient; /* or a function let the form end */
}

/*
 * Gives a cache that does not run, and has no plan that is right, the one that another session has shared.  Does
 * nothing if there is none.
 */
static void
take_shared_plan(LookupCache *cache, const LookupQuery *query)
{
	uint64 generation = lookup_generation();
	uint64 changes = relation_changes;
	LookupPlan *plan;

	drop_plan(cache);
	plan = lookup_compile_shared(query->text, query->offered);
	if (plan == NULL)
		return;
	if (!returns_shape(plan->result, query))
	{
		MemoryContextDelete(plan->context);
		return;
	}
	lookup_run_init(plan);
	keep_plan(cache, plan, NULL, generation);
	cache->outdated = plan->transient || changes != relation_changes;
}

/* Returns whether a plan is the way to run a query. */
static bool
answers(const LookupPlan *plan, const LookupQuery *query)
{
	return plan->fits && (plan->single || !query->many);
}

/* Runs the plan of a cache.  After an error it is made again. */
static void
run_cached(LookupCache *cache, const LookupQuery *query)
{
	cache->running = true;
	PG_TRY();
	{
		lookup_run_plan(cache->plan, query->offered, query->store);
	}
	PG_CATCH();
	{
		cache->running = false;
		drop_plan(cache);
		PG_RE_THROW();
	}
	PG_END_TRY();
	cache->running = false;
}

/* Runs the plan of a cache, after the checks of the server's extensions. */
static void
run_checked(LookupCache *cache, const LookupQuery *query)
{
	if (ExecutorCheckPerms_hook != NULL && cache->source != NULL)
		privilege_check(cache->source->query_list);
	run_cached(cache, query);
}

/* Runs a query inside of its own run.  Returns false if look-ups do not answer it. */
static bool
run_nested(const LookupQuery *query)
{
	LookupPlan *plan = make_plan(query);
	bool fits = answers(plan, query);

	if (fits)
		lookup_run_plan(plan, query->offered, query->store);
	MemoryContextDelete(plan->context);
	return fits;
}

/* Runs a query with the active snapshot.  Returns false if look-ups do not answer it. */
static bool
run_visible(LookupCache *cache, const LookupQuery *query)
{
	if (cache->running)
		return run_nested(query);
	refresh_plan(cache, query);
	if (!answers(cache->plan, query))
		return false;
	run_checked(cache, query);
	return true;
}

/* Locks the tables of a plan, as the server does before it runs one. */
static void
lock_tables(const LookupPlan *plan)
{
	for (int i = plan->offered_count; i < plan->input_count; i++)
		LockRelationOid(plan->inputs[i].table, AccessShareLock);
}

/* Returns whether the plan of a cache is right, and plain. */
static bool
is_plain(const LookupCache *cache)
{
	return is_current(cache, lookup_generation()) && (cache->source == NULL || cache->source->is_valid) &&
		   cache->plan->plain && !cache->running;
}

/* Returns whether another session's plan may help. */
static bool
needs_shared_plan(const LookupCache *cache)
{
	return lookup_share_exists() && ExecutorCheckPerms_hook == NULL && !cache->running &&
		   !is_current(cache, lookup_generation());
}

bool
lookup_run_plain(LookupCache **cache, const LookupQuery *query)
{
	if (*cache == NULL)
		*cache = make_cache();
	if (needs_shared_plan(*cache))
		take_shared_plan(*cache, query);
	if (!is_plain(*cache) || !answers((*cache)->plan, query))
		return false;
	lock_tables((*cache)->plan);
	if (!is_plain(*cache)) /* a table has changed before it was locked */
		return false;
	PushActiveSnapshot(query->latest ? GetLatestSnapshot() : GetTransactionSnapshot());
	run_checked(*cache, query);
	PopActiveSnapshot();
	return true;
}

/* An ALTER TABLE may rewrite a table: older snapshots then see no row of it.  So the locks come before the snapshot. */
bool
lookup_run(LookupCache **cache, const LookupQuery *query)
{
	bool done;

	Assert(*cache != NULL);
	(void) CachedPlanGetTargetList(query->source, query->offered); /* locks the tables, and analyzes again if need be */
	if (list_length(query->source->query_list) != 1)
		return false;
	PushActiveSnapshot(query->latest ? GetLatestSnapshot() : GetTransactionSnapshot());
	done = run_visible(*cache, query);
	PopActiveSnapshot();
	return done;
}
