/*-------------------------------------------------------------------------
 *
 * event_keys.c
 *	  Shortens the keys of events that the indexes of the log do not take.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "utils/builtins.h"

#include "compat.h"
#include "event_columns.h"
#include "write/event_keys.h"

/* The most that the keys of an event in one index take.  An entry of an index has at most 2704 bytes. */
#define LONGEST_KEYS_BYTES 2600

static Size
key_bytes(const Datum *published, const bool *nulls, PublishedColumn key)
{
	return nulls[key] ? 0 : toast_raw_datum_size(published[key]) - VARHDRSZ;
}

/* Removes a part of an event: its key is too long. */
static void
remove_part(bool *nulls, const PublishedColumn *part, int length, const char *name)
{
	for (int i = 0; i < length; i++)
		nulls[part[i]] = true;
	ereport(WARNING, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					  errmsg("an event was made without its %s: the id takes more than %d bytes", name,
							 LONGEST_KEYS_BYTES)));
}

/* Returns the prefix of a room, which stands for all rooms with it. */
static Datum
prefix_of(const text *room)
{
	int length = 0;

	while (length < (int) VARSIZE_ANY_EXHDR(room) && VARDATA_ANY(room)[length] != ':')
		length++;
	return PointerGetDatum(cstring_to_text_with_len(VARDATA_ANY(room), Min(length, LONGEST_KEYS_BYTES)));
}

/* Makes a recheck one of all users of the room, or of all rooms with its prefix. */
static void
widen_recheck(Datum *published, bool *nulls)
{
	nulls[PUBLISHED_RECHECK_USER] = true;
	if (key_bytes(published, nulls, PUBLISHED_RECHECK_ROOM) > LONGEST_KEYS_BYTES)
		published[PUBLISHED_RECHECK_ROOM] = prefix_of(DatumGetTextPP(published[PUBLISHED_RECHECK_ROOM]));
}

void
event_keys_shorten(Datum *published, bool *nulls)
{
	static const PublishedColumn member[] = { PUBLISHED_MEMBER_ID, PUBLISHED_JOINS, PUBLISHED_LEAVES };
	static const PublishedColumn total[] = { PUBLISHED_COUNTED_ID, PUBLISHED_DELTA };
	static const PublishedColumn user[] = { PUBLISHED_RECHECK_USER, PUBLISHED_ACCESS };

	if (key_bytes(published, nulls, PUBLISHED_MEMBER_ID) > LONGEST_KEYS_BYTES)
		remove_part(nulls, member, lengthof(member), "member");
	if (key_bytes(published, nulls, PUBLISHED_COUNTED_ID) > LONGEST_KEYS_BYTES)
		remove_part(nulls, total, lengthof(total), "total");
	if (key_bytes(published, nulls, PUBLISHED_RECHECK_USER) + key_bytes(published, nulls, PUBLISHED_RECHECK_ROOM) <=
		LONGEST_KEYS_BYTES)
		return;
	if (nulls[PUBLISHED_RECHECK_ROOM])
		remove_part(nulls, user, lengthof(user), "recheck");
	else
		widen_recheck(published, nulls);
}
