/*-------------------------------------------------------------------------
 *
 * message.c
 *	  Shortens texts of others for messages in the log.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "message.h"

char *
message_line(const char *text, int limit)
{
	int length;
	char *line;

	Assert(text != NULL && limit > 0);
	length = pg_mbcliplen(text, (int) strlen(text), limit);
	line = pnstrdup(text, length);
	for (char *at = line; *at != '\0'; at++)
	{
		if ((unsigned char) *at < ' ')
			*at = ' ';
	}
	return line;
}
