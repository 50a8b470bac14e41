/*-------------------------------------------------------------------------
 *
 * test_histogram.c
 *	  Tests the histograms of /metrics (base/histogram.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/histogram.h"

static char *
written(const HistogramFamily *family)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	histogram_write(family, out);
	fclose(out);
	return text;
}

static void
counts_each_time_below_its_bounds(void **state)
{
	static HistogramFamily family = { .name = "herald_test_seconds", .help = "Times." };
	char *text;

	(void) state;
	histogram_observe(&family.others, 0);
	histogram_observe(&family.others, 0.001);
	histogram_observe(&family.others, 0.002);
	histogram_observe(&family.others, 11);
	text = written(&family);
	assert_string_equal(text,
						"# HELP herald_test_seconds Times.\n"
						"# TYPE herald_test_seconds histogram\n"
						"herald_test_seconds_bucket{le=\"0.0005\"} 1\n"
						"herald_test_seconds_bucket{le=\"0.001\"} 2\n"
						"herald_test_seconds_bucket{le=\"0.0025\"} 3\n"
						"herald_test_seconds_bucket{le=\"0.005\"} 3\n"
						"herald_test_seconds_bucket{le=\"0.01\"} 3\n"
						"herald_test_seconds_bucket{le=\"0.025\"} 3\n"
						"herald_test_seconds_bucket{le=\"0.05\"} 3\n"
						"herald_test_seconds_bucket{le=\"0.1\"} 3\n"
						"herald_test_seconds_bucket{le=\"0.25\"} 3\n"
						"herald_test_seconds_bucket{le=\"0.5\"} 3\n"
						"herald_test_seconds_bucket{le=\"1\"} 3\n"
						"herald_test_seconds_bucket{le=\"2.5\"} 3\n"
						"herald_test_seconds_bucket{le=\"5\"} 3\n"
						"herald_test_seconds_bucket{le=\"10\"} 3\n"
						"herald_test_seconds_bucket{le=\"+Inf\"} 4\n"
						"herald_test_seconds_sum 11.003\n"
						"herald_test_seconds_count 4\n");
	free(text);
}

static void
keeps_the_values_of_a_label_apart(void **state)
{
	static HistogramFamily family = { .name = "herald_test_seconds", .help = "Times.", .label = "kind" };
	char *text;

	(void) state;
	histogram_observe(histogram_of(&family, "many rooms", true), 1);
	histogram_observe(histogram_of(&family, "reader", true), 2);
	histogram_observe(histogram_of(&family, "reader", true), 2);
	text = written(&family);
	assert_non_null(strstr(text, "herald_test_seconds_bucket{kind=\"many rooms\",le=\"1\"} 1\n"));
	assert_non_null(strstr(text, "herald_test_seconds_sum{kind=\"many rooms\"} 1\n"));
	assert_non_null(strstr(text, "herald_test_seconds_sum{kind=\"reader\"} 4\n"));
	assert_non_null(strstr(text, "herald_test_seconds_count{kind=\"reader\"} 2\n"));
	assert_null(strstr(text, "kind=\"other\""));
	free(text);
}

static void
bounds_the_number_of_values_and_their_characters(void **state)
{
	static HistogramFamily family = { .name = "herald_test_seconds", .help = "Times.", .label = "kind" };
	static const char *const bad[] = { "", "a\"b", "a\\b", "a\nb", "<b>", "a{b", "\xc3\xa9" };
	char *text;
	char name[16];

	(void) state;
	assert_ptr_equal(histogram_of(&family, NULL, true), &family.others);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_ptr_equal(histogram_of(&family, bad[i], true), &family.others);
	for (int i = 0; i < HISTOGRAM_VALUES + 7; i++)
	{
		snprintf(name, sizeof(name), "value-%d", i);
		histogram_observe(histogram_of(&family, name, true), 1);
	}
	assert_ptr_not_equal(histogram_of(&family, "value-3", true), &family.others);
	text = written(&family);
	assert_non_null(strstr(text, "herald_test_seconds_count{kind=\"other\"} 7\n"));
	free(text);
	for (int i = 0; i < family.count; i++)
		free(family.values[i].value);
}

static void
adds_no_value_unless_it_may(void **state)
{
	static HistogramFamily family = { .name = "herald_test_seconds", .help = "Times.", .label = "kind" };

	(void) state;
	assert_ptr_equal(histogram_of(&family, "invented", false), &family.others);
	assert_int_equal(family.count, 0);
	assert_ptr_not_equal(histogram_of(&family, "known", true), &family.others);
	assert_ptr_equal(histogram_of(&family, "known", false), &family.values[0].times);
	free(family.values[0].value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_each_time_below_its_bounds),
		cmocka_unit_test(keeps_the_values_of_a_label_apart),
		cmocka_unit_test(adds_no_value_unless_it_may),
		cmocka_unit_test(bounds_the_number_of_values_and_their_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
