/*-------------------------------------------------------------------------
 *
 * absolute_form.h
 *	  Rewrites requests that name the whole URL (RFC 9112, 3.2.2: absolute-form).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ABSOLUTE_FORM_H
#define HERALD_ABSOLUTE_FORM_H

#include <stddef.h>

/* Bytes of the longest head that is rewritten, before and after. */
#define ABSOLUTE_FORM_MAX 16384

typedef enum AbsoluteForm
{
	ABSOLUTE_FORM_NONE,		  /* the bytes begin with something else, or with a malformed request, or an upgrade */
	ABSOLUTE_FORM_INCOMPLETE, /* more bytes are needed to tell, or to rewrite */
	ABSOLUTE_FORM_COMPLETE
} AbsoluteForm;

/*
 * Rewrites the head of a request at the start of "bytes" whose target is a URL: "GET http://host/path HTTP/1.1" becomes
 * "GET /path HTTP/1.1", and the host replaces that of the header Host.  If it is complete, *head is its length in
 * bytes, and "rewritten" has *length bytes.
 */
extern AbsoluteForm absolute_form_rewrite(const char *bytes, size_t count, size_t *head,
										  char rewritten[ABSOLUTE_FORM_MAX], size_t *length);

#endif /* HERALD_ABSOLUTE_FORM_H */
