/*-------------------------------------------------------------------------
 *
 * namespace.h
 *	  A namespace of Socket.IO as a dialect has it: its events, actions and answers.
 *
 * What it gives and takes is told by the JSON of the dialect's file, which has
 * been checked (dialect.h).  docs/protocol.md describes it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NAMESPACE_H
#define HERALD_NAMESPACE_H

#include <jansson.h>
#include <stdbool.h>

#include "fanout/event.h"

/* Name and JSON are those of its dialect, which frees it. */
typedef struct Namespace
{
	Format format; /* first: a format of ours is a namespace */
	const json_t *events;
	const json_t *actions;
	const json_t *batches; /* into which events are conflated; NULL: none */
	const json_t *failed;  /* the event for a failed action without an ack; NULL: none */
	struct Namespace *next;
} Namespace;

extern Namespace *namespace_new(int slot, const char *name, const json_t *description);

/* What a client asks for, in canonical words. */
typedef struct ActionRequest
{
	const char *action; /* lives as long as the name that the client gave */
	json_t *data;		/* a reference, or NULL */
} ActionRequest;

/* Translates an event of a client with its arguments, an array.  False: the dialect has no such action. */
extern bool namespace_request(const Format *format, const char *name, json_t *arguments, ActionRequest *request);

/*
 * The answer to it as the client expects it: the arguments of an ack, or an
 * event.  "body" is that of ActionAnswer.  The caller frees them; NULL: failures are not told.
 */
extern char *namespace_ack(const Format *format, const char *name, const char *body);
extern char *namespace_failure(const Format *format, const char *body);

#endif /* HERALD_NAMESPACE_H */
