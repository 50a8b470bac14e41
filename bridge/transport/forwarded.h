/*-------------------------------------------------------------------------
 *
 * forwarded.h
 *	  Finds the address of a client behind proxies, by the headers X-Forwarded-For and Forwarded.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FORWARDED_H
#define HERALD_FORWARDED_H

#include "base/network_address.h"

/* Either header may be NULL: the request does not have it. */
typedef struct ForwardedHeaders
{
	const char *x_forwarded_for; /* it wins: proxies that set it pass on a Forwarded of their client */
	const char *forwarded;		 /* RFC 7239 */
} ForwardedHeaders;

/*
 * Returns the client's address: "peer", unless it is in the list of trusted networks.  Then the
 * last address of the header counts, and so on from right to left: each proxy appends the address that it has seen.
 * An entry that is no address ends the search.
 */
extern NetworkAddress forwarded_client(NetworkAddress peer, const char *trusted, const ForwardedHeaders *headers);

#endif /* HERALD_FORWARDED_H */
