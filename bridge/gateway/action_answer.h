/*-------------------------------------------------------------------------
 *
 * action_answer.h
 *	  An action that is being done, and its answers; times by name for /metrics.
 *
 * Each answer ends the action: the caller does not touch it afterwards.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ACTION_ANSWER_H
#define HERALD_ACTION_ANSWER_H

#include "fanout/session.h"
#include "gateway/action_queue.h"
#include "source/database.h"

/*
 * Gets the answer to an action: the inside of a JSON object, either
 *	 "ok":true,"data":...			or
 *	 "ok":false,"error":{"code":"...","message":"..."}
 * It is not called when the session has left meanwhile.  "reference" is that of action_create(), which is freed
 * afterwards in either case.
 */
typedef void (*ActionAnswer)(Session *session, const char *reference, const char *body);

typedef struct Action
{
	QueuedAction queued; /* first: it is cast to its action; if it is not queued, its start is NULL */
	Session *session;	 /* a reference */
	char *name;
	char *room;	   /* of room:join and room:leave; else NULL */
	char *payload; /* of all others, JSON */
	bool owed;	   /* not asked for by the client: it is always done */
	const char *sql;
	QueryAnswer on_result;
	uint64_t first_recheck; /* of room:join: number of the next recheck, when the query was sent */
	int attempts;			/* of room:join: queries that were answered too late */
	char *reference;
	ActionAnswer answer;
	double began_at; /* clock_seconds() */
	bool exists;	 /* it has been done: its name is not a client's invention */
} Action;

/* Returns a new action; takes over "reference". */
extern Action *action_create(Session *session, const char *name, char *reference, ActionAnswer answer);

/* Returns the only value of a good result, which belongs to the result; NULL: the query failed. */
extern const char *action_value(const PGresult *result);

/* Notes the processor time of the backend that has given a good result. */
extern void action_note_cpu_time(Action *action, const PGresult *result);

/* "data" is JSON. */
extern void action_answer_data(Action *action, const char *data);

extern void action_answer_error(Action *action, const char *code, const char *message);

/* "wait": after so many milliseconds the client may try again; 0: nothing says when. */
extern void action_answer_refusal(Action *action, const char *code, const char *message, int64_t wait);

/* Answers a name that neither the bridge nor the database knows. */
extern void action_answer_unknown(Action *action);

/* Answers with the error of a query; NULL: the connection was lost. */
extern void action_answer_failure(Action *action, const PGresult *result);

#endif /* HERALD_ACTION_ANSWER_H */
