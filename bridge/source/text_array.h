/*-------------------------------------------------------------------------
 *
 * text_array.h
 *	  Writes texts as an array of PostgreSQL.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TEXT_ARRAY_H
#define HERALD_TEXT_ARRAY_H

/* Returns the texts in the input form of text[]; NULL becomes null.  The caller frees it. */
extern char *text_array_write(const char *const *texts, int count);

#endif /* HERALD_TEXT_ARRAY_H */
