/*-------------------------------------------------------------------------
 *
 * json_time.h
 *	  Writes times as JSON for clients has them: ISO 8601 in UTC with milliseconds.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_JSON_TIME_H
#define HERALD_JSON_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

/* Appends a time as a string, or null for an infinite one. */
extern void json_append_time(StringInfo json, TimestampTz moment);

#endif /* HERALD_JSON_TIME_H */
