/*-------------------------------------------------------------------------
 *
 * presence_report.h
 *	  Tells the database who is here, and that this bridge lives.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PRESENCE_REPORT_H
#define HERALD_PRESENCE_REPORT_H

#include "base/config.h"

extern void presence_report_start(const Config *config);

/* The bridge is about to end: makes the lease as short as users need to come back elsewhere, and renews it no more. */
extern void presence_report_give_up(void);

extern void presence_report_stop(void);

#endif /* HERALD_PRESENCE_REPORT_H */
