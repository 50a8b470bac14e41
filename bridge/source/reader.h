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

#include "base/config.h"
#include "fanout/event.h"

/* What the reader tells. */
typedef struct ReaderEvents
{
	void (*event)(Event *event);		/* each event, in order */
	void (*at_boundary)(void);			/* everything up to the position has been told */
	void (*resync)(const char *reason); /* the position is lost: events may be missing from here back */
} ReaderEvents;

/* Begins to read from the present on, and never stops.  There is one in a process. */
extern void reader_start(const Config *config, const ReaderEvents *events);
extern void reader_stop(void);

/*
 * The position of the reader, or NULL: it has none yet, or it is between two
 * pages of one window.  Then at_boundary() will come.
 */
extern const char *reader_position(void);

/* Why the database is not there, the doorbell not heard or not everything read; NULL: all is well. */
extern const char *reader_complaint(void);

#endif /* HERALD_READER_H */
