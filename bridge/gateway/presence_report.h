/*-------------------------------------------------------------------------
 *
 * presence_report.h
 *	  Reports presence to the database, and that this bridge lives.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PRESENCE_REPORT_H
#define HERALD_PRESENCE_REPORT_H

#include "base/config.h"

/* Connects to the database and begins to report. */
extern void presence_report_start(const Config *config);

/*
 * Shortens the lease to the time that users need to come back on another bridge, and renews it no more: the
 * bridge ends.
 */
extern void presence_report_give_up(void);

extern void presence_report_stop(void);

#endif /* HERALD_PRESENCE_REPORT_H */
