/*-------------------------------------------------------------------------
 *
 * gateway.h
 *	  Admits clients to the bridge, and starts and stops its middle layers.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_GATEWAY_H
#define HERALD_GATEWAY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/config.h"
#include "fanout/session.h"
#include "gateway/auth.h"

/* The calls by which the gateway answers a protocol whether it admits a client. */
typedef struct AdmissionOps
{
	/* The client has a session, with the reference that the protocol gives up by gateway_end(). */
	void (*admitted)(Session *session);
	/* The client has none; the strings of the reason are valid during the call. */
	void (*refused)(void *protocol, const Refusal *refusal);
} AdmissionOps;

/* The request of a client to be admitted, as its protocol read it. */
typedef struct Admission
{
	const char *token;
	const char *cookie;	  /* of the application's session, which counts if there is no token; or NULL */
	const char *key;	  /* of the session that comes back; NULL: a new one */
	const char *position; /* after the client's last event; NULL: the client is new */
	const json_t *rooms;  /* names of the rooms that the client asks for as it comes; or NULL */
	ClientAddress from;
	const Format *format;
	const AdmissionOps *answer;
	const SessionOps *ops;
	Outbox *outbox;
	void *protocol; /* for the session; belongs to the caller */
} Admission;

/* A client that waits for the application's word about its cookie. */
typedef struct PendingAdmission PendingAdmission;

/* Connects to the database and begins to relay events. */
extern void gateway_start(const Config *config);
extern void gateway_stop(void);

/* Announces to the database that the bridge is about to end: its users are expected elsewhere. */
extern void gateway_leave(void);

/*
 * Admits a client if its token or its cookie is good.  The session is welcomed when its rooms are known and, if it
 * comes back, its missed events can be replayed.  Answers at once, and then returns NULL, or later; the protocol
 * gives up an admission that has no answer yet when its client is gone.
 */
extern PendingAdmission *gateway_admit(const Admission *admission);
extern void gateway_give_up(PendingAdmission *pending);

/*
 * Replaces the token of a session by a fresh one of the same user.  Returns false if the token is refused; then
 * *refusal has the reason, and the session keeps its token.
 */
extern bool gateway_renew(Session *session, const char *token, ClientAddress from, Refusal *refusal);

/* Ends a session for this reason, which the log gets. */
extern void gateway_end(Session *session, const char *reason);

/* Returns whether a client whose session has ended for this reason, a code, must not come back by itself. */
extern bool gateway_ends_for_good(const char *code);

/* Returns the bridge's state in words, which the caller frees; *ready: it can serve clients. */
extern char *gateway_state(bool *ready);

#endif /* HERALD_GATEWAY_H */
