/*-------------------------------------------------------------------------
 *
 * histogram.h
 *	  Histograms of times for /metrics, one for each value of a label.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HISTOGRAM_H
#define HERALD_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_BOUNDS 14

/* A family has so many histograms at most, and one of all further values. */
#define HISTOGRAM_VALUES 100

/* Zeroed, it is empty. */
typedef struct Histogram
{
	int64_t counts[HISTOGRAM_BOUNDS + 1]; /* by the lowest bound that is not exceeded; the last has all others */
	double sum;							  /* in seconds */
} Histogram;

typedef struct HistogramOfValue
{
	char *value;
	Histogram times;
} HistogramOfValue;

/* Histograms of one name. */
typedef struct HistogramFamily
{
	const char *name;
	const char *help;
	const char *label; /* NULL: the family has one histogram, "others" */
	int count;
	HistogramOfValue values[HISTOGRAM_VALUES];
	Histogram others;
} HistogramFamily;

/*
 * Returns the histogram of a value, which lives as long as the family; that of the others for
 *	 a value that the family does not have, unless it "adds" one and is not full;
 *	 NULL, and texts with characters other than ASCII letters, digits, '_', ':', '.', '-' and blanks: they could break
 *	 the format, or the page that shows it.
 */
extern Histogram *histogram_of(HistogramFamily *family, const char *value, bool adds);

extern void histogram_observe(Histogram *histogram, double seconds);

/* Writes the family in the text format of Prometheus; a family with a label only has histograms that are in use. */
extern void histogram_write(const HistogramFamily *family, FILE *out);

#endif /* HERALD_HISTOGRAM_H */
