/*-------------------------------------------------------------------------
 *
 * durable_lsn.c
 *	  Tells which part of the WAL cannot be lost, and where this server's timeline
 *	  and WAL began.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/timeline.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "fmgr.h"
#include "replication/syncrep.h"
#include "replication/walreceiver.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/lwlock.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "read/durable_lsn.h"

static void
require_primary(void)
{
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("this server is a standby"),
						errhint("Connect to the primary: only it makes positions in the event log.")));
}

/* Returns the WAL position that synchronous standbys have confirmed; 0: commits wait for no standby. */
static XLogRecPtr
confirmed_by_standby(void)
{
	XLogRecPtr end;

	if (!SyncRepRequested() || SyncRepStandbyNames == NULL || SyncRepStandbyNames[0] == '\0')
		return InvalidXLogRecPtr;
	LWLockAcquire(SyncRepLock, LW_SHARED);
	end = WalSndCtl->lsn[SYNC_REP_WAIT_WRITE]; /* the weakest confirmation that a commit can wait for */
	LWLockRelease(SyncRepLock);
	return end;
}

uint64
durable_lsn(void)
{
	XLogRecPtr confirmed;

	require_primary();
	confirmed = confirmed_by_standby();
	return confirmed != InvalidXLogRecPtr ? confirmed : flushed_wal();
}

PG_FUNCTION_INFO_V1(herald_timeline_since);

/*
 * herald_internal.timeline_since() returns when this server switched to its
 * timeline; NULL: the cluster began with it.
 */
Datum
herald_timeline_since(PG_FUNCTION_ARGS)
{
	char path[MAXPGPATH];
	struct stat history;

	require_primary();
	TLHistoryFilePath(path, current_timeline());
	if (stat(path, &history) != 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(time_t_to_timestamptz(history.st_mtim.tv_sec) + history.st_mtim.tv_nsec / 1000);
}

/*
 * Returns the end of the WAL that this server has received of a timeline from its
 * primary; 0: it received another.  Without a recovery target, it has replayed all
 * complete records up to there.  The timeline's history file instead says where the
 * last complete record ends.  A primary that counts a standby's confirmations also
 * counts incomplete records.
 */
static XLogRecPtr
received_until(TimeLineID timeline)
{
	TimeLineID streamed;
	XLogRecPtr end = GetWalRcvFlushRecPtr(NULL, &streamed);

	return streamed == timeline && recoveryTarget == RECOVERY_TARGET_UNSET ? end : InvalidXLogRecPtr;
}

PG_FUNCTION_INFO_V1(herald_timeline_left);

/*
 * herald_internal.timeline_left(timeline) returns the WAL position from which on
 * this server has nothing of a timeline; NULL: it is on the timeline; 0/0: it
 * never was.
 */
Datum
herald_timeline_left(PG_FUNCTION_ARGS)
{
	TimeLineID timeline = (TimeLineID) strtoul(text_to_cstring(PG_GETARG_TEXT_PP(0)), NULL, 16);
	List *history;

	require_primary();
	if (timeline == current_timeline())
		PG_RETURN_NULL();
	history = readTimeLineHistory(current_timeline());
	if (!tliInHistory(timeline, history))
		PG_RETURN_LSN(InvalidXLogRecPtr);
	PG_RETURN_LSN(Max(tliSwitchPoint(timeline, history, NULL), received_until(timeline)));
}

PG_FUNCTION_INFO_V1(herald_wal_begin);

/*
 * herald_internal.wal_begin() returns where the latest checkpoint began.  Soon
 * after a start of the server, that is the end of the WAL that the start found.
 */
Datum
herald_wal_begin(PG_FUNCTION_ARGS)
{
	PG_RETURN_LSN(GetRedoRecPtr());
}
