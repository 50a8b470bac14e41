/*-------------------------------------------------------------------------
 *
 * histogram.c
 *	  Histograms of times for /metrics, one for each value of a label.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/histogram.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Upper bounds in seconds: a delivery on an idle machine takes about 0.001, a query that has a limit 30 at most. */
static const double bounds[HISTOGRAM_BOUNDS] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
												 0.1, 0.25, 0.5, 1, 2.5, 5, 10 };

static const char value_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:.- ";

Histogram *
histogram_of(HistogramFamily *family, const char *value, bool adds)
{
	assert(family->label != NULL);
	if (value == NULL || value[0] == '\0' || value[strspn(value, value_characters)] != '\0')
		return &family->others;
	for (int i = 0; i < family->count; i++)
	{
		if (strcmp(family->values[i].value, value) == 0)
			return &family->values[i].times;
	}
	if (!adds || family->count == HISTOGRAM_VALUES)
		return &family->others;
	family->values[family->count].value = memory_copy(value);
	return &family->values[family->count++].times;
}

void
histogram_observe(Histogram *histogram, double seconds)
{
	int i = 0;

	while (i < HISTOGRAM_BOUNDS && seconds > bounds[i])
		i++;
	histogram->counts[i]++;
	histogram->sum += seconds;
}

/* Writes one histogram; "label" is its own with a comma, or "". */
static void
write_histogram(const char *name, const char *label, const Histogram *histogram, FILE *out)
{
	int64_t count = 0;
	int length = (int) strcspn(label, ",");

	for (int i = 0; i < HISTOGRAM_BOUNDS; i++)
	{
		count += histogram->counts[i];
		fprintf(out, "%s_bucket{%sle=\"%g\"} %lld\n", name, label, bounds[i], (long long) count);
	}
	count += histogram->counts[HISTOGRAM_BOUNDS];
	fprintf(out, "%s_bucket{%sle=\"+Inf\"} %lld\n", name, label, (long long) count);
	fprintf(out, length > 0 ? "%s_sum{%.*s} %.10g\n" : "%s_sum%.*s %.10g\n", name, length, label, histogram->sum);
	fprintf(out, length > 0 ? "%s_count{%.*s} %lld\n" : "%s_count%.*s %lld\n", name, length, label, (long long) count);
}

static void
write_labelled(const HistogramFamily *family, const char *value, const Histogram *histogram, FILE *out)
{
	char *label = memory_format("%s=\"%s\",", family->label, value);

	write_histogram(family->name, label, histogram, out);
	free(label);
}

static bool
is_used(const Histogram *histogram)
{
	static const Histogram empty;

	return memcmp(histogram->counts, empty.counts, sizeof(empty.counts)) != 0;
}

void
histogram_write(const HistogramFamily *family, FILE *out)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s histogram\n", family->name, family->help, family->name);
	if (family->label == NULL)
		write_histogram(family->name, "", &family->others, out);
	for (int i = 0; i < family->count; i++)
		write_labelled(family, family->values[i].value, &family->values[i].times, out);
	if (family->label != NULL && is_used(&family->others))
		write_labelled(family, "other", &family->others, out);
}
