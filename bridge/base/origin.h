/*-------------------------------------------------------------------------
 *
 * origin.h
 *	  Checks the web origins of the settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ORIGIN_H
#define HERALD_ORIGIN_H

#include <stdbool.h>

/*
 * Returns whether each of the origins, which blanks separate, is "*" or can be the
 * Origin header of a browser (RFC 6454, section 6.2): any scheme, host and port in lower
 * case, without a default port, a path or a slash at the end; or "null".
 */
extern bool origin_list_is_valid(const char *text);

#endif /* HERALD_ORIGIN_H */
