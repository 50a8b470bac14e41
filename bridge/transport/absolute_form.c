/*-------------------------------------------------------------------------
 *
 * absolute_form.c
 *	  Rewrites requests that name the whole URL (RFC 9112, 3.2.2: absolute-form).
 *
 * libwebsockets answers them with 403.  Bytes that are no request, and heads that are malformed, are left to it.
 * A frame in one segment with the request for a WebSocket is lost: the answer is 101, and then the connection ends.
 * A request without Host keeps none, and one with several keeps them, so that they are refused as others are.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/absolute_form.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define LONGEST_METHOD 16

static const char methods[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* A part of the bytes. */
typedef struct Span
{
	const char *start;
	size_t length;
} Span;

/* The head that is being written. */
typedef struct Rewriting
{
	char *bytes;
	size_t length;
	bool overflows;
} Rewriting;

static void
append(Rewriting *rewriting, Span span)
{
	rewriting->overflows = rewriting->overflows || span.length > ABSOLUTE_FORM_MAX - rewriting->length;
	if (rewriting->overflows)
		return;
	memcpy(rewriting->bytes + rewriting->length, span.start, span.length);
	rewriting->length += span.length;
}

static void
append_text(Rewriting *rewriting, const char *text)
{
	append(rewriting, (Span){ text, strlen(text) });
}

/* Returns the bytes up to the first of some characters, or to the end. */
static Span
span_until(const char *start, const char *end, const char *characters)
{
	const char *at = start;

	while (at < end && (*at == '\0' || strchr(characters, *at) == NULL))
		at++;
	return (Span){ start, (size_t) (at - start) };
}

/* Says whether the bytes begin with a method and the scheme of a URL; *authority is where the URL goes on. */
static AbsoluteForm
find_authority(const char *bytes, const char *end, const char **authority)
{
	static const char *const schemes[] = { "http://", "https://", "ws://", "wss://" };
	const char *target = bytes;
	size_t left;

	while (target < end && *target != '\0' && strchr(methods, *target) != NULL)
		target++;
	if (target - bytes > LONGEST_METHOD)
		return ABSOLUTE_FORM_NONE;
	if (target == end)
		return ABSOLUTE_FORM_INCOMPLETE;
	if (target == bytes || *target++ != ' ')
		return ABSOLUTE_FORM_NONE;
	left = (size_t) (end - target);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
	{
		size_t length = strlen(schemes[i]);

		if (strncasecmp(target, schemes[i], left < length ? left : length) != 0)
			continue;
		*authority = target + length;
		return left < length ? ABSOLUTE_FORM_INCOMPLETE : ABSOLUTE_FORM_COMPLETE;
	}
	return ABSOLUTE_FORM_NONE;
}

/* Returns the end of the head, behind its empty line; NULL: it is not there yet, or a line does not end as it must. */
static const char *
find_head_end(const char *bytes, const char *end, bool *malformed)
{
	*malformed = false;
	for (const char *at = bytes; (at = memchr(at, '\n', (size_t) (end - at))) != NULL; at++)
	{
		*malformed = at == bytes || at[-1] != '\r';
		if (*malformed)
			return NULL;
		if (at - bytes >= 3 && at[-2] == '\n')
			return at + 1;
	}
	return NULL;
}

/* Returns whether a line is a header of this name, which is in lower case and ends with its colon. */
static bool
is_header(Span line, const char *name)
{
	return line.length >= strlen(name) && strncasecmp(line.start, name, strlen(name)) == 0;
}

/* Writes the header lines, with the URL's host in that of Host. */
static void
append_headers(Rewriting *rewriting, const char *at, const char *end, Span host)
{
	while (at < end)
	{
		Span line = span_until(at, end, "\n");

		line.length++;
		at += line.length;
		if (!is_header(line, "host:"))
		{
			append(rewriting, line);
			continue;
		}
		append_text(rewriting, "Host: ");
		append(rewriting, host);
		append_text(rewriting, "\r\n");
	}
}

/* Returns whether an authority is a host, with or without a port: no user (RFC 9110, 4.2.4), and nothing else. */
static bool
is_host(Span authority)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+;=:[]";

	for (size_t i = 0; i < authority.length; i++)
	{
		if (authority.start[i] == '\0' || strchr(allowed, authority.start[i]) == NULL)
			return false;
	}
	return authority.length > 0;
}

AbsoluteForm
absolute_form_rewrite(const char *bytes, size_t count, size_t *head, char rewritten[ABSOLUTE_FORM_MAX], size_t *length)
{
	const char *end = bytes + count;
	const char *head_end;
	const char *target = NULL;
	bool malformed;
	Rewriting rewriting = { .bytes = rewritten };
	AbsoluteForm form;
	Span host;
	Span rest;

	assert(bytes != NULL && head != NULL && length != NULL);
	form = find_authority(bytes, end, &target);
	if (form != ABSOLUTE_FORM_COMPLETE)
		return form;
	head_end = find_head_end(bytes, end, &malformed);
	if (head_end == NULL)
		return malformed || count >= ABSOLUTE_FORM_MAX ? ABSOLUTE_FORM_NONE : ABSOLUTE_FORM_INCOMPLETE;
	host = span_until(target, head_end, "/?# \r\n");
	rest = span_until(host.start + host.length, head_end, "\n");
	rest.length++;
	append(&rewriting, span_until(bytes, head_end, " "));
	append_text(&rewriting, *rest.start == '/' ? " " : " /");
	append(&rewriting, rest);
	append_headers(&rewriting, rest.start + rest.length, head_end, host);
	if (rewriting.overflows || !is_host(host))
		return ABSOLUTE_FORM_NONE;
	*head = (size_t) (head_end - bytes);
	*length = rewriting.length;
	return ABSOLUTE_FORM_COMPLETE;
}
