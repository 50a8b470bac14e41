/*-------------------------------------------------------------------------
 *
 * attempts.c
 *	  The attempts of connections to reach the database, and the pauses between them.
 *
 * 1. When a connection cannot be made, it alone tries again, and the others wait until it
 *	  has succeeded.
 *
 * 2. The pauses grow, after each round through all servers.  They grow longer when each
 *	  server says that it will not have the connection: that is a line in its log for each
 *	  attempt, until somebody changes something.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/attempts.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "source/hosts.h"

#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 5000
#define LONGEST_REFUSED_PAUSE_MS 60000

/* Those of the connection that tries for all; NULL: each tries. */
static const Attempts *scout;

bool
attempts_may_begin(const Attempts *attempts)
{
	return scout == NULL || scout == attempts;
}

/* Returns whether the server refuses connections for a reason that stays until somebody removes it. */
static bool
is_lasting(const char *sqlstate)
{
	static const char *const passing[] = { "08", "53", "57" }; /* connections, resources, starts and stops */

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
	{
		if (strncmp(sqlstate, passing[i], 2) == 0)
			return false;
	}
	return sqlstate[0] != '\0';
}

void
attempts_note_refusal(Attempts *attempts, const char *sqlstate)
{
	attempts->refused += is_lasting(sqlstate);
}

void
attempts_fail(Attempts *attempts)
{
	attempts->failed++;
	if (scout == NULL)
		scout = attempts;
}

/* With jitter, so that many bridges do not reconnect at once. */
uint64_t
attempts_pause(Attempts *attempts, const char *conninfo)
{
	int servers = hosts_count(conninfo);
	long longest = attempts->refused >= servers ? LONGEST_REFUSED_PAUSE_MS : LONGEST_PAUSE_MS;
	long pause = MIN(MAX(attempts->pause, FIRST_PAUSE_MS), longest);

	if (attempts->failed % servers > 0)
		return 0;
	attempts->refused = 0;
	attempts->pause = MIN(pause * 2, longest);
	return (uint64_t) (pause / 2 + random() % (pause / 2 + 1));
}

void
attempts_succeed(Attempts *attempts)
{
	*attempts = (Attempts){ 0 };
}

void
attempts_open(void)
{
	scout = NULL;
}

void
attempts_free(Attempts *attempts)
{
	if (scout == attempts)
		scout = NULL;
}
