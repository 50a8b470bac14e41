/*-------------------------------------------------------------------------
 *
 * layout.h
 *	  Compares the layout of the installed SQL with the one that the library needs.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LAYOUT_H
#define HERALD_LAYOUT_H

/* Counts changes of the tables and functions that C code uses.  herald_internal.layout() returns the same number. */
#define LAYOUT 1

/* Returns whether the SQL has this layout, or a later one.  After CREATE OR REPLACE FUNCTION, it looks again. */
extern bool layout_fits(void);

/* Raises an error, or a warning, if it has an older one. */
extern void layout_check(int elevel);

#endif /* HERALD_LAYOUT_H */
