/*-------------------------------------------------------------------------
 *
 * message.h
 *	  Shortens texts of others for messages in the log.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_MESSAGE_H
#define HERALD_MESSAGE_H

/* Longest text of an error of others in a message, in bytes. */
#define MESSAGE_LONGEST_ERROR 500

/* Longest name in a message, in bytes: a user, a room, an event. */
#define MESSAGE_LONGEST_NAME 100

/*
 * Begins a line of an error's context that is meant for users.  When an error leaves a function of schema herald, this
 * line and those before it stay; other lines are about the extension's own functions, and go.
 */
#define MESSAGE_CONTEXT "pg_herald: "

/*
 * Returns a text on one line, cut to so many bytes.  It belongs to the current memory context.  The text may
 * be chosen by clients, or contain values of the application's rows.
 */
extern char *message_line(const char *text, int limit);

#endif /* HERALD_MESSAGE_H */
