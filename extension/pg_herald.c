/*-------------------------------------------------------------------------
 *
 * pg_herald.c
 *	  Loads the library: settings, hooks and callbacks, and workers.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "admin/database_command.h"
#include "launcher.h"
#include "lookup.h"
#include "open_statement.h"
#include "own_relation.h"
#include "read/table_checks.h"
#include "settings.h"
#include "shared_memory.h"
#include "write/doorbell.h"
#include "write/notification_type.h"
#include "write/own_index.h"
#include "write/rule_cache.h"
#include "write/signal.h"
#include "write/user_block.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	herald_settings_define();
	open_statement_init();
	doorbell_init();
	signal_init();
	own_relation_init();
	lookup_init();
	own_index_init();
	rule_cache_init();
	notification_type_init();
	table_checks_init();
	user_block_init();
	if (process_shared_preload_libraries_in_progress)
	{
		shared_memory_init();
		database_command_init();
		launcher_register();
	}
}
