/*-------------------------------------------------------------------------
 *
 * relation_shape.h
 *	  Tells whether relations have the same names and columns.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RELATION_SHAPE_H
#define HERALD_RELATION_SHAPE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "utils/rel.h"

/* Return a hash of all that a query's text can refer to in a row type, or in a table. */
extern uint64 relation_shape_of_columns(TupleDesc columns);
extern uint64 relation_shape_of_table(Relation table);

#endif /* HERALD_RELATION_SHAPE_H */
