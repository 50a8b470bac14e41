/* journal.h: the numbered events that each client has received, and when. One series at a time. */

#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* The part of a journal that belongs to one client. */
typedef struct Page
{
	unsigned char *seen; /* a bit for each event of the series */
	int last;
} Page;

typedef struct Series
{
	int first, count;
	const char *key; /* of the number, with quotes */
	size_t filler;	 /* length of the text "x" beside the number; 0: is not checked */
} Series;

typedef struct Faults
{
	long missing, doubled, disordered, corrupt, foreign;
} Faults;

/* The times of an event in seconds; 0: has not happened. */
typedef struct Times
{
	double called, committed, first_received, last_received;
} Times;

/* Returns the seconds of the monotonic clock. */
double now(void);

/* Begins a series that each of the pages expects. Copies nothing: the key must stay. */
void journal_begin(const Series *series, Page **pages, int page_count);

/* Frees the series. Events that arrive later are foreign to the next one. */
void journal_end(void);

/* Takes an event. Ignores a text without the key and a number. */
void journal_receive(Page *page, const char *text, size_t length);

/* Returns the times of an event, for its publisher to fill in. */
Times *journal_times(int number);

/* Tells whether each page has the whole series. */
bool journal_complete(void);

/* Returns the deliveries so far. */
long journal_deliveries(void);

/* Returns the faults of the series; all that has not arrived is missing. */
Faults journal_faults(void);

#endif
