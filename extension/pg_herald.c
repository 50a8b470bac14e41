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

#include "settings.h"
#include "worker.h"
#include "write/doorbell.h"
#include "write/rule_cache.h"
#include "write/signal.h"
#include "write/user_block.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	bool preloading = process_shared_preload_libraries_in_progress;

	herald_settings_define(preloading);
	doorbell_init(preloading);
	signal_init();
	rule_cache_init();
	user_block_init();
	if (preloading)
		worker_register_all();
}
