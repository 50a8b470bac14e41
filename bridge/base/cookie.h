/*-------------------------------------------------------------------------
 *
 * cookie.h
 *	  Reads cookies.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_COOKIE_H
#define HERALD_COOKIE_H

/*
 * Returns the value of a cookie in a Cookie header (RFC 6265, 4.2), without quotes and otherwise as it stands there.
 * The caller frees it.  NULL: there is none, it is empty or not UTF-8.  Of several with that name the first counts.
 */
extern char *cookie_value(const char *header, const char *name);

#endif /* HERALD_COOKIE_H */
