/*-------------------------------------------------------------------------
 *
 * room_check.h
 *	  Checks for pairs of a user and a room whether the user may be in the room.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ROOM_CHECK_H
#define HERALD_ROOM_CHECK_H

#include "postgres.h"

#include "query.h"

/* A check of access, and the role that it runs as. */
typedef struct RoomCheckQuery
{
	const char *sql;
	Oid role;
	bool is_policy; /* it has the settings of its role */
} RoomCheckQuery;

/* The columns of a pair, and of an array of pairs; "ordinal" is an int, the others are texts. */
enum
{
	PAIR_ORDINAL,
	PAIR_USER,
	PAIR_ROOM,
	PAIR_COLUMNS
};

/* The columns of the result: for each pair that a check knows, whether it is admitted, and the keys of the room. */
enum
{
	ANSWER_ORDINAL,
	ANSWER_ADMITTED,
	ANSWER_KEYS,
	ANSWER_COLUMNS
};

/* Returns the row type of the result. */
extern TupleDesc room_check_shape(void);

/*
 * Runs a check for pairs, which are an array for each column, and adds its result to a tuplestore.  The scope belongs
 * to the owner of the extension, before and after.  A pair that fails is in no row.  A warning reports it, one a
 * minute for each check and session; later ones are notices, which are not in the log by default.
 */
extern void room_check_run(QueryScope *scope, const RoomCheckQuery *query, Datum *const *pairs, int count,
						   Tuplestorestate *out);

#endif /* HERALD_ROOM_CHECK_H */
