/*-------------------------------------------------------------------------
 *
 * session_settings.c
 *	  The settings that the bridge gives its sessions of PostgreSQL.
 *
 * The database or the role may have any settings (ALTER DATABASE, ALTER ROLE): none of
 * them changes what a statement of the bridge means, or the text of a value.  They
 * are set by a query, since a pooler refuses most parameters of the startup packet.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/session_settings.h"

#include "source/hosts.h"

/*
 * The query runs under the settings of the database, so it calls nothing by a bare name and uses no operator.
 * JIT is off because the planner, without statistics, spends a second of compilation on a query of a millisecond.
 * The keepalives let the server notice that a bridge has vanished; otherwise its backends would stay for hours.
 * From a database with the encoding SQL_ASCII the bridge takes all bytes and repairs them (query.c), because the server
 * refuses to send a row as UTF-8 that is not: the reader could not read past it.
 * PostgreSQL 17 brought transaction_timeout, and minor releases of 2024 restrict_nonsystem_relation_kind.
 */
const char session_settings_sql[] =
	"SELECT pg_catalog.set_config('statement_timeout', $1, false),"
	" pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),"
	" pg_catalog.set_config('client_encoding', CASE WHEN pg_catalog.nameeq(pg_catalog.getdatabaseencoding(), 'SQL_ASCII')"
	" THEN 'SQL_ASCII' ELSE 'UTF8' END, false),"
	" pg_catalog.set_config('standard_conforming_strings', 'on', false),"
	" pg_catalog.set_config('array_nulls', 'on', false),"
	" pg_catalog.set_config('quote_all_identifiers', 'off', false),"
	" pg_catalog.set_config('transform_null_equals', 'off', false),"
	" pg_catalog.set_config('row_security', 'on', false),"
	" pg_catalog.set_config('default_transaction_read_only', 'off', false),"
	" pg_catalog.set_config('default_transaction_deferrable', 'off', false),"
	" pg_catalog.set_config('default_transaction_isolation', 'read committed', false),"
	" pg_catalog.set_config('idle_session_timeout', '0', false),"
	" pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false),"
	" pg_catalog.set_config('lock_timeout', '0', false),"
	" CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL"
	" THEN pg_catalog.set_config('transaction_timeout', '0', false) END,"
	" CASE WHEN pg_catalog.current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL"
	" THEN pg_catalog.set_config('restrict_nonsystem_relation_kind', '', false) END,"
	" pg_catalog.set_config('exit_on_error', 'off', false),"
	" pg_catalog.set_config('client_min_messages', 'warning', false),"
	" pg_catalog.set_config('DateStyle', 'ISO, YMD', false),"
	" pg_catalog.set_config('IntervalStyle', 'postgres', false),"
	" pg_catalog.set_config('TimeZone', 'UTC', false),"
	" pg_catalog.set_config('bytea_output', 'hex', false),"
	" pg_catalog.set_config('extra_float_digits', '1', false),"
	" pg_catalog.set_config('jit', 'off', false),"
	" pg_catalog.set_config('tcp_keepalives_idle', '" HOSTS_KEEPALIVES_IDLE_S "', false),"
	" pg_catalog.set_config('tcp_keepalives_interval', '" HOSTS_KEEPALIVES_INTERVAL_S "', false),"
	" pg_catalog.set_config('tcp_user_timeout', '" HOSTS_TCP_USER_TIMEOUT_MS "', false)";
