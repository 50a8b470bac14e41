/*-------------------------------------------------------------------------
 *
 * namespace_session.h
 *	  The session of a Socket.IO connection in one namespace.
 *
 * Each has its own token.  A client recovers its session by connection state recovery: it shows the
 * private id (pid) of the session, and as its offset the position after the last event that it got.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NAMESPACE_SESSION_H
#define HERALD_NAMESPACE_SESSION_H

#include "fanout/session.h"
#include "gateway/gateway.h"
#include "protocol/connection.h"
#include "protocol/packet.h"
#include "protocol/pid.h"

/* Made at the client's first CONNECT to the namespace; belongs to the connection's Socket.IO state. */
typedef struct NamespaceSession
{
	Connection *connection;
	const Format *format;
	Timer *deadline;		   /* of the connection: for its first session */
	Session *session;		   /* NULL: not connected to the namespace */
	PendingAdmission *pending; /* of a CONNECT whose cookie is being checked; or NULL */
	bool dismissed;			   /* by the bridge: the client may have sent packets before it heard of that */
	char *pid;				   /* that the client has shown; NULL: a new session */
	char sid[PID_SID_LENGTH + 1];
	struct NamespaceSession *next;
} NamespaceSession;

/* Returns a new namespace without a session. */
extern NamespaceSession *namespace_session_new(Connection *connection, const Format *format, Timer *deadline);

/* Ends the session, if there is one, and frees the namespace. */
extern void namespace_session_free(NamespaceSession *entry);

/*
 * Admits a session with the data of a CONNECT, or sends the reason why not.  A CONNECT without a token uses the
 * token or the cookie that is given; either may be NULL.
 */
extern void namespace_session_connect(NamespaceSession *entry, const json_t *auth, const char *token,
									  const char *cookie);

/* Ends the session, or gives up its admission, at the client's wish. */
extern void namespace_session_disconnect(NamespaceSession *entry);

/* Does the action of an EVENT.  Returns the reason why it must end the connection; NULL: it need not. */
extern const char *namespace_session_event(NamespaceSession *entry, Packet *packet);

#endif /* HERALD_NAMESPACE_SESSION_H */
