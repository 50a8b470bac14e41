/*-------------------------------------------------------------------------
 *
 * pin.c
 *	  Pins the settings that change a text or the meaning of a statement.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <locale.h>

#include "access/gin.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "pgtime.h"
#include "tsearch/ts_cache.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/rls.h"
#include "utils/xml.h"

#include "pin.h"

/* Of utils/pg_locale.h, which needs the headers of ICU: a machine with the server's headers may lack them. */
extern PGDLLIMPORT char *locale_monetary;
extern PGDLLIMPORT char *locale_numeric;
extern PGDLLIMPORT char *locale_time;

/* A setting that changes a text or the meaning of a statement, and its value in everything that we run. */
typedef struct PinnedSetting
{
	const char *name;
	const char *value;	 /* NULL: the name of the database's locale */
	bool (*holds)(void); /* a check, instead of a variable */
	const bool *flag;
	const int *number;
	char **text;
	int required; /* the value of flag or number */
} PinnedSetting;

static bool
zone_is_utc(void)
{
	const char *zone = pg_get_timezone_name(session_timezone);

	return strcmp(zone, "UTC") == 0 || strcmp(zone, "Etc/UTC") == 0;
}

/* A value that is a matter of taste is that of most servers, because a change costs microseconds of a statement. */
static const PinnedSetting pinned_settings[] = {
	{ "DateStyle", "ISO, MDY", .number = &DateStyle, .required = USE_ISO_DATES },
	{ "DateStyle", "ISO, MDY", .number = &DateOrder, .required = DATEORDER_MDY },
	{ "TimeZone", "UTC", .holds = zone_is_utc },
	{ "IntervalStyle", "postgres", .number = &IntervalStyle, .required = INTSTYLE_POSTGRES },
	{ "bytea_output", "hex", .number = &bytea_output, .required = BYTEA_OUTPUT_HEX },
	{ "extra_float_digits", "1", .number = &extra_float_digits, .required = 1 },
	{ "lc_monetary", NULL, .text = &locale_monetary },
	{ "lc_numeric", NULL, .text = &locale_numeric },
	{ "lc_time", NULL, .text = &locale_time },
	{ "xmlbinary", "base64", .number = &xmlbinary, .required = XMLBINARY_BASE64 },
	{ "xmloption", "content", .number = &xmloption, .required = XMLOPTION_CONTENT },
	{ "default_text_search_config", "pg_catalog.english", .text = &TSCurrentConfig },
	{ "standard_conforming_strings", "on", .flag = &standard_conforming_strings, .required = true },
	{ "backslash_quote", "safe_encoding", .number = &backslash_quote, .required = BACKSLASH_QUOTE_SAFE_ENCODING },
	{ "array_nulls", "on", .flag = &Array_nulls, .required = true },
	{ "transform_null_equals", "off", .flag = &Transform_null_equals, .required = false },
	{ "quote_all_identifiers", "off", .flag = &quote_all_identifiers, .required = false },
	{ "row_security", "on", .flag = &row_security, .required = true },
	{ "gin_fuzzy_search_limit", "0", .number = &GinFuzzySearchLimit, .required = 0 },
};

void
pin_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* The database's locale never changes, and is usually that of the session: so a change is rare. */
static const char *
pinned_value(const PinnedSetting *setting)
{
	return setting->value != NULL ? setting->value : setlocale(LC_CTYPE, NULL);
}

static bool
has_pinned_value(const PinnedSetting *setting)
{
	if (setting->holds != NULL)
		return setting->holds();
	if (setting->flag != NULL)
		return *setting->flag == setting->required;
	if (setting->number != NULL)
		return *setting->number == setting->required;
	return strcmp(*setting->text, pinned_value(setting)) == 0;
}

void
pin_settings(void)
{
	for (int i = 0; i < lengthof(pinned_settings); i++)
	{
		if (!has_pinned_value(&pinned_settings[i]))
			pin_setting(pinned_settings[i].name, pinned_value(&pinned_settings[i]));
	}
}

void
pin_jit(void)
{
	if (jit_enabled)
		pin_setting("jit", "off");
}

bool
pin_includes(const char *name)
{
	for (int i = 0; i < lengthof(pinned_settings); i++)
	{
		if (strcmp(pinned_settings[i].name, name) == 0)
			return true;
	}
	return false;
}
