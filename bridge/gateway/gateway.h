/*-------------------------------------------------------------------------
 *
 * gateway.h
 *	  The only way in and out of the bridge for a client.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_GATEWAY_H
#define HERALD_GATEWAY_H

#include <stdbool.h>

#include "base/config.h"
#include "fanout/session.h"
#include "gateway/auth.h"

/* What a protocol knows of a client that asks to come in. */
typedef struct Arrival
{
	const char *token;
	const char *key;	  /* of the session that comes back; NULL: a new one */
	const char *position; /* where that session was; NULL: unknown */
	ClientAddress from;
	const Format *format;
	const SessionOps *ops;
	Outbox *outbox;
	void *protocol;
} Arrival;

/* Connects to the database and begins to relay. */
extern void gateway_start(const Config *config);
extern void gateway_stop(void);

/* The bridge is about to end: its users are expected elsewhere. */
extern void gateway_leave(void);

/*
 * Lets a client in if its token is good: the session is welcomed as soon as its
 * rooms are known and, if it comes back, what it missed can be replayed.  NULL:
 * it is not let in, and *refusal says why.
 */
extern Session *gateway_admit(const Arrival *arrival, Refusal *refusal);

/* A session that was asked to join rooms has its answers: it can be welcomed. */
extern void gateway_arrived(Session *session);

/* A fresh token for a session, of the same user. */
extern bool gateway_renew(Session *session, const char *token, ClientAddress from, Refusal *refusal);

/* Gives an ephemeral event to the live sessions of its rooms, as of where the reader is. */
extern void gateway_relay(Event *event);

/* How the bridge stands, in words, which the caller frees, and whether it is ready to serve. */
extern char *gateway_state(bool *ready);

#endif /* HERALD_GATEWAY_H */
