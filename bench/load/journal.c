/* journal.c: a bit for each client and event, and four times for each event. */

#include "journal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct
{
	Series series;
	Times *times;
	long expected, delivered;
	Faults faults;
} journal;

double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

void
journal_begin(const Series *series, Page **pages, int page_count)
{
	journal.series = *series;
	journal.times = calloc(series->count, sizeof(Times));
	journal.expected = (long) series->count * page_count;
	journal.delivered = 0;
	journal.faults = (Faults){ 0 };
	for (int i = 0; i < page_count; i++)
	{
		pages[i]->seen = calloc(series->count / 8 + 1, 1);
		pages[i]->last = series->first - 1;
	}
}

void
journal_end(void)
{
	free(journal.times);
	journal.times = NULL;
	journal.series.count = 0;
}

/* Returns a pointer behind `"key" : "`, in which blanks and the second quote may be absent; NULL where the key is not in the text. */
static const char *
value_of(const char *text, size_t length, const char *key)
{
	const char *found = memmem(text, length, key, strlen(key));

	if (found == NULL)
		return NULL;
	found += strlen(key);
	while (found < text + length && strchr(" :\"", *found))
		found++;
	return found;
}

/* Tells whether the text "x" has the letter of this number, in full length, and ends there. */
static bool
is_whole(const char *text, size_t length, int number)
{
	size_t filler = journal.series.filler;
	const char *x = value_of(text, length, "\"x\"");

	if (x == NULL || x + filler >= text + length || x[filler] != '"')
		return false;
	for (size_t i = 0; i < filler; i++)
		if (x[i] != 'a' + number % 26)
			return false;
	return true;
}

void
journal_receive(Page *page, const char *text, size_t length)
{
	const char *value = value_of(text, length, journal.series.key ? journal.series.key : "\"n\"");
	int number, index;
	unsigned char bit;
	Times *times;

	if (value == NULL || !isdigit((unsigned char) *value))
		return;
	number = strtol(value, NULL, 10);
	index = number - journal.series.first;
	if (index < 0 || index >= journal.series.count || page->seen == NULL)
	{
		journal.faults.foreign++;
		return;
	}
	bit = 1 << index % 8;
	if (page->seen[index / 8] & bit)
	{
		journal.faults.doubled++;
		return;
	}
	if (journal.series.filler > 0 && !is_whole(text, length, number))
		journal.faults.corrupt++;
	if (number < page->last)
		journal.faults.disordered++;
	page->seen[index / 8] |= bit;
	page->last = number;
	journal.delivered++;
	times = &journal.times[index];
	times->last_received = now();
	if (times->first_received == 0)
		times->first_received = times->last_received;
}

Times *
journal_times(int number)
{
	return &journal.times[number - journal.series.first];
}

bool
journal_complete(void)
{
	return journal.delivered == journal.expected;
}

long
journal_deliveries(void)
{
	return journal.delivered;
}

Faults
journal_faults(void)
{
	journal.faults.missing = journal.expected - journal.delivered;
	return journal.faults;
}
