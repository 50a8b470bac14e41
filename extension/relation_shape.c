/*-------------------------------------------------------------------------
 *
 * relation_shape.c
 *	  Tells whether relations have the same names and columns.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "relation_shape.h"

uint64
relation_shape_of_columns(TupleDesc columns)
{
	uint64 hash = columns->natts;

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);
		uint32 type[] = { column->atttypid, (uint32) column->atttypmod, column->attcollation, column->attisdropped };

		hash = hash_bytes_extended((const unsigned char *) NameStr(column->attname),
								   (int) strlen(NameStr(column->attname)), hash);
		hash = hash_bytes_extended((const unsigned char *) type, sizeof(type), hash);
	}
	return hash;
}

uint64
relation_shape_of_table(Relation table)
{
	const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
												  RelationGetRelationName(table));

	return hash_bytes_extended((const unsigned char *) name, (int) strlen(name),
							   relation_shape_of_columns(RelationGetDescr(table)));
}
