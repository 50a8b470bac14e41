/*-------------------------------------------------------------------------
 *
 * rate.c
 *	  Limits how often something happens: token buckets in a table of fixed size.
 *
 * The table is an array of rows.  A key may be in one row only, which is searched.  Keys are
 * hashes by a random seed, so that no client can choose names that share a row or a bucket.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/rate.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define ROW_SIZE 8
#define ROWS (RATE_TABLE_SIZE / ROW_SIZE)

typedef struct Bucket
{
	uint64_t key;
	double full_at; /* milliseconds; from then on the place is free */
} Bucket;

static Bucket rate_table[ROWS][ROW_SIZE];

bool
rate_read(const char *text, Rate *rate)
{
	static const struct
	{
		const char *text;
		double seconds;
	} units[] = { { "/s:", 1 }, { "/min:", 60 }, { "/h:", 3600 } };
	char *end;
	double tokens = strtod(text, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
	{
		size_t length = strlen(units[i].text);
		char *burst_end;
		double burst;

		if (strncmp(end, units[i].text, length) != 0)
			continue;
		burst = strtod(end + length, &burst_end);
		if (rate != NULL)
			*rate = (Rate){ tokens / units[i].seconds, burst };
		return tokens > 0 && tokens < 1e9 && burst >= 1 && burst < 1e9 && *burst_end == '\0';
	}
	return false;
}

static uint64_t
rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

/* Two random words, drawn once. */
static const uint64_t *
rate_seed(void)
{
	static uint64_t seed[2];
	char digits[33] = "";

	if (seed[0] != 0)
		return seed;
	random_digits(digits, 32);
	seed[1] = strtoull(digits + 16, NULL, 16);
	digits[16] = '\0';
	seed[0] = strtoull(digits, NULL, 16) | 1;
	return seed;
}

/* SipHash-2-4 of the name; the kind is a word in front of it. */
uint64_t
rate_key(int kind, const char *name)
{
	const uint64_t *seed = rate_seed();
	size_t length = strlen(name);
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d, seed[0] ^ 0x6c7967656e657261,
					  seed[1] ^ 0x7465646279746573 };
	uint64_t last = (uint64_t) length << 56;
	size_t at = 0;

	sip_word(v, (uint64_t) kind);
	for (; length - at >= 8; at += 8)
	{
		uint64_t word;

		memcpy(&word, name + at, 8);
		sip_word(v, word);
	}
	for (size_t i = at; i < length; i++)
		last |= (uint64_t) (unsigned char) name[i] << 8 * (i - at);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static Bucket *
rate_row(uint64_t key)
{
	return rate_table[key % ROWS];
}

/* Returns the bucket; NULL: it is full. */
static Bucket *
find_bucket(uint64_t key, int64_t now)
{
	Bucket *row = rate_row(key);

	for (int i = 0; i < ROW_SIZE; i++)
	{
		if (row[i].key == key && row[i].full_at > (double) now)
			return &row[i];
	}
	return NULL;
}

/* Returns the place for a bucket: its own, or that of the one in its row which is full first. */
static Bucket *
bucket_place(uint64_t key, int64_t now)
{
	Bucket *place = find_bucket(key, now);
	Bucket *row = rate_row(key);

	if (place != NULL)
		return place;
	place = row;
	for (int i = 1; i < ROW_SIZE; i++)
	{
		if (row[i].full_at < place->full_at)
			place = &row[i];
	}
	*place = (Bucket){ key, (double) now };
	return place;
}

int64_t
rate_wait(uint64_t key, Rate rate, int64_t now)
{
	const Bucket *bucket = find_bucket(key, now);
	double per_token = 1000 / rate.per_second;
	double wait;

	assert(rate.per_second > 0 && rate.burst >= 1);
	if (bucket == NULL)
		return 0;
	wait = bucket->full_at - (double) now - (rate.burst - 1) * per_token;
	return wait > 0 ? (int64_t) wait + 1 : 0;
}

void
rate_take(uint64_t key, Rate rate, double tokens, int64_t now)
{
	assert(rate.per_second > 0 && tokens > 0);
	bucket_place(key, now)->full_at += tokens * 1000 / rate.per_second;
}

void
rate_give(uint64_t key, Rate rate, double tokens, int64_t now)
{
	Bucket *bucket = find_bucket(key, now);

	assert(rate.per_second > 0 && tokens > 0);
	if (bucket != NULL)
		bucket->full_at -= tokens * 1000 / rate.per_second;
}

void
rate_end_wait(uint64_t key, Rate rate, int64_t wait, int64_t now)
{
	Bucket *bucket = find_bucket(key, now);
	double latest = (double) (now + wait) + (rate.burst - 1) * 1000 / rate.per_second;

	assert(rate.per_second > 0 && rate.burst >= 1 && wait >= 0);
	if (bucket != NULL && bucket->full_at > latest)
		bucket->full_at = latest;
}
