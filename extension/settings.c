/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  All settings of the extension.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "compat.h"
#include "settings.h"

bool herald_enabled = true;
char *herald_databases = NULL;
int herald_recovery_window = 24 * 60 * 60;

static char *user_id = NULL;

void
herald_settings_define(bool preloading)
{
	/* Should this session's writes notify anybody?  Off for imports and seeds. */
	DefineCustomBoolVariable("herald.enabled",
							 "Makes writes to watched tables notify and publish.",
							 NULL, &herald_enabled, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	/* How long can a client be away and still miss nothing? */
	DefineCustomIntVariable("herald.recovery_window",
							"How long the event log keeps events at least.",
							NULL, &herald_recovery_window, 24 * 60 * 60, 1, 366 * 24 * 60 * 60,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	/* On whose behalf does this session read?  Row policies ask for it. */
	DefineCustomStringVariable("herald.user_id",
							   "The application's user on whose behalf this session acts.",
							   NULL, &user_id, "",
							   PGC_USERSET, 0, NULL, NULL, NULL);

	/* Which databases get a worker, so that their commits need no NOTIFY? */
	if (preloading)
		DefineCustomStringVariable("herald.databases",
								   "Databases that get a doorbell worker, separated by commas.",
								   NULL, &herald_databases, "",
								   PGC_POSTMASTER, 0, NULL, NULL, NULL);

	MarkGUCPrefixReserved("herald");
}
