/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Hides the differences between PostgreSQL 14 and 18.  No other file compares
 *	  versions.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_COMPAT_H
#define HERALD_COMPAT_H

#include "postgres.h"

#include "access/xlog.h"
#include "executor/executor.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#if PG_VERSION_NUM < 150000
#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "replication/walsender.h"
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#define HERALD_SHMEM_REQUEST_IN_INIT 1
/* MaxBackends is not known yet when the library asks for memory. */
#define max_backends() (MaxConnections + autovacuum_max_workers + 1 + max_worker_processes + max_wal_senders)
#define strtou64(text, end, base) pg_strtouint64(text, end, base)
#define flushed_wal() GetFlushRecPtr()
#define current_timeline() ThisTimeLineID
#define analyze_statement(statement, text) parse_analyze(statement, text, NULL, 0, NULL)
#else
#include "access/xlogrecovery.h"
#define max_backends() MaxBackends
#define flushed_wal() GetFlushRecPtr(NULL)
#define analyze_statement(statement, text) parse_analyze_fixedparams(statement, text, NULL, 0, NULL)
#define current_timeline() GetWALInsertionTimeLine()
#endif

#if PG_VERSION_NUM < 160000
#define relation_is_owned_by(relid, role) pg_class_ownercheck(relid, role)
#define database_is_owned_by(database, role) pg_database_ownercheck(database, role)
#define selected_columns(query, rte) ((rte)->selectedCols)
#define check_execute(function, role) pg_proc_aclcheck(function, role, ACL_EXECUTE)
#define check_schema(schema, role) pg_namespace_aclcheck(schema, role, ACL_USAGE)
#define check_tables(query) ((void) ExecCheckRTPerms((query)->rtable, true))
#else
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "parser/parse_relation.h"
#include "varatt.h"
#define selected_columns(query, rte) \
	((rte)->perminfoindex == 0 ? NULL : getRTEPermissionInfo((query)->rteperminfos, rte)->selectedCols)
#define check_execute(function, role) object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE)
#define check_schema(schema, role) object_aclcheck(NamespaceRelationId, schema, role, ACL_USAGE)
#define check_tables(query) ((void) ExecCheckPermissions((query)->rtable, (query)->rteperminfos, true))
#define relation_is_owned_by(relid, role) object_ownercheck(RelationRelationId, relid, role)
#define database_is_owned_by(database, role) object_ownercheck(DatabaseRelationId, database, role)
#endif

#if PG_VERSION_NUM < 160000
#define insert_index_tuples(target, slot, estate, no_error, conflict, arbiters) \
	ExecInsertIndexTuples(target, slot, estate, false, no_error, conflict, arbiters)
#else
#define insert_index_tuples(target, slot, estate, no_error, conflict, arbiters) \
	ExecInsertIndexTuples(target, slot, estate, false, no_error, conflict, arbiters, false)
#endif

/* Returns the place of a relation's file; 0 stands for the database's tablespace. */
#if PG_VERSION_NUM < 160000
#include "storage/relfilenode.h"
typedef RelFileNode RelFileLocator;
#define make_locator(tablespace, file) \
	((RelFileNode){ (tablespace) != 0 ? (tablespace) : MyDatabaseTableSpace, MyDatabaseId, file })
#else
#include "storage/relfilelocator.h"
#define make_locator(tablespace, file) \
	((RelFileLocator){ (tablespace) != 0 ? (tablespace) : MyDatabaseTableSpace, MyDatabaseId, file })
#endif

/* Reads a page of a permanent relation that is not open. */
#include "storage/bufmgr.h"
#if PG_VERSION_NUM < 150000
#define read_closed_page(file, block) ReadBufferWithoutRelcache(file, MAIN_FORKNUM, block, RBM_NORMAL, NULL)
#else
#define read_closed_page(file, block) ReadBufferWithoutRelcache(file, MAIN_FORKNUM, block, RBM_NORMAL, NULL, true)
#endif

#if PG_VERSION_NUM < 170000
#include "storage/backendid.h"
#define INVALID_PROC_NUMBER InvalidBackendId
#endif

/* The wait event of readers.  Before version 17 extensions had only one. */
#include "utils/wait_event.h"
#if PG_VERSION_NUM < 170000
#define reader_wait_event() PG_WAIT_EXTENSION
#else
static inline uint32
reader_wait_event(void)
{
	static uint32 event;

	if (event == 0)
		event = WaitEventExtensionNew("HeraldReader");
	return event;
}
#endif

#if PG_VERSION_NUM < 180000
#define expand_columns(rte, number, names, columns) expandRTE(rte, number, 0, -1, false, names, columns)
#define begin_index_scan(table, index, snapshot, keys) index_beginscan(table, index, snapshot, keys, 0)
#define begin_bitmap_scan(index, snapshot, keys) index_beginscan_bitmap(index, snapshot, keys)
#define has_virtual_columns(shape) false
#define has_released_locks(xid) ConditionalXactLockTableWait(xid)
#define check_index_constraints(target, slot, estate, conflict, arbiters) \
	ExecCheckIndexConstraints(target, slot, estate, conflict, arbiters)
#else
#define expand_columns(rte, number, names, columns) \
	expandRTE(rte, number, 0, VAR_RETURNING_DEFAULT, -1, false, names, columns)
#define begin_index_scan(table, index, snapshot, keys) index_beginscan(table, index, snapshot, NULL, keys, 0)
#define begin_bitmap_scan(index, snapshot, keys) index_beginscan_bitmap(index, snapshot, NULL, keys)
#define has_released_locks(xid) ConditionalXactLockTableWait(xid, false)
#define has_virtual_columns(shape) ((shape)->constr != NULL && (shape)->constr->has_generated_virtual)
#define check_index_constraints(target, slot, estate, conflict, arbiters) \
	ExecCheckIndexConstraints(target, slot, estate, conflict, NULL, arbiters)
#endif

#endif /* HERALD_COMPAT_H */
