/*-------------------------------------------------------------------------
 *
 * access.c
 *	  The database's answer that a session may be in a room that it has joined.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/access.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

Access *
access_new(Snapshot *checked, Snapshot *since, uint64_t window)
{
	Access *access = memory_new(sizeof(Access));

	assert(checked != NULL);
	*access = (Access){ snapshot_ref(checked), since, window, false };
	return access;
}

void
access_free(Access *access)
{
	if (access == NULL)
		return;
	snapshot_unref(access->checked);
	snapshot_unref(access->since);
	free(access);
}

void
access_renew(Access *access, Snapshot *checked, uint64_t window)
{
	snapshot_ref(checked);
	snapshot_unref(access->checked);
	access->checked = checked;
	access->window = window;
	access->being_checked = false;
}

void
access_forget(Access *access)
{
	snapshot_unref(access->checked);
	snapshot_unref(access->since);
	access->checked = access->since = NULL;
}

void
access_settle(Access *access, uint64_t window)
{
	if (access->window <= window)
		access_forget(access);
}

bool
access_has_considered(const Access *access, uint64_t xid)
{
	return access->checked != NULL && snapshot_sees(access->checked, xid);
}

bool
access_withholds(const Access *access, const Event *event)
{
	return access->since != NULL && snapshot_sees(access->since, event->xid);
}
