/*-------------------------------------------------------------------------
 *
 * durable_lsn.c
 *	  How much of the WAL cannot be lost, and where this server's comes from.
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
						errhint("Positions in the event log come from the primary.")));
}

/* What standbys have confirmed that commits wait for; 0: they wait for none. */
static XLogRecPtr
confirmed(void)
{
	XLogRecPtr end;

	if (!SyncRepRequested() || SyncRepStandbyNames == NULL || SyncRepStandbyNames[0] == '\0')
		return InvalidXLogRecPtr;
	LWLockAcquire(SyncRepLock, LW_SHARED);
	end = WalSndCtl->lsn[SYNC_REP_WAIT_WRITE]; /* the weakest that a commit may wait for */
	LWLockRelease(SyncRepLock);
	return end;
}

uint64
durable_lsn(void)
{
	XLogRecPtr by_standby;

	require_primary();
	by_standby = confirmed();
	return by_standby != InvalidXLogRecPtr ? by_standby : flushed_wal();
}

PG_FUNCTION_INFO_V1(herald_timeline_since);

/* herald_internal.timeline_since(): when this server turned to its timeline; NULL: it began with it. */
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
 * Up to where this server has received a timeline from its primary.  All that is
 * complete up to there has been replayed, as long as there was no target; but the
 * history says where the last complete record ends, and a primary that counts
 * what its standby has confirmed counts half records, too.
 */
static XLogRecPtr
received(TimeLineID timeline)
{
	TimeLineID streamed;
	XLogRecPtr end = GetWalRcvFlushRecPtr(NULL, &streamed);

	return streamed == timeline && recoveryTarget == RECOVERY_TARGET_UNSET ? end : InvalidXLogRecPtr;
}

PG_FUNCTION_INFO_V1(herald_timeline_left);

/*
 * herald_internal.timeline_left(timeline): from where on this server has nothing of it;
 * NULL: it is on it; 0/0: it never was.
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
	PG_RETURN_LSN(Max(tliSwitchPoint(timeline, history, NULL), received(timeline)));
}

PG_FUNCTION_INFO_V1(herald_wal_begin);

/*
 * herald_internal.wal_begin(): where the latest checkpoint began; soon after a start that
 * is where the start has found the end of the WAL.
 */
Datum
herald_wal_begin(PG_FUNCTION_ARGS)
{
	PG_RETURN_LSN(GetRedoRecPtr());
}
