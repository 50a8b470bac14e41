/*-------------------------------------------------------------------------
 *
 * rate.h
 *	  Limits how often something happens: token buckets in a table of fixed size.
 *
 * A bucket holds so many tokens at most, and gets new ones at its rate.  The table keeps the
 * time at which a bucket is full again: a bucket that is full needs no place.  When
 * there is no place left, the bucket that is full again first is forgotten.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RATE_H
#define HERALD_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Buckets in the table, of 16 bytes each. */
#define RATE_TABLE_SIZE 65536

typedef struct Rate
{
	double per_second;
	double burst; /* tokens of a full bucket */
} Rate;

/*
 * Reads a rate and the tokens of a full bucket: 20/s:100, 10/min:5, 100/h:10.  Returns false if the text is none.
 * "rate" may be NULL.
 */
extern bool rate_read(const char *text, Rate *rate);

/* Returns the key of the bucket of something with a name, among those of a kind. */
extern uint64_t rate_key(int kind, const char *name);

/* Returns how long the bucket needs to have a token, in milliseconds; 0: it has one.  "now" is in milliseconds, too. */
extern int64_t rate_wait(uint64_t key, Rate rate, int64_t now);

/* Takes tokens out of a bucket, whether it has them or not. */
extern void rate_take(uint64_t key, Rate rate, double tokens, int64_t now);

/* Puts tokens back into a bucket, which holds no more than its burst. */
extern void rate_give(uint64_t key, Rate rate, double tokens, int64_t now);

/* Has the bucket have a token after "wait" milliseconds at the latest: it forgets what was taken beyond. */
extern void rate_end_wait(uint64_t key, Rate rate, int64_t wait, int64_t now);

#endif /* HERALD_RATE_H */
