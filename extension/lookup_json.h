/*-------------------------------------------------------------------------
 *
 * lookup_json.h
 *	  Writes JSON objects of a lookup plan by templates.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOKUP_JSON_H
#define HERALD_LOOKUP_JSON_H

#include "postgres.h"

#include "lookup_plan.h"

/* A column of the result that is an object: literal texts with values between them. */
typedef struct JsonObject JsonObject;

/*
 * Makes templates of the columns of the result that call json_build_object() with constant keys.  Such a column becomes
 * null, and the values of the object become further columns.
 */
extern void lookup_json_compile(LookupPlan *plan);

/* Writes the objects of a row of the result, in the current memory context. */
extern void lookup_json_write(const LookupPlan *plan, Datum *values, bool *nulls);

#endif /* HERALD_LOOKUP_JSON_H */
