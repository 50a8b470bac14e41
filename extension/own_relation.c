/*-------------------------------------------------------------------------
 *
 * own_relation.c
 *	  Finds the extension's own tables, indexes and sequences by their names.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "catalog_share.h"
#include "layout.h"
#include "own_relation.h"
#include "relation_change.h"

/* The relations that were looked up. */
static OwnRelation *known_relations;

static void
forget_own_relation(Oid relation)
{
	for (OwnRelation *known = known_relations; known != NULL; known = known->next)
	{
		if (!OidIsValid(relation) || known->is.oid == relation)
			known->is = (OwnIdentity){ 0 };
	}
}

void
own_relation_init(void)
{
	relation_change_register(forget_own_relation);
}

/* Returns the entry for a name; the identity of a new one is not known. */
static OwnRelation *
own_relation_entry(const char *schema, const char *name)
{
	OwnRelation *known = known_relations;

	while (known != NULL && (strcmp(known->name, name) != 0 || strcmp(known->schema, schema) != 0))
		known = known->next;
	if (known == NULL)
	{
		known = MemoryContextAllocZero(TopMemoryContext, sizeof(OwnRelation));
		known->schema = MemoryContextStrdup(TopMemoryContext, schema);
		known->name = MemoryContextStrdup(TopMemoryContext, name);
		known->next = known_relations;
		known_relations = known;
	}
	return known;
}

/* Reads an identity in the catalog.  All is 0 if there is no such relation. */
static OwnIdentity
read_identity(const char *schema, const char *name)
{
	Oid schema_oid = get_namespace_oid(schema, true);
	OwnIdentity identity = { 0 };
	HeapTuple tuple = NULL;
	Form_pg_class class;

	if (OidIsValid(schema_oid))
		tuple = SearchSysCache2(RELNAMENSP, CStringGetDatum(name), ObjectIdGetDatum(schema_oid));
	if (!HeapTupleIsValid(tuple))
		return identity;
	class = (Form_pg_class) GETSTRUCT(tuple);
	identity = (OwnIdentity){ class->oid, class->relowner, class->relam,
							  make_locator(class->reltablespace, class->relfilenode) };
	ReleaseSysCache(tuple);
	return identity;
}

/* Makes an identity known, if there is such a relation: from the facts that sessions share, or from the catalog. */
static void
identify(OwnRelation *relation)
{
	char fact[2 * NAMEDATALEN];
	uint64 count;

	if (OidIsValid(relation->is.oid))
		return;
	count = catalog_share_count();
	snprintf(fact, sizeof(fact), "%s.%s", relation->schema, relation->name);
	if (catalog_share_find(count, fact, &relation->is, sizeof(OwnIdentity)))
		return;
	relation->is = read_identity(relation->schema, relation->name);
	if (OidIsValid(relation->is.oid))
		catalog_share_add(count, fact, &relation->is, sizeof(OwnIdentity));
}

OwnRelation *
own_relation(const char *schema, const char *name)
{
	OwnRelation *relation = own_relation_entry(schema, name);

	layout_check(ERROR);
	identify(relation);
	if (!OidIsValid(relation->is.oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("extension \"pg_herald\" lacks \"%s.%s\"", schema, name)));
	return relation;
}

Oid
own_table_oid(const char *schema, const char *name)
{
	return own_relation(schema, name)->is.oid;
}

Oid
table_owner(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid owner = HeapTupleIsValid(tuple) ? ((Form_pg_class) GETSTRUCT(tuple))->relowner : InvalidOid;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return owner;
}

Oid
own_table_owner(const char *schema, const char *name)
{
	OwnRelation *relation = own_relation_entry(schema, name);

	identify(relation);
	return relation->is.owner;
}
