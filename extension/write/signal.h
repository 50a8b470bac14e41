/*-------------------------------------------------------------------------
 *
 * signal.h
 *	  Writes signals, which bridges relay and the event log does not hold.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SIGNAL_H
#define HERALD_SIGNAL_H

/* Bytes of signals in a transaction, and of those that a reader gets of a window. */
#define SIGNALS_LARGEST (4 * 1024 * 1024)

/* Bytes that a signal counts for besides its rooms, name and payload. */
#define SIGNAL_OVERHEAD 100

/* The table is a ring of so many partitions, each for some seconds. */
#define SIGNAL_SLOTS 4
#define SIGNAL_SLOT_SECONDS 10

/* Returns the number of the partition for a signal of this moment. */
extern int signal_slot(void);

/* Registers the callbacks that write the signals of a transaction at its end. */
extern void signal_init(void);

#endif /* HERALD_SIGNAL_H */
