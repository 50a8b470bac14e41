/*-------------------------------------------------------------------------
 *
 * head_form.c
 *	  Checks the form of the heads of HTTP requests, byte by byte (RFC 9112, 2.2 and 5).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/head_form.h"

#include <ctype.h>
#include <string.h>

static const char *const head_names[HEAD_NAMES] = {
	[HEAD_CONTENT_LENGTH] = "content-length",
	[HEAD_TRANSFER_ENCODING] = "transfer-encoding",
	[HEAD_HOST] = "host",
	[HEAD_ORIGIN] = "origin",
	[HEAD_CONNECTION] = "connection",
	[HEAD_UPGRADE] = "upgrade",
	[HEAD_EXPECT] = "expect",
};

/* Returns whether a byte may be in the name of a header (RFC 9110, 5.6.2). */
static bool
is_name_byte(char byte)
{
	return byte != '\0' && (isalnum((unsigned char) byte) || strchr("!#$%&'*+-.^_`|~", byte) != NULL) &&
		   (unsigned char) byte < 128;
}

/* Adds a byte to the name; of a longer one than any that is counted, the rest does not matter. */
static HeadPlace
read_name_byte(HeadForm *form, char byte)
{
	if (!is_name_byte(byte))
		return HEAD_MALFORMED;
	if (form->length < sizeof(form->name))
		form->name[form->length++] = (char) tolower((unsigned char) byte);
	return HEAD_NAME;
}

static HeadPlace
end_name(HeadForm *form)
{
	for (int i = 0; i < HEAD_NAMES; i++)
	{
		bool same = strlen(head_names[i]) == form->length && memcmp(head_names[i], form->name, form->length) == 0;

		if (same && form->counts[i] < 255)
			form->counts[i]++;
	}
	form->length = 0;
	return HEAD_VALUE;
}

/* Returns the place behind a byte of the request's line, or of a value. */
static HeadPlace
read_text_byte(HeadPlace place, char byte)
{
	if (byte == '\r')
		return HEAD_LINE_ENDS;
	return byte == '\0' || byte == '\n' ? HEAD_MALFORMED : place;
}

static HeadPlace
read_head_byte(HeadForm *form, char byte)
{
	switch (form->place)
	{
		case HEAD_BEGINS:
			return is_name_byte(byte) ? HEAD_REQUEST_LINE : HEAD_MALFORMED;
		case HEAD_LINE_ENDS:
			return byte == '\n' ? HEAD_NAME_BEGINS : HEAD_MALFORMED;
		case HEAD_NAME_BEGINS:
			return byte == '\r' ? HEAD_ENDS : read_name_byte(form, byte);
		case HEAD_NAME:
			return byte == ':' ? end_name(form) : read_name_byte(form, byte);
		case HEAD_REQUEST_LINE:
		case HEAD_VALUE:
			return read_text_byte(form->place, byte);
		case HEAD_ENDS:
			return byte == '\n' ? HEAD_COMPLETE : HEAD_MALFORMED;
		case HEAD_COMPLETE:
		case HEAD_MALFORMED:
			break;
	}
	return form->place;
}

void
head_form_read(HeadForm *form, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count && form->place < HEAD_COMPLETE; i++)
		form->place = read_head_byte(form, bytes[i]);
}
