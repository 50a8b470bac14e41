/*-------------------------------------------------------------------------
 *
 * lookup_share.c
 *	  Shares the parts of lookup plans that come from a query's text between sessions.
 *
 * To parse and analyze the query of a rule costs the first write of a session more than
 * all else that the rule does.  So the first session of the server that compiles a plain
 * plan puts it into shared memory, and later ones read it there.
 *
 * 1. Nobody tells this memory of changes.  A plan is shared with the names and columns of
 *	  its relations, all of them, and a session compares these with its own catalogs.
 *	  The same text over the same relations means the same, because such a query names
 *	  nothing else than functions, operators and types of pg_catalog and of this
 *	  extension: lookup_compile.c shares no other.
 *
 * 2. Indexes are not shared.  Each session finds them, and checks whether the plan is
 *	  still plain, as after its own analysis.
 *
 * 3. The current role needs the privileges that the analysis and its query would need.
 *	  Without one of them, or with a row-level security policy that applies to it, the
 *	  query is analyzed: that knows about columns and policies, and raises the error.
 *
 *	  The first session that has checked the functions for a role notes that.  They are not
 *	  checked again until a catalog changes (catalog_share.c).
 *
 * 4. There is a fixed number of places.  A further plan takes the oldest one's.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "storage/lmgr.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "compat.h"
#include "catalog_share.h"
#include "lookup_share.h"
#include "node_image.h"
#include "relation_shape.h"
#include "shared_lock.h"

#define PLACES 256
#define MOST_RELATIONS 6
#define MOST_BYTES 16000

/* A relation of a shared plan. */
typedef struct SharedRelation
{
	char offered[NAMEDATALEN]; /* its name; empty: a table */
	Oid table;
	uint64 shape; /* a hash of its name and columns */
} SharedRelation;

/* A plan in shared memory. */
typedef struct SharedPlan
{
	int relation_count;
	SharedRelation relations[MOST_RELATIONS];
	uint64 changes; /* of catalogs, when it was found to be plain, and "role" to have the privileges; 0: not yet */
	Oid role;
	int size;
	char data[MOST_BYTES]; /* the query with its zero byte, and an image of the plan's parts */
} SharedPlan;

typedef struct SharedPlans
{
	uint64 next;		   /* counts the plans; the remainder is the place of the next one */
	uint64 hashes[PLACES]; /* of the database and the query; 0: the place is free */
	SharedPlan list[PLACES];
} SharedPlans;

static SharedPlans *plans; /* NULL: the library is not preloaded */

Size
lookup_share_size(void)
{
	return sizeof(SharedPlans);
}

void
lookup_share_attach(void)
{
	bool found;

	plans = ShmemInitStruct("pg_herald lookups", lookup_share_size(), &found);
	if (!found)
		memset(plans, 0, offsetof(SharedPlans, list));
}

bool
lookup_share_exists(void)
{
	return plans != NULL;
}

static uint64
plan_hash(const char *text)
{
	uint64 hash = hash_bytes_extended((const unsigned char *) text, (int) strlen(text), MyDatabaseId);

	return hash != 0 ? hash : 1;
}

static void
describe_input(SharedRelation *relation, const LookupInput *input)
{
	Relation table;

	memset(relation, 0, sizeof(SharedRelation));
	if (input->offered != NULL)
	{
		strlcpy(relation->offered, input->offered, NAMEDATALEN);
		relation->shape = relation_shape_of_columns(input->shape);
		return;
	}
	table = table_open(input->table, NoLock); /* the query's tables are locked */
	relation->table = input->table;
	relation->shape = relation_shape_of_table(table);
	table_close(table, NoLock);
}

/* Appends the parts of a plan.  Returns false if node_image.c does not know a node of them. */
static bool
write_parts(StringInfo image, const LookupPlan *plan, List *functions)
{
	List *inputs = NIL;

	for (int i = 0; i < plan->input_count; i++)
	{
		const LookupInput *input = &plan->inputs[i];

		inputs = lappend(inputs, list_make3(list_make2_int(input->left, input->used), input->condition, input->filter));
	}
	return node_image_write(image, list_make4(inputs, plan->columns, plan->target, functions));
}

/* Describes the relations of a plan. */
static void
describe_inputs(SharedPlan *packed, const LookupPlan *plan)
{
	packed->relation_count = plan->input_count;
	for (int i = 0; i < plan->input_count; i++)
		describe_input(&packed->relations[i], &plan->inputs[i]);
}

/* Returns a query and its plan; NULL if that cannot be shared. */
static SharedPlan *
pack(const char *text, const LookupPlan *plan, List *functions)
{
	SharedPlan *packed;
	StringInfoData data;

	initStringInfo(&data);
	appendBinaryStringInfo(&data, text, (int) strlen(text) + 1);
	if (!write_parts(&data, plan, functions) || data.len > MOST_BYTES)
		return NULL;
	packed = palloc0(sizeof(SharedPlan));
	packed->size = data.len;
	memcpy(packed->data, data.data, data.len);
	describe_inputs(packed, plan);
	return packed;
}

static bool
have_same_relations(const SharedPlan *a, const SharedPlan *b)
{
	return a->relation_count == b->relation_count &&
		   memcmp(a->relations, b->relations, sizeof(SharedRelation) * a->relation_count) == 0;
}

static Size
used_size(const SharedPlan *plan)
{
	return offsetof(SharedPlan, data) + plan->size;
}

/* Returns the place for a plan: that of the same query over the same relations, or the next one. */
static int
place_for_plan(uint64 hash, const SharedPlan *plan)
{
	for (int i = 0; i < PLACES; i++)
	{
		if (plans->hashes[i] == hash && have_same_relations(&plans->list[i], plan))
			return i;
	}
	return (int) (plans->next++ % PLACES);
}

static bool
reads_temporary_table(const LookupPlan *plan)
{
	for (int i = plan->offered_count; i < plan->input_count; i++)
	{
		if (get_rel_persistence(plan->inputs[i].table) == RELPERSISTENCE_TEMP)
			return true;
	}
	return false;
}

void
lookup_share_put(const char *text, const LookupPlan *plan, List *functions)
{
	uint64 hash = plan_hash(text);
	SharedPlan *packed;
	int place;

	Assert(plans != NULL);
	if (plan->input_count > MOST_RELATIONS || reads_temporary_table(plan) || !catalog_share_is_possible())
		return;
	packed = pack(text, plan, functions);
	if (packed == NULL)
		return;
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	place = place_for_plan(hash, packed);
	plans->hashes[place] = hash;
	memcpy(&plans->list[place], packed, used_size(packed));
	LWLockRelease(shared_lock());
}

void
lookup_share_checked(const char *text, uint64 changes, const LookupPlan *plan)
{
	uint64 hash = plan_hash(text);
	SharedPlan *described;

	if (changes == 0)
		return;
	described = palloc0(offsetof(SharedPlan, data));
	describe_inputs(described, plan);
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	for (int i = 0; i < PLACES; i++)
	{
		SharedPlan *place = &plans->list[i];

		if (plans->hashes[i] == hash && have_same_relations(place, described) && strcmp(place->data, text) == 0)
		{
			place->changes = changes;
			place->role = GetUserId();
		}
	}
	LWLockRelease(shared_lock());
	pfree(described);
}

/* Copies the next plan with a hash, from a place on.  Returns the place behind it; 0: there is none. */
static int
copy_next(uint64 hash, int place, SharedPlan *copy)
{
	int next = 0;

	LWLockAcquire(shared_lock(), LW_SHARED);
	while (place < PLACES && plans->hashes[place] != hash)
		place++;
	if (place < PLACES)
	{
		memcpy(copy, &plans->list[place], used_size(&plans->list[place]));
		next = place + 1;
	}
	LWLockRelease(shared_lock());
	return next;
}

static bool
may_use_schema(Oid schema)
{
	return schema == PG_CATALOG_NAMESPACE || check_schema(schema, GetUserId()) == ACLCHECK_OK;
}

/* Returns whether all rows of a table are in it, and the current role may read them. */
static bool
may_read_all(Relation table)
{
	Oid oid = RelationGetRelid(table);

	return table->rd_rel->relkind == RELKIND_RELATION && !table->rd_rel->relhassubclass &&
		   !has_virtual_columns(RelationGetDescr(table)) && may_use_schema(RelationGetNamespace(table)) &&
		   pg_class_aclcheck(oid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		   check_enable_rls(oid, InvalidOid, true) != RLS_ENABLED;
}

/* Locks a table and sets its input.  Returns whether it is the one that the query names. */
static bool
open_shared_table(const SharedRelation *relation, LookupInput *input)
{
	Relation table;
	bool fits;

	LockRelationOid(relation->table, AccessShareLock);
	table = try_relation_open(relation->table, NoLock);
	fits = table != NULL && may_read_all(table) && relation_shape_of_table(table) == relation->shape;
	if (fits)
	{
		input->table = relation->table;
		/* A row may be older than a column of the table: the constraints have its value. */
		input->shape = CreateTupleDescCopyConstr(RelationGetDescr(table));
	}
	if (table != NULL)
		relation_close(table, NoLock);
	if (!fits)
		UnlockRelationOid(relation->table, AccessShareLock);
	return fits;
}

static bool
open_shared_offered(const SharedRelation *relation, QueryEnvironment *offered, LookupInput *input)
{
	EphemeralNamedRelation found = get_ENR(offered, relation->offered);

	if (found == NULL)
		return false;
	input->offered = pstrdup(relation->offered);
	input->shape = CreateTupleDescCopyConstr(ENRMetadataGetTupDesc(&found->md));
	return relation_shape_of_columns(input->shape) == relation->shape;
}

static void
unlock_tables(LookupPlan *plan)
{
	for (int i = plan->offered_count; i < plan->input_count; i++)
		UnlockRelationOid(plan->inputs[i].table, AccessShareLock);
}

/* Opens the relations of a plan, and locks its tables.  Returns false, and locks none, if one is not as it was. */
static bool
open_relations(const SharedPlan *source, QueryEnvironment *offered, LookupPlan *plan)
{
	plan->inputs = palloc0(sizeof(LookupInput) * source->relation_count);
	plan->input_count = plan->offered_count = 0;
	for (int i = 0; i < source->relation_count; i++)
	{
		const SharedRelation *relation = &source->relations[i];
		LookupInput *input = &plan->inputs[i];
		bool is_offered = relation->offered[0] != '\0';

		if (!(is_offered ? open_shared_offered(relation, offered, input) : open_shared_table(relation, input)))
		{
			unlock_tables(plan);
			return false;
		}
		plan->offered_count += is_offered;
		plan->input_count++;
	}
	return true;
}

static bool
may_execute_all(List *functions)
{
	ListCell *cell;

	foreach (cell, functions)
	{
		Oid schema = get_func_namespace(lfirst_oid(cell));

		if (!OidIsValid(schema) || !may_use_schema(schema) ||
			check_execute(lfirst_oid(cell), GetUserId()) != ACLCHECK_OK)
			return false;
	}
	return true;
}

/* Returns whether the columns of the joined row have the types of those of the inputs.  Their hashes may be equal. */
static bool
have_types(const LookupPlan *plan)
{
	ListCell *cell;

	foreach (cell, plan->columns)
	{
		Var *column = lfirst(cell);
		Form_pg_attribute attribute;

		if ((int) column->varno == ROW_NUMBER)
			continue;
		if (column->varattno > plan->inputs[column->varno].shape->natts)
			return false;
		attribute = TupleDescAttr(plan->inputs[column->varno].shape, column->varattno - 1);
		if (attribute->attisdropped || attribute->atttypid != column->vartype ||
			attribute->atttypmod != column->vartypmod || attribute->attcollation != column->varcollid)
			return false;
	}
	return true;
}

/* Fills a plan whose relations are open.  Returns whether the current role may run it. */
static bool
read_parts(const char *parts, LookupPlan *plan)
{
	List *all = node_image_read(&parts);
	List *inputs = linitial(all);

	plan->columns = lsecond(all);
	plan->target = lthird(all);
	for (int i = 0; i < plan->input_count; i++)
	{
		List *input = list_nth(inputs, i);

		plan->inputs[i].left = linitial_int(linitial(input));
		plan->inputs[i].used = lsecond_int(linitial(input));
		plan->inputs[i].condition = lsecond(input);
		plan->inputs[i].filter = lthird(input);
	}
	return have_types(plan) && (plan->checked || may_execute_all(lfourth(all)));
}

/* Fills a plan.  Returns false, and locks no table, if the shared one is not right. */
static bool
fill(const SharedPlan *source, const char *text, QueryEnvironment *offered, uint64 changes, LookupPlan *plan)
{
	plan->checked = changes != 0 && source->changes == changes && source->role == GetUserId();
	if (strcmp(source->data, text) != 0 || !open_relations(source, offered, plan))
		return false;
	if (read_parts(source->data + strlen(text) + 1, plan))
		return true;
	unlock_tables(plan);
	return false;
}

bool
lookup_share_get(const char *text, QueryEnvironment *offered, uint64 changes, LookupPlan *plan)
{
	uint64 hash = plan_hash(text);
	SharedPlan *copy = NULL;
	int place = 0;
	bool found = false;

	Assert(plans != NULL);
	copy = palloc(sizeof(SharedPlan));
	while (!found && (place = copy_next(hash, place, copy)) != 0)
		found = fill(copy, text, offered, changes, plan);
	pfree(copy);
	return found;
}
