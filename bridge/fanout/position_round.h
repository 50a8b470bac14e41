/*-------------------------------------------------------------------------
 *
 * position_round.h
 *	  Notes which clients have been told a position lately.
 *
 * A client learns its position by its events.  For clients that get none, time is divided into rounds.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_POSITION_ROUND_H
#define HERALD_POSITION_ROUND_H

#include <stdbool.h>
#include <stdint.h>

/* The round of a client that came back and was told no position since then. */
#define POSITION_UNTOLD 0

/* Returns the number of the present round. */
extern uint32_t position_round(void);

/* Returns the round in which a session that comes was told a position: a new client is told one by its welcome. */
extern uint32_t position_round_of_arrival(bool returns);

/* Begins the next round. */
extern void position_round_end(void);

#endif /* HERALD_POSITION_ROUND_H */
