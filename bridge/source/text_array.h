/*-------------------------------------------------------------------------
 *
 * text_array.h
 *	  Texts as one text array of PostgreSQL.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TEXT_ARRAY_H
#define HERALD_TEXT_ARRAY_H

/* The array as PostgreSQL reads it, NULL being null; the caller frees it. */
extern char *text_array_write(const char *const *texts, int count);

#endif /* HERALD_TEXT_ARRAY_H */
