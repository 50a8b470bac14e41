/*-------------------------------------------------------------------------
 *
 * base64url.h
 *	  Decodes the texts of tokens and keys (RFC 7515, appendix C).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_BASE64URL_H
#define HERALD_BASE64URL_H

#include <stddef.h>

/*
 * Returns the bytes of a text, which the caller frees, and their number.  Returns NULL if the text is not the
 * one text that stands for its bytes: padding, other characters and stray bits at the end are refused.
 */
extern unsigned char *base64url_decode(const char *text, size_t length, size_t *size);

#endif /* HERALD_BASE64URL_H */
