/*-------------------------------------------------------------------------
 *
 * role_settings.c
 *	  Applies the settings of a role to a function that runs as that role.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "admin/role_settings.h"
#include "pin.h"

#define DEFAULT_SEARCH_PATH "\"$user\", public"

/* An invalid value is left out with a warning, as at login. */
static void
set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, WARNING, false);
}

/* Applies an element of pg_db_role_setting.setconfig: name=value. */
static void
apply_setting(char *setting)
{
	char *value = strchr(setting, '=');

	if (value == NULL)
		return;
	*value++ = '\0';
	if (strcmp(setting, "search_path") == 0 || pin_includes(setting))
		set(setting, value);
}

static void
apply_array(Datum settings)
{
	Datum *elements;
	int count;

	deconstruct_array(DatumGetArrayTypeP(settings), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		apply_setting(TextDatumGetCString(elements[i]));
}

/* Applies the settings that are saved for a database, a role, or a role in a database; 0 stands for all. */
static void
apply_saved(Relation catalog, Oid database, Oid role)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(database));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(catalog, DbRoleSettingDatidRolidIndexId, true, NULL, lengthof(keys), keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		Datum settings = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig, RelationGetDescr(catalog), &isnull);

		if (!isnull)
			apply_array(settings);
	}
	systable_endscan(scan);
}

/* Without pg_temp, a path has temporary objects first; a second one counts for nothing. */
static void
put_temporary_objects_last(void)
{
	const char *path = GetConfigOption("search_path", false, false);
	const char *separator = path[strspn(path, " ")] == '\0' ? "" : ", ";

	set("search_path", psprintf("%s%spg_temp", path, separator));
}

void
role_settings_apply(Oid role)
{
	Relation catalog = table_open(DbRoleSettingRelationId, AccessShareLock);

	Assert(OidIsValid(role));
	pin_settings();
	set("search_path", DEFAULT_SEARCH_PATH);
	apply_saved(catalog, MyDatabaseId, InvalidOid);
	apply_saved(catalog, InvalidOid, role);
	apply_saved(catalog, MyDatabaseId, role);
	put_temporary_objects_last();
	set("standard_conforming_strings", "on"); /* our own functions quote texts for that */
	table_close(catalog, AccessShareLock);
}
