/*-------------------------------------------------------------------------
 *
 * session_settings.h
 *	  The settings that the bridge gives its sessions of PostgreSQL.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SESSION_SETTINGS_H
#define HERALD_SESSION_SETTINGS_H

/*
 * One query that sets all of them, for the life of the session.  Its only parameter is
 * statement_timeout, in milliseconds.  It is the first query of each session: no other
 * may run before it has succeeded.
 */
extern const char session_settings_sql[];

#define SESSION_REFUSED_HINT "The server did not accept the settings of the session, which the bridge needs."

#endif /* HERALD_SESSION_SETTINGS_H */
