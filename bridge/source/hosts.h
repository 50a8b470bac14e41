/*-------------------------------------------------------------------------
 *
 * hosts.h
 *	  Connects to one of the servers that a connection string names.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HOSTS_H
#define HERALD_HOSTS_H

#include <libpq-fe.h>

/* The remedy for a server that refuses a connection, in --check and in the log. */
#define HOSTS_REFUSED_HINT \
	"Check host, port, dbname, user and password of \"database\", and pg_hba.conf of the server. The user is a login role that" \
	" is a member of herald_bridge: CREATE ROLE name LOGIN IN ROLE herald_bridge;"

/*
 * Both sides notice within 20 seconds that the other has vanished: the bridge by parameters of libpq, the
 * server by the settings that the bridge gives its sessions.
 */
#define HOSTS_KEEPALIVES_IDLE_S "10"
#define HOSTS_KEEPALIVES_INTERVAL_S "5"
#define HOSTS_TCP_USER_TIMEOUT_MS "10000"

/* Returns the number of servers that a connection string names; at least 1. */
extern int hosts_count(const char *conninfo);

/*
 * Begins to connect to the n-th of them, counted from 0, which must be a primary.
 * The application_name ends with "name", unless the string gives another.  Never NULL; the
 * caller finishes the connection.  Its errors are verbose: hosts_error() reads them.
 */
extern PGconn *hosts_connect(const char *conninfo, int which, const char *name);

#define HOSTS_SQLSTATE_SIZE 6

/*
 * Returns a verbose error as it is by default, and its SQLSTATE, which is empty if the error is not one of the server.
 * The caller frees the text.
 */
extern char *hosts_error(const char *verbose, char *sqlstate);

/*
 * Connects to the first of them that is a primary; blocks until that is done or has failed, for each of them
 * ten seconds at most, or connect_timeout of the string.  Never NULL; the caller finishes the connection.
 */
extern PGconn *hosts_connect_and_wait(const char *conninfo);

#endif /* HERALD_HOSTS_H */
