/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  All settings of the extension.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "compat.h"
#include "settings.h"

bool herald_enabled = true;
char *herald_databases = NULL;
int herald_recovery_window = 24 * 60 * 60;

static char *user_id = NULL;
static bool group_inbox = false;
static char *milestones = NULL;
static int inbox_limit = 10000;
static int inbox_max_age = 0;

/* "100,1000": positive, ascending, or nothing at all. */
static bool
check_milestones(char **value, void **extra, GucSource source)
{
	const char *text = *value;
	long long last = 0;

	while (*text != '\0')
	{
		char *end;
		long long rung = strtoll(text, &end, 10);

		if (end == text || rung <= last || rung == LLONG_MAX || (*end != '\0' && *end != ',') ||
			(*end == ',' && end[1] == '\0'))
		{
			GUC_check_errdetail("Milestones are positive numbers, ascending, separated by commas.");
			return false;
		}
		last = rung;
		text = *end == ',' ? end + 1 : end;
	}
	return true;
}

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

	/* Are notifications counted as the groups that the grouped inbox shows? */
	DefineCustomBoolVariable("herald.group_inbox",
							 "Shows inboxes in groups, and counts groups as unread.",
							 NULL, &group_inbox, false,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	/* At which totals are the owners of a subject told? */
	DefineCustomStringVariable("herald.milestones",
							   "Totals that are milestones, ascending, separated by commas.",
							   NULL, &milestones, "100,1000,10000,100000,1000000,10000000",
							   PGC_SUSET, 0, check_milestones, NULL, NULL);

	/* How many notifications does an inbox keep, and for how long? */
	DefineCustomIntVariable("herald.inbox_limit",
							"Most notifications that an inbox keeps; read ones go first. Zero is no limit.",
							NULL, &inbox_limit, 10000, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("herald.inbox_max_age",
							"How long an inbox keeps notifications. Zero is for ever.",
							NULL, &inbox_max_age, 0, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);

	/* Which databases get a worker, so that their commits need no NOTIFY? */
	if (preloading)
		DefineCustomStringVariable("herald.databases",
								   "Databases that get a doorbell worker, separated by commas.",
								   NULL, &herald_databases, "",
								   PGC_POSTMASTER, 0, NULL, NULL, NULL);

	MarkGUCPrefixReserved("herald");
}

PG_FUNCTION_INFO_V1(herald_setting);

/* herald_internal.setting(name): a setting of ours, also in a session that has not loaded the library before. */
Datum
herald_setting(PG_FUNCTION_ARGS)
{
	char *name = psprintf("herald.%s", text_to_cstring(PG_GETARG_TEXT_PP(0)));

	PG_RETURN_TEXT_P(cstring_to_text(GetConfigOptionByName(name, NULL, false)));
}
