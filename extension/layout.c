/*-------------------------------------------------------------------------
 *
 * layout.c
 *	  Compares the layout of the installed SQL with the one that the library needs.
 *
 * New packages replace the library at once, but the SQL of a database stays until ALTER
 * EXTENSION ... UPDATE.  C code would read columns that it lacks.  A session with an older
 * library than the SQL goes on: updates only add columns.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "catalog_share.h"
#include "function_path.h"
#include "layout.h"

/* Returns the layout of the SQL, from the body of its function, as a call would be planned; 0 without the function. */
static int
installed_layout(void)
{
	Oid schema = get_namespace_oid("herald_internal", true);
	HeapTuple function = SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum("layout"),
										 PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(schema));
	int layout = 0;
	Datum body;
	bool isnull;

	if (!HeapTupleIsValid(function))
		return 0;
	body = SysCacheGetAttr(PROCNAMEARGSNSP, function, Anum_pg_proc_prosrc, &isnull);
	if (isnull || sscanf(TextDatumGetCString(body), "SELECT %d", &layout) != 1)
		layout = 0;
	ReleaseSysCache(function);
	return layout;
}

/* Returns the layout of the SQL, as this session or another one has read it. */
static int
shared_layout(void)
{
	uint64 count = catalog_share_count();
	int layout;

	if (catalog_share_find(count, "layout", &layout, sizeof(layout)))
		return layout;
	layout = installed_layout();
	catalog_share_add(count, "layout", &layout, sizeof(layout));
	return layout;
}

bool
layout_fits(void)
{
	static uint64 known_generation = 0;
	static bool fits;
	uint64 generation = function_path_generation();

	/* The scripts of the extension make the functions one by one. */
	if (creating_extension)
		return true;
	if (generation != known_generation)
	{
		fits = shared_layout() >= LAYOUT;
		known_generation = generation;
	}
	return fits;
}

void
layout_check(int elevel)
{
	if (!layout_fits())
		ereport(elevel, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("SQL of extension \"pg_herald\" is older than its library"),
						 errdetail("The library needs layout %d of the SQL, which has %d. Rules do not run.",
								   LAYOUT, installed_layout()),
						 errhint("ALTER EXTENSION pg_herald UPDATE;")));
}
