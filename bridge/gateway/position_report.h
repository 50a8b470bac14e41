/*-------------------------------------------------------------------------
 *
 * position_report.h
 *	  Tells clients that get no events how far they have come in the log.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_POSITION_REPORT_H
#define HERALD_POSITION_REPORT_H

/* Tells positions from now on, until it is stopped. */
extern void position_report_start(void);
extern void position_report_stop(void);

#endif /* HERALD_POSITION_REPORT_H */
