/*-------------------------------------------------------------------------
 *
 * reader.h
 *	  Reads the event log in order, from a position, and passes on each event.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_READER_H
#define HERALD_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "fanout/event.h"

/* Callbacks of the reader; all must be set. */
typedef struct ReaderEvents
{
	/* Called for each event of the log, in order; reader_position() is still before the event. */
	void (*event)(Event *event);
	/* Called for each signal, after the events of its window; it does not come again. */
	void (*signal)(Event *event);
	/* Called between two windows: every event up to the position has been passed on. */
	void (*reached)(const char *position);
	/* Called when the position is lost: earlier events may not have been passed on. */
	void (*resync)(const char *reason);
	/* Called before the first window that is read from another start of the server. */
	void (*restarted)(void);
} ReaderEvents;

/* Starts to read from the present, until reader_stop().  There is one reader in a process. */
extern void reader_start(const Config *config, const ReaderEvents *events);
/* Stops, and closes its connections. */
extern void reader_stop(void);

/* Reads the log now, or once more as soon as the present window has been read. */
extern void reader_wake(void);

/*
 * Returns the number of the latest window that has begun.  A window that begins after
 * a commit contains its events.  reached() is called when the window has been read.
 */
extern uint64_t reader_window(void);

/* Returns the position after the latest event that was passed on; NULL while the reader has none. */
extern const char *reader_position(void);

/*
 * Returns the state of the reader as a sentence, which the caller frees.  It is not
 * ready without the database or the doorbell, or when it lags by more than ready-lag.
 */
extern char *reader_state(bool *ready);

#endif /* HERALD_READER_H */
