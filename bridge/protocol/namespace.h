/*-------------------------------------------------------------------------
 *
 * namespace.h
 *	  A Socket.IO namespace of a dialect: translates its events, actions and results.
 *
 * The dialect's file describes the translations as JSON (dialect_file.h has checked it).
 * docs/protocol.md ("Dialects") explains the JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NAMESPACE_H
#define HERALD_NAMESPACE_H

#include <jansson.h>
#include <stdbool.h>

#include "fanout/event.h"

/* The name and the JSON belong to the dialect. */
typedef struct Namespace
{
	Format format; /* first: the format of a session is cast to its namespace */
	const json_t *events;
	const json_t *actions;
	const json_t *batches; /* of conflated events; NULL: none */
	const json_t *failed;  /* the event for a failed action, or a list; NULL: failures are not reported */
	struct Namespace *next;
} Namespace;

/* Returns a new namespace for a slot among an event's frames; the caller frees it with free(). */
extern Namespace *namespace_new(int slot, const char *name, const json_t *description);

/* A client's request in canonical words. */
typedef struct ActionRequest
{
	const char *action; /* valid as long as the client's name of it */
	json_t *data;		/* a reference that the caller releases; or NULL */
	size_t rule;		/* the place of the rule among those of the client's name, for namespace_ack() */
} ActionRequest;

/*
 * Translates an event of a client, with an array of arguments, to an action.  Returns false if
 * the dialect has no such action.
 */
extern bool namespace_request(const Format *format, const char *name, json_t *arguments, ActionRequest *request);

/*
 * Returns the arguments of the ack for an action by a rule of its name; "body" is that of ActionAnswer.
 * The caller frees them.
 */
extern char *namespace_ack(const Format *format, const char *name, size_t rule, const char *body);

/* Returns how many events may report a failed action. */
extern size_t namespace_failure_count(const Format *format);

/*
 * Returns the content of one of the events for a failed action, which the caller frees.  "awaited": the client
 * gets an ack, too.  NULL: the action has not failed, or this event does not report it.
 */
extern char *namespace_failure(const Format *format, size_t which, bool awaited, const char *body);

#endif /* HERALD_NAMESPACE_H */
