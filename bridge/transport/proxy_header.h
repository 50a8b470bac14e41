/*-------------------------------------------------------------------------
 *
 * proxy_header.h
 *	  Reads the header that a proxy sends in front of a connection (PROXY protocol, versions 1 and 2).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PROXY_HEADER_H
#define HERALD_PROXY_HEADER_H

#include <stddef.h>

#include "base/network_address.h"

/* Bytes of the longest header that is accepted: the addresses, and 4 kB of further fields in version 2. */
#define PROXY_HEADER_MAX 4096

typedef enum ProxyHeaderState
{
	PROXY_HEADER_NONE,		 /* the bytes begin with something else */
	PROXY_HEADER_INCOMPLETE, /* more bytes are needed to tell */
	PROXY_HEADER_MALFORMED,
	PROXY_HEADER_COMPLETE
} ProxyHeaderState;

/*
 * Reads the header at the start of "bytes".  If it is complete, *header is its length in bytes; *client is set
 * if it names the client, and left alone if the proxy connects on its own account (LOCAL, UNKNOWN).
 */
extern ProxyHeaderState proxy_header_read(const unsigned char *bytes, size_t length, size_t *header,
										  NetworkAddress *client);

#endif /* HERALD_PROXY_HEADER_H */
