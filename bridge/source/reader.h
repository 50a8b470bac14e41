/*-------------------------------------------------------------------------
 *
 * reader.h
 *	  Reads the log from its position, in order, and hands on what it finds.
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

/* What the reader tells. */
typedef struct ReaderEvents
{
	void (*event)(Event *event);		   /* each event of the log, in order; the reader is still before it */
	void (*signal)(Event *event);		   /* an ephemeral event: it is in no order, and not read again */
	void (*reached)(const char *position); /* between two windows; everything up to the position has been told */
	void (*resync)(const char *reason);	   /* the position is lost: events may be missing from here back */
} ReaderEvents;

/* Begins to read from the present on, and never stops.  There is one in a process. */
extern void reader_start(const Config *config, const ReaderEvents *events);
extern void reader_stop(void);

/* Looks at the log now, or again when what it is reading has been read. */
extern void reader_look(void);

/*
 * The number of the window that was begun last.  A window that begins after
 * something was committed has it.  reached() tells that it has been read.
 */
extern uint64_t reader_window(void);

/* After everything that it has handed on; NULL: nowhere at the moment. */
extern const char *reader_position(void);

/*
 * How it stands, in words, which the caller frees.  Not ready: the database is not
 * there, the doorbell not heard, or the reader further behind than ready-lag.
 */
extern char *reader_state(bool *ready);

#endif /* HERALD_READER_H */
