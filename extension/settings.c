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
#include "utils/varlena.h"

#include "compat.h"
#include "settings.h"

#define DEFAULT_RECOVERY_WINDOW (24 * 60 * 60)
#define MAX_RECOVERY_WINDOW (366 * 24 * 60 * 60)
#define DEFAULT_TOKEN_MAX_AGE (366 * 24 * 60 * 60)

bool herald_enabled = true;
bool herald_group_inbox = false;
char *herald_databases = NULL;
int herald_recovery_window = DEFAULT_RECOVERY_WINDOW;
bool herald_verify_lookups = false;

/* Settings that only SQL reads. */
static struct
{
	char *user_id;
	char *milestones;
	int inbox_limit;
	int inbox_max_age;
	int token_max_age;
} sql_settings = { .inbox_limit = 10000, .token_max_age = DEFAULT_TOKEN_MAX_AGE };

/* Accepts positive numbers in ascending order, such as "100,1000", and an empty text. */
static bool
check_milestones(char **value, void **extra, GucSource source)
{
	const char *text = *value;
	long long last = 0;

	while (*text != '\0')
	{
		char *end;
		long long milestone = strtoll(text, &end, 10);

		if (end == text || milestone <= last || milestone == LLONG_MAX || (*end != '\0' && *end != ',') ||
			(*end == ',' && end[1] == '\0'))
		{
			GUC_check_errdetail("Milestones are positive numbers, ascending, separated by commas.");
			return false;
		}
		last = milestone;
		text = *end == ',' ? end + 1 : end;
	}
	return true;
}

/* A server with a list that cannot be read would not start: ALTER SYSTEM must refuse it. */
static bool
check_databases(char **value, void **extra, GucSource source)
{
	char *copy = pstrdup(*value);
	List *names;
	bool good = SplitIdentifierString(copy, ',', &names);

	list_free(names);
	pfree(copy);
	if (!good)
		GUC_check_errdetail("The databases are names, separated by commas; a name with other characters needs double quotes.");
	return good;
}

/* Settings of the writing side. */
static void
define_write_settings(void)
{
	/* Imports and seeds turn this off for their session. */
	DefineCustomBoolVariable("herald.enabled",
							 "Makes writes to watched tables notify and publish.",
							 NULL, &herald_enabled, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	/* A client that was away for less than this recovers every event. */
	DefineCustomIntVariable("herald.recovery_window",
							"Minimum time that the event log keeps events.",
							NULL, &herald_recovery_window, DEFAULT_RECOVERY_WINDOW, 1, MAX_RECOVERY_WINDOW,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	/* The owner of a subject gets a notification when its total reaches a milestone. */
	DefineCustomStringVariable("herald.milestones",
							   "Totals that are milestones, ascending, separated by commas.",
							   NULL, &sql_settings.milestones, "100,1000,10000,100000,1000000,10000000",
							   PGC_SUSET, 0, check_milestones, NULL, NULL);
}

/* Settings of the reading side. */
static void
define_inbox_settings(void)
{
	/* Row policies compare this with the recipient. */
	DefineCustomStringVariable("herald.user_id",
							   "The user of the application that this session acts for.",
							   NULL, &sql_settings.user_id, "",
							   PGC_USERSET, 0, NULL, NULL, NULL);

	/* Badges then count the groups that the grouped inbox shows. */
	DefineCustomBoolVariable("herald.group_inbox",
							 "Shows inboxes in groups, and counts groups as unread.",
							 NULL, &herald_group_inbox, false,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	/* Maintenance removes read notifications first. */
	DefineCustomIntVariable("herald.inbox_limit",
							"Maximum number of notifications in an inbox. Zero means no limit.",
							NULL, &sql_settings.inbox_limit, 10000, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("herald.inbox_max_age",
							"Maximum age of notifications in an inbox. Zero means no limit.",
							NULL, &sql_settings.inbox_max_age, 0, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
}

/* Settings of sessions. */
static void
define_session_settings(void)
{
	/* A revocation is kept so long: a token that outlives it is good again. */
	DefineCustomIntVariable("herald.token_max_age",
							"Time for which revoked tokens are remembered: no token may be valid for longer.",
							NULL, &sql_settings.token_max_age, DEFAULT_TOKEN_MAX_AGE, 60, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
}

void
herald_settings_define(void)
{
	define_write_settings();
	define_inbox_settings();
	define_session_settings();

	DefineCustomStringVariable("herald.databases",
							   "Databases that get a worker, separated by commas.",
							   "Takes effect where pg_herald is in shared_preload_libraries.",
							   &herald_databases, "",
							   PGC_SIGHUP, 0, check_databases, NULL, NULL);

#ifdef USE_ASSERT_CHECKING
	DefineCustomBoolVariable("herald.verify_lookups",
							 "Compares the results of look-ups with those of the planner.",
							 NULL, &herald_verify_lookups, false,
							 PGC_SUSET, 0, NULL, NULL, NULL);
#endif

	MarkGUCPrefixReserved("herald");
}

PG_FUNCTION_INFO_V1(herald_setting);

/* herald_internal.setting(name) returns the value of herald.NAME.  The call itself loads the library. */
Datum
herald_setting(PG_FUNCTION_ARGS)
{
	char *name = psprintf("herald.%s", text_to_cstring(PG_GETARG_TEXT_PP(0)));

	PG_RETURN_TEXT_P(cstring_to_text(GetConfigOptionByName(name, NULL, false)));
}
