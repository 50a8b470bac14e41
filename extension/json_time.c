/*-------------------------------------------------------------------------
 *
 * json_time.c
 *	  Writes times as JSON for clients has them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "json_time.h"

/* Writes a number of at least so many digits and the separator behind it.  Returns the end. */
static char *
put_digits(char *end, int number, int digits, char separator)
{
	end = pg_ultostr_zeropad(end, (uint32) number, digits);
	*end = separator;
	return end + 1;
}

/* Writes a time as ISO 8601 in UTC with milliseconds.  Returns the end; the same place for an infinite time. */
static char *
put_time(char *end, TimestampTz moment)
{
	struct pg_tm fields;
	fsec_t fraction;

	if (TIMESTAMP_NOT_FINITE(moment) || timestamp2tm(moment, NULL, &fields, &fraction, NULL, NULL) != 0)
		return end;
	if (fields.tm_year < 0)
		*end++ = '-';
	end = put_digits(end, abs(fields.tm_year), 4, '-');
	end = put_digits(end, fields.tm_mon, 2, '-');
	end = put_digits(end, fields.tm_mday, 2, 'T');
	end = put_digits(end, fields.tm_hour, 2, ':');
	end = put_digits(end, fields.tm_min, 2, ':');
	end = put_digits(end, fields.tm_sec, 2, '.');
	return put_digits(end, (int) (fraction / 1000), 3, 'Z');
}

void
json_append_time(StringInfo json, TimestampTz moment)
{
	char iso[MAXDATELEN + 1];
	char *end = put_time(iso + 1, moment);

	if (end == iso + 1)
	{
		appendStringInfoString(json, "null");
		return;
	}
	iso[0] = *end++ = '"';
	appendBinaryStringInfo(json, iso, (int) (end - iso));
}

PG_FUNCTION_INFO_V1(herald_iso8601);

/* herald.iso8601(moment) returns a time as JSON has it; null for an infinite one. */
Datum
herald_iso8601(PG_FUNCTION_ARGS)
{
	char iso[MAXDATELEN + 1];
	char *end = put_time(iso, PG_GETARG_TIMESTAMPTZ(0));

	if (end == iso)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(iso, (int) (end - iso)));
}
