/*-------------------------------------------------------------------------
 *
 * client_address.h
 *	  Finds the address of the client that has sent a request.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CLIENT_ADDRESS_H
#define HERALD_CLIENT_ADDRESS_H

#include <libwebsockets.h>

#include "base/network_address.h"

/*
 * Returns the address of a request's client.  If the socket comes from a trusted proxy, it is the one that
 * the proxy names in X-Forwarded-For or Forwarded.  Call it while libwebsockets has the headers.
 */
extern NetworkAddress client_address(struct lws *wsi);

/* Writes the same address as text. */
extern void client_address_write(struct lws *wsi, char text[NETWORK_ADDRESS_TEXT]);

#endif /* HERALD_CLIENT_ADDRESS_H */
