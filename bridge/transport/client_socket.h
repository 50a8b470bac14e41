/*-------------------------------------------------------------------------
 *
 * client_socket.h
 *	  Counts the clients' sockets, remembers their origin.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CLIENT_SOCKET_H
#define HERALD_CLIENT_SOCKET_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/network_address.h"
#include "transport/head_form.h"

/*
 * Notes the peer of the socket that libwebsockets is about to get: a client or the last proxy.  "admin" says that it has come
 * in by admin-listen, and "head" has the bytes that libwebsockets gets beside those of the socket.
 */
extern void client_socket_expect(NetworkAddress peer, bool admin, const char *head, size_t length);

/* Adds the socket that libwebsockets has got, which is idle until its first request: a client's may be cut. */
extern void client_socket_opened(struct lws *wsi);

/* Counts a connection without a request for its address. */
extern void client_socket_charge(const NetworkAddress *client);

/* Removes a socket, which counts for its address if it had no request; no effect on one that was not added. */
extern void client_socket_closed(struct lws *wsi);

/* Counts a socket that libwebsockets does not have yet; or, with -1, one that it takes over, or that is closed. */
extern void client_socket_count_pending(int change);

/* Returns the address of the socket's client: the peer, or the address in the header of the PROXY protocol. */
extern NetworkAddress client_socket_peer(struct lws *wsi);

/* Returns whether the socket has come in by admin-listen. */
extern bool client_socket_is_admin(struct lws *wsi);

/*
 * Marks a socket as busy with a request, a stream or a WebSocket.  Returns false if it is being cut: then
 * the caller must close it.
 */
extern bool client_socket_busy(struct lws *wsi);

/* Returns the head of the socket's latest request as it has come. */
extern const HeadForm *client_socket_head(struct lws *wsi);

/* Closes a socket once it has given more than so many bytes from now on; allows so many more; lifts the limit. */
extern void client_socket_allow(struct lws *wsi, uint64_t bytes);
extern void client_socket_allow_more(struct lws *wsi, uint64_t bytes);
extern void client_socket_allow_all(struct lws *wsi);

/* The parts of a request that its response depends on, and that libwebsockets may have freed by then. */
typedef struct RequestTraits
{
	bool closes;   /* the client wants the connection closed after the response */
	bool has_body; /* a part of the body may not have been read yet */
} RequestTraits;

/* Returns the traits of the socket's latest request, which the caller sets. */
extern RequestTraits *client_socket_request(struct lws *wsi);

/* Marks a socket as idle: its request has been answered. */
extern void client_socket_idle(struct lws *wsi);

/* Returns whether there are "limit" sockets or more. */
extern bool client_socket_is_full(long limit);

#endif /* HERALD_CLIENT_SOCKET_H */
