/*-------------------------------------------------------------------------
 *
 * query.c
 *	  Runs saved queries with a given role and a pinned search path.  The only
 *	  user of SPI.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"

#include "function_path.h"
#include "layout.h"
#include "own_table.h"
#include "pin.h"
#include "privilege.h"
#include "query.h"
#include "table_rewrite.h"

#define PINNED_SEARCH_PATH "pg_catalog, pg_temp"

/* Sets the search path for the current nest of settings, unless it is set, and turns JIT off. */
static void
set_path(const char *path)
{
	if (strcmp(namespace_search_path, path) != 0)
		pin_setting("search_path", path);
	pin_jit();
}

void
query_pin(void)
{
	set_path(PINNED_SEARCH_PATH);
}

void
query_open(QueryScope *scope)
{
	layout_check(ERROR);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	GetUserIdAndSecContext(&scope->role, &scope->security);
	scope->owner = query_extension_owner();
	scope->loan_level = 0;
	scope->offered = create_queryEnv();
	scope->guc_level = NewGUCNestLevel();
	pin_settings();
	SetUserIdAndSecContext(scope->owner, scope->security | SECURITY_LOCAL_USERID_CHANGE);
}

void
query_begin(QueryScope *scope)
{
	query_open(scope);
	query_pin();
}

void
query_lend(QueryScope *scope, Oid role)
{
	Assert(OidIsValid(role));
	query_reclaim(scope);
	scope->loan_level = NewGUCNestLevel();
	SetUserIdAndSecContext(role, scope->security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

void
query_reclaim(QueryScope *scope)
{
	if (scope->loan_level == 0)
		return;
	AtEOXact_GUC(false, scope->loan_level);
	scope->loan_level = 0;
	SetUserIdAndSecContext(scope->owner, scope->security | SECURITY_LOCAL_USERID_CHANGE);
}

void
query_abandon_loan(QueryScope *scope)
{
	scope->loan_level = 0;
}

void
query_end(QueryScope *scope)
{
	query_reclaim(scope);
	AtEOXact_GUC(true, scope->guc_level);
	SetUserIdAndSecContext(scope->role, scope->security);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not disconnect from SPI");
}

/* Returns the order of magnitude of a number of rows. */
static int
size_class(uint64 rows)
{
	int digits = 0;

	for (; rows >= 10 && digits < QUERY_SIZE_CLASSES - 1; rows /= 10)
		digits++;
	return digits;
}

/* Sets the search path of a query until the end of the loan: that for its functions, or else the pinned one. */
static void
query_set_path(const SavedQuery *query, const char *path)
{
	if (!query->keeps_path)
		set_path(path != NULL ? path : PINNED_SEARCH_PATH);
}

static SPIPlanPtr
query_prepare(SavedQuery *query)
{
	SPIPlanPtr plan;

	query_set_path(query, NULL);
	plan = SPI_prepare_cursor(query->text, query->nargs, query->argtypes, query->cursor_options);
	if (plan == NULL)
		elog(ERROR, "could not prepare %s: %s", query->name, SPI_result_code_string(SPI_result));
	return plan;
}

/* Returns the search path for the functions of borrowed SQL, in the current memory context; NULL if it needs none. */
static char *
query_function_path(const SavedQuery *query, SPIPlanPtr plan)
{
	List *trees = NIL;
	ListCell *cell;

	if (query->keeps_path || !InSecurityRestrictedOperation())
		return NULL;
	foreach (cell, SPI_plan_get_plan_sources(plan))
		trees = list_concat(trees, ((CachedPlanSource *) lfirst(cell))->query_list);
	return function_path(trees, GetUserId());
}

/* Finds the search path again if another role runs the query, or a function, schema or role has changed. */
static void
query_refresh_path(SavedQuery *query, SPIPlanPtr plan)
{
	uint64 generation = function_path_generation();
	char *path;

	if (query->path_role == GetUserId() && query->path_generation == generation)
		return;
	path = query_function_path(query, plan);
	if (query->path != NULL)
		pfree(query->path);
	query->path = path == NULL ? NULL : MemoryContextStrdup(TopMemoryContext, path);
	query->path_role = GetUserId();
	query->path_generation = generation;
}

static SPIPlanPtr
query_plan(SavedQuery *query, uint64 incoming)
{
	SPIPlanPtr *plan = &query->plans[size_class(incoming)];

	Assert(query->text != NULL);
	Assert(query->nargs <= QUERY_MAX_ARGS);
	if (*plan == NULL)
	{
		SPIPlanPtr fresh = query_prepare(query);

		if (SPI_keepplan(fresh) != 0)
			elog(ERROR, "could not keep the plan of %s", query->name);
		*plan = fresh;
	}
	query_refresh_path(query, *plan);
	return *plan;
}

void
query_compile(SavedQuery *query, TupleDesc shape)
{
	SPIPlanPtr plan = query_prepare(query);
	ListCell *cell;

	foreach (cell, SPI_plan_get_plan_sources(plan))
	{
		CachedPlanSource *source = lfirst(cell);

		privilege_check(source->query_list);
		if (shape != NULL && source->resultDesc != NULL)
			convert_tuples_by_position(source->resultDesc, shape, QUERY_WRONG_COLUMNS);
	}
	SPI_freeplan(plan);
}

void
query_analyze(const char *text, ParserSetupHook setup, bool (*walk)(Node *, void *), void *argument)
{
	SPIPlanPtr plan = SPI_prepare_params(text, setup, argument, 0);
	ListCell *source;

	if (plan == NULL)
		elog(ERROR, "could not analyze a query: %s", SPI_result_code_string(SPI_result));
	foreach (source, SPI_plan_get_plan_sources(plan))
	{
		List *trees = ((CachedPlanSource *) lfirst(source))->query_list;

		privilege_check(trees);
		walk((Node *) trees, argument);
	}
	SPI_freeplan(plan);
}

static List *
plan_relations(SPIPlanPtr plan)
{
	List *relations = NIL;
	ListCell *cell;

	foreach (cell, SPI_plan_get_plan_sources(plan))
		relations = list_concat_unique_oid(relations, ((CachedPlanSource *) lfirst(cell))->relationOids);
	return relations;
}

uint64
query_run(SavedQuery *query, uint64 incoming, Datum *values, const char *nulls)
{
	SPIPlanPtr plan = query_plan(query, incoming);
	Snapshot snapshot = query->latest ? GetLatestSnapshot() : InvalidSnapshot;
	int result;

	query_set_path(query, query->path);
	result = SPI_execute_snapshot(plan, values, nulls, snapshot, InvalidSnapshot,
								  query->read_only || query->latest, true, 0);

	if (result < 0)
		elog(ERROR, "could not run %s: %s", query->name, SPI_result_code_string(result));
	if (query->complete)
		table_rewrite_check(plan_relations(plan));
	return SPI_processed;
}

void
query_check_types(const SavedQuery *query, const Oid *types, int columns)
{
	TupleDesc result = SPI_tuptable != NULL ? SPI_tuptable->tupdesc : NULL;

	if (result == NULL || result->natts != columns)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg_plural("%s must return %d column", "%s must return %d columns", (unsigned long) columns,
									  query->name, columns)));
	for (int i = 0; i < columns; i++)
	{
		if (SPI_gettypeid(result, i + 1) != types[i])
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column %d of %s must have type %s, not %s", i + 1, query->name,
								   format_type_be(types[i]), format_type_be(SPI_gettypeid(result, i + 1)))));
	}
}

uint64
query_run_once(SavedQuery *query, Datum *values, const Oid *types, int columns)
{
	SPIPlanPtr plan = query_prepare(query);
	int result;

	query_set_path(query, query_function_path(query, plan));
	result = SPI_execute_plan(plan, values, NULL, query->read_only, 0);
	if (result < 0)
		elog(ERROR, "could not run %s: %s", query->name, SPI_result_code_string(result));
	if (query->complete)
		table_rewrite_check(plan_relations(plan));
	if (columns > 0)
		query_check_types(query, types, columns);
	return SPI_processed;
}

/* Returns the parameters with these values; NULL without any. */
static ParamListInfo
query_params(const SavedQuery *query, const Datum *values)
{
	ParamListInfo params = query->nargs > 0 ? makeParamList(query->nargs) : NULL;

	for (int i = 0; i < query->nargs; i++)
		params->params[i] = (ParamExternData){ values[i], false, PARAM_FLAG_CONST, query->argtypes[i] };
	return params;
}

void
query_run_into(SavedQuery *query, uint64 incoming, const Datum *values, Tuplestorestate *store, TupleDesc shape)
{
	SPIExecuteOptions options = { 0 };
	SPIPlanPtr plan = query_plan(query, incoming);
	int result;

	query_set_path(query, query->path);
	if (query->latest)
		PushActiveSnapshot(GetLatestSnapshot());
	options.params = query_params(query, values);
	options.read_only = query->read_only || query->latest;
	options.dest = CreateDestReceiver(DestTuplestore);
	SetTuplestoreDestReceiverParams(options.dest, store, CurrentMemoryContext, false, shape,
									QUERY_WRONG_COLUMNS);
	result = SPI_execute_plan_extended(plan, &options);
	if (result < 0)
		elog(ERROR, "could not run %s: %s", query->name, SPI_result_code_string(result));
	options.dest->rDestroy(options.dest);
	if (query->latest)
		PopActiveSnapshot();
}

CachedPlanSource *
query_source(SavedQuery *query)
{
	List *sources = SPI_plan_get_plan_sources(query_plan(query, 0));

	query_set_path(query, query->path);
	return list_length(sources) == 1 ? linitial(sources) : NULL;
}

void
query_check_names(SavedQuery *query, TupleDesc shape)
{
	List *statements = SPI_plan_get_plan_sources(query_plan(query, 0));
	TupleDesc result = list_length(statements) == 1 ? ((CachedPlanSource *) linitial(statements))->resultDesc : NULL;

	for (int i = 0; i < shape->natts; i++)
	{
		const char *required = NameStr(TupleDescAttr(shape, i)->attname);

		if (result == NULL || i >= result->natts || strcmp(NameStr(TupleDescAttr(result, i)->attname), required) != 0)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column %d of the result of \"%s\" must be \"%s\"", i + 1, query->name, required)));
	}
}

List *
query_relations(SavedQuery *query)
{
	return plan_relations(query_plan(query, 0));
}

List *
query_trees(SavedQuery *query)
{
	List *trees = NIL;
	ListCell *cell;

	foreach (cell, SPI_plan_get_plan_sources(query_plan(query, 0)))
		trees = list_concat(trees, ((CachedPlanSource *) lfirst(cell))->query_list);
	return trees;
}

void
query_forget(SavedQuery *query)
{
	for (int size = 0; size < QUERY_SIZE_CLASSES; size++)
	{
		if (query->plans[size] != NULL)
			SPI_freeplan(query->plans[size]);
		query->plans[size] = NULL;
	}
	lookup_forget(&query->lookups);
	if (query->path != NULL)
		pfree(query->path);
	query->path = NULL;
	query->path_role = InvalidOid;
}

TupleDesc
query_shape(TupleDesc *shape, const QueryColumn *columns, int count)
{
	MemoryContext caller;
	TupleDesc fresh;

	if (*shape != NULL)
		return *shape;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	fresh = CreateTemplateTupleDesc(count);
	for (int i = 0; i < count; i++)
		TupleDescInitEntry(fresh, (AttrNumber) (i + 1), columns[i].name, columns[i].type, -1,
						   type_is_array(columns[i].type));
	MemoryContextSwitchTo(caller);
	*shape = fresh;
	return fresh;
}

EphemeralNamedRelation
query_offer(const char *name, Tuplestorestate *store, TupleDesc shape, Oid relation)
{
	EphemeralNamedRelation offered = palloc0(sizeof(EphemeralNamedRelationData));
	int result;

	Assert(OidIsValid(relation) || shape != NULL);
	offered->md.name = pstrdup(name);
	offered->md.reliddesc = relation;
	offered->md.tupdesc = OidIsValid(relation) ? NULL : shape;
	offered->md.enrtype = ENR_NAMED_TUPLESTORE;
	offered->md.enrtuples = tuplestore_tuple_count(store);
	offered->reldata = store;
	result = SPI_register_relation(offered);
	if (result < 0)
		elog(ERROR, "could not register \"%s\": %s", name, SPI_result_code_string(result));
	return offered;
}

Oid
query_own_table(const char *name)
{
	Oid schema = get_namespace_oid("herald_internal", true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

Oid
query_extension_owner(void)
{
	Oid owner = own_table_owner("herald_internal", "rule");

	if (!OidIsValid(owner))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("extension \"pg_herald\" is not installed in this database")));
	return owner;
}
