/*-------------------------------------------------------------------------
 *
 * json.c
 *	  Small pieces of JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/utf8.h"

char *
json_quoted(const char *text)
{
	json_t *string = json_string(text ? text : "");
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : memory_copy("\"\"");

	json_decref(string);
	return quoted;
}

/* jansson reads a few more levels of arrays and objects. */
#define MAX_LEVELS 2000

/* The shortest integers that 64 bits do not hold have so many digits. */
#define SHORTEST_LARGE_INTEGER 19

/* A text that is written anew, so that jansson can read it. */
typedef struct Rewriting
{
	char *text;
	size_t length;
	size_t outermost; /* where the array or object begins that is nested too deeply */
	int level;
	const char *refusal; /* the reason why parts were replaced; NULL: none were */
} Rewriting;

static void
rewrite_token(Rewriting *rewriting, const char *token, size_t length)
{
	memcpy(rewriting->text + rewriting->length, token, length);
	rewriting->length += length;
}

/* Returns the length of the token at the beginning: a string, the characters of a number, or any other character. */
static size_t
token_length(const char *text, const char *end)
{
	const char *at = text;

	if (*text == '"')
	{
		for (at++; at < end && *at != '"'; at++)
			at += *at == '\\';
		return (size_t) (at < end ? at + 1 - text : end - text);
	}
	while (at < end && *at != '\0' && strchr("0123456789+-.eE", *at) != NULL)
		at++;
	return at > text ? (size_t) (at - text) : 1;
}

static bool
is_large_integer(const char *token, size_t length)
{
	bool negative = *token == '-';

	if (length < SHORTEST_LARGE_INTEGER || strspn(token + negative, "0123456789") + negative != length)
		return false;
	errno = 0;
	(void) strtoll(token, NULL, 10);
	return errno == ERANGE;
}

/* Integers beyond 64 bits become floating-point numbers, as in JavaScript. */
static void
rewrite_number(Rewriting *rewriting, const char *token, size_t length)
{
	if (length >= strlen("1e309") && isinf(strtod(token, NULL)))
	{
		rewriting->refusal = JSON_TOO_LARGE;
		rewrite_token(rewriting, "null", 4);
		return;
	}
	rewrite_token(rewriting, token, length);
	if (is_large_integer(token, length))
		rewrite_token(rewriting, "e0", 2);
}

static void
rewrite_bracket(Rewriting *rewriting, char bracket)
{
	bool opens = bracket == '[' || bracket == '{';

	if (opens && ++rewriting->level == MAX_LEVELS)
		rewriting->outermost = rewriting->length;
	rewrite_token(rewriting, &bracket, 1);
	if (opens || rewriting->level-- != MAX_LEVELS)
		return;
	rewriting->refusal = JSON_TOO_DEEP;
	rewriting->length = rewriting->outermost;
	rewrite_token(rewriting, "0", 1);
}

/* Writes a text anew: a large integer as a floating-point number, and what jansson cannot read as null or 0. */
static Rewriting
rewrite(const char *text, size_t length)
{
	Rewriting rewriting = { .text = memory_new(length + length / SHORTEST_LARGE_INTEGER * 2 + 1) };
	const char *end = text + length;
	size_t step;

	for (const char *at = text; at < end; at += step)
	{
		step = token_length(at, end);
		if (strchr("-0123456789", *at) != NULL && *at != '\0')
			rewrite_number(&rewriting, at, step);
		else if (strchr("[]{}", *at) != NULL && *at != '\0')
			rewrite_bracket(&rewriting, *at);
		else
			rewrite_token(&rewriting, at, step);
	}
	return rewriting;
}

/* Parses a text that ends with a zero byte.  *refusal: the reason why parts of it were replaced; else it is kept. */
static json_t *
load(const char *text, size_t length, size_t flags, const char **refusal, json_error_t *error)
{
	json_t *value = json_loadb(text, length, flags, error);
	enum json_error_code code = value ? json_error_unknown : json_error_code(error);
	Rewriting rewriting;

	if (code != json_error_stack_overflow && code != json_error_numeric_overflow)
		return value;
	rewriting = rewrite(text, length);
	value = json_loadb(rewriting.text, rewriting.length, flags, error);
	if (rewriting.refusal != NULL)
		*refusal = rewriting.refusal;
	free(rewriting.text);
	return value;
}

json_t *
json_read(const char *text)
{
	json_error_t error = { .text = "" };
	const char *refusal = NULL;
	json_t *value = load(text, strlen(text), JSON_ALLOW_NUL, &refusal, &error);

	if (value != NULL && refusal == NULL)
		return value;
	log_warning("json_not_read", "reason", refusal ? refusal : error.text);
	json_decref(value);
	return NULL;
}

/* An escape in JSON has four hexadecimal digits behind a backslash and a "u". */
#define ESCAPE_LENGTH 6

/* Returns the code of the escape at the beginning of a text; -1: there is none. */
static long
escape_code(const char *text, size_t length)
{
	char digits[5] = "";

	if (length < ESCAPE_LENGTH || text[0] != '\\' || text[1] != 'u')
		return -1;
	memcpy(digits, text + 2, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

static bool
is_between(long code, long first, long last)
{
	return code >= first && code <= last;
}

/* Returns the length of what begins with a backslash: an escape, a pair of them, or two characters. */
static size_t
escape_length(const char *text, size_t length)
{
	long code = escape_code(text, length);

	if (code < 0)
		return length < 2 ? length : 2;
	if (is_between(code, 0xD800, 0xDBFF) &&
		is_between(escape_code(text + ESCAPE_LENGTH, length - ESCAPE_LENGTH), 0xDC00, 0xDFFF))
		return (size_t) ESCAPE_LENGTH * 2;
	return ESCAPE_LENGTH;
}

/* Replaces the escapes that PostgreSQL cannot store; returns whether there were none. */
static bool
replace_escapes(char *text, size_t length)
{
	bool storable = true;
	const char *end = text + length;
	size_t step;

	for (char *at = memchr(text, '\\', length); at != NULL; at = memchr(at + step, '\\', (size_t) (end - at) - step))
	{
		long code = escape_code(at, (size_t) (end - at));

		step = escape_length(at, (size_t) (end - at));
		if (step != ESCAPE_LENGTH || (code != 0 && !is_between(code, 0xD800, 0xDFFF)))
			continue;
		memcpy(at + 2, "FFFD", 4);
		storable = false;
	}
	return storable;
}

json_t *
json_from_client(const char *text, size_t length, const char **refusal)
{
	char *copy = memory_copy_bytes(text, length);
	json_error_t error;
	json_t *value;

	*refusal = replace_escapes(copy, length) ? NULL : JSON_NOT_STORABLE;
	value = load(copy, length, 0, refusal, &error);
	free(copy);
	return value;
}

const char *
json_member(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

char *
json_error(const char *code, const char *message)
{
	return json_error_to_retry(code, message, 0);
}

char *
json_error_to_retry(const char *code, const char *message, int64_t wait)
{
	char *clean = message ? utf8_repair(message, strlen(message)) : NULL;
	json_t *error = json_pack("{s:s?, s:s?}", "code", code, "message", clean);
	char *text;

	if (error != NULL && wait > 0)
		json_object_set_new(error, "retryAfter", json_integer(wait));
	text = error ? json_dumps(error, JSON_COMPACT) : memory_copy("null");
	json_decref(error);
	free(clean);
	return text;
}
