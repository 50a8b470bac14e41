/*-------------------------------------------------------------------------
 *
 * origin.h
 *	  Checks web origins and hosts by the settings.
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

/* Returns whether a list of origins has one, or "*". */
extern bool origin_list_has(const char *list, const char *origin);

/* Returns whether each of the texts, which blanks separate, is a host, with or without a port. */
extern bool host_list_is_valid(const char *text);

/*
 * Returns whether a list of hosts has the value of a Host header: in any case, with or
 * without a dot at the end of the name, and with any port if the list names none.
 */
extern bool host_list_has(const char *list, const char *host);

/*
 * Returns whether the value of a Host header is an address or "localhost", with or without a port.  No name server
 * of an attacker answers for these, so a page that has such a host is not the attacker's.
 */
extern bool host_is_fixed(const char *host);

#endif /* HERALD_ORIGIN_H */
