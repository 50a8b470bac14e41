/*-------------------------------------------------------------------------
 *
 * shared_memory.c
 *	  Reserves the shared memory of the extension when the server starts: the slots
 *	  of workers and of readers, plans, and facts from the catalogs.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "catalog_share.h"
#include "compat.h"
#include "lookup_share.h"
#include "reader_slot.h"
#include "shared_lock.h"
#include "shared_memory.h"
#include "worker_slot.h"

/* The hooks that were set before ours. */
static struct
{
	shmem_startup_hook_type shmem_startup;
#ifndef HERALD_SHMEM_REQUEST_IN_INIT
	shmem_request_hook_type shmem_request;
#endif
} previous_hooks;

static void
request_shared_memory(void)
{
#ifndef HERALD_SHMEM_REQUEST_IN_INIT
	if (previous_hooks.shmem_request)
		previous_hooks.shmem_request();
#endif
	RequestAddinShmemSpace(add_size(add_size(worker_slot_size(), reader_slot_size()),
									add_size(lookup_share_size(), catalog_share_size())));
	shared_lock_request();
}

static void
attach_shared_memory(void)
{
	if (previous_hooks.shmem_startup)
		previous_hooks.shmem_startup();
	shared_lock_attach();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	worker_slot_attach();
	reader_slot_attach();
	lookup_share_attach();
	catalog_share_attach();
	LWLockRelease(AddinShmemInitLock);
}

void
shared_memory_init(void)
{
	Assert(process_shared_preload_libraries_in_progress);
#ifdef HERALD_SHMEM_REQUEST_IN_INIT
	request_shared_memory();
#else
	previous_hooks.shmem_request = shmem_request_hook;
	shmem_request_hook = request_shared_memory;
#endif
	previous_hooks.shmem_startup = shmem_startup_hook;
	shmem_startup_hook = attach_shared_memory;
	catalog_share_init();
}
