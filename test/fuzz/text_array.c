/*-------------------------------------------------------------------------
 *
 * text_array.c
 *	  Writes texts as an array of PostgreSQL, and reads them again as array_in() does: none changes, none is added.
 *
 * The input is a text for each line; one that is empty stands for null.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "source/text_array.h"

#define MOST_TEXTS 64

/* Reads an element that is quoted; returns the place behind its closing quote. */
static const char *
read_quoted(const char *at, char *text)
{
	REQUIRE(*at++ == '"');
	for (; *at != '"'; at++)
	{
		at += *at == '\\';
		REQUIRE(*at != '\0');
		*text++ = *at;
	}
	*text = '\0';
	return at + 1;
}

/* Requires that an array consists of these texts and of nothing else. */
static void
compare(const char *array, const char *const *texts, int count)
{
	char *text = malloc(strlen(array) + 1);
	const char *at = array;

	REQUIRE(*at++ == '{');
	for (int i = 0; i < count; i++)
	{
		REQUIRE(i == 0 || *at++ == ',');
		if (texts[i] == NULL)
		{
			REQUIRE(strncmp(at, "NULL", 4) == 0);
			at += 4;
			continue;
		}
		at = read_quoted(at, text);
		REQUIRE(strcmp(text, texts[i]) == 0);
	}
	REQUIRE(strcmp(at, "}") == 0);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_text(bytes, length);
	char *rest = text;
	char *texts[MOST_TEXTS];
	char *array;
	int count = 0;

	while (rest != NULL && count < MOST_TEXTS)
	{
		const char *line = strsep(&rest, "\n");

		texts[count++] = line[0] != '\0' ? memory_copy(line) : NULL;
	}
	array = text_array_write((const char *const *) texts, count);
	compare(array, (const char *const *) texts, count);
	free(array);
	for (int i = 0; i < count; i++)
		free(texts[i]);
	free(text);
	return 0;
}
