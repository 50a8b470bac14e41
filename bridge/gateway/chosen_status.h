/*-------------------------------------------------------------------------
 *
 * chosen_status.h
 *	  Lets a user choose a status often, and tells others seldom.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CHOSEN_STATUS_H
#define HERALD_CHOSEN_STATUS_H

#include <jansson.h>
#include <stdbool.h>

#include "fanout/session.h"

/* Others are told of the choices of a user so often at most. */
#define STATUS_REPEAT_MS 3000

/*
 * Registers the function that does the action presence:set for a session, which may have left.
 * chosen_status_answered() is called then.
 */
extern void chosen_status_on_due(void (*choose)(Session *session, const json_t *payload));

/*
 * Notes an action of a client that is about to be done.  Returns NULL, or the data of its answer if it is put off:
 * then it is done later, unless the user chooses again.  Always NULL for actions other than presence:set.
 */
extern const char *chosen_status_put_off(Session *session, const char *action, const char *payload);

/* Notes an action that was done: others are told. */
extern void chosen_status_told(const Session *session, const char *action);

/* Notes the answer to an action that was due.  "reached": it came from the database. */
extern void chosen_status_answered(const Session *session, const char *action, bool reached);

/* Does all that was put off. */
extern void chosen_status_flush(void);

#endif /* HERALD_CHOSEN_STATUS_H */
