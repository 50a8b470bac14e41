/*-------------------------------------------------------------------------
 *
 * head_form.h
 *	  Checks the form of the heads of HTTP requests, byte by byte (RFC 9112, 2.2 and 5).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HEAD_FORM_H
#define HERALD_HEAD_FORM_H

#include <stdbool.h>
#include <stddef.h>

/* The place in a head behind its latest byte. */
typedef enum HeadPlace
{
	HEAD_BEGINS, /* there is no byte yet */
	HEAD_REQUEST_LINE,
	HEAD_LINE_ENDS,	  /* a line feed is due */
	HEAD_NAME_BEGINS, /* or the empty line */
	HEAD_NAME,
	HEAD_VALUE,
	HEAD_ENDS,	   /* the line feed of the empty line is due */
	HEAD_COMPLETE, /* bytes behind it do not count */
	HEAD_MALFORMED
} HeadPlace;

/* The headers that are counted. */
typedef enum HeadName
{
	HEAD_CONTENT_LENGTH,
	HEAD_TRANSFER_ENCODING,
	HEAD_HOST,
	HEAD_ORIGIN,
	HEAD_CONNECTION,
	HEAD_UPGRADE,
	HEAD_EXPECT,
	HEAD_NAMES
} HeadName;

/* The head of a request as far as it has come; zeroed: there is no byte yet. */
typedef struct HeadForm
{
	HeadPlace place;
	char name[20]; /* the beginning of the latest one, in lower case */
	unsigned char length;
	unsigned char counts[HEAD_NAMES]; /* 255: or more */
} HeadForm;

/*
 * Reads some more bytes.  Malformed is a head with a zero byte, with a carriage return or a line feed alone, or with a
 * line that does not begin with the name of a header and its colon, such as a folded one.
 */
extern void head_form_read(HeadForm *form, const char *bytes, size_t count);

#endif /* HERALD_HEAD_FORM_H */
