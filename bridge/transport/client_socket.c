/*-------------------------------------------------------------------------
 *
 * client_socket.c
 *	  Counts the clients' sockets, remembers their origin.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/client_socket.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/memory.h"
#include "gateway/limits.h"
#include "transport/head_guard.h"
#include "transport/lws_stream.h"
#include "transport/newcomer.h"

/* A client's socket; the opaque user data of its wsi. */
typedef struct ClientSocket
{
	struct lws *wsi;
	NetworkAddress peer;
	bool admin;
	bool asked;		   /* it has had a request */
	SocketBytes bytes; /* the head is that of the next request, or of the one that is being answered */
	int descriptor;
	RequestTraits request;
	Newcomer newcomer; /* in the list while the socket is idle, unless it is the administrator's */
	bool cut;
} ClientSocket;

static struct
{
	long count;			 /* of all sockets */
	NetworkAddress peer; /* of the socket that is expected */
	bool admin;			 /* of the same */
	HeadForm head;		 /* of its bytes that have been read already */
} client_sockets;

static void
cut_socket(Newcomer *newcomer)
{
	ClientSocket *socket = (ClientSocket *) ((char *) newcomer - offsetof(ClientSocket, newcomer));

	socket->cut = true;
	lws_stream_kill(socket->wsi);
}

static void
mark_idle(ClientSocket *socket)
{
	if (!socket->admin && !socket->cut && socket->newcomer.cut == NULL)
		newcomer_add(&socket->newcomer, cut_socket);
}

static ClientSocket *
client_socket_of(struct lws *wsi)
{
	ClientSocket *socket = lws_get_opaque_user_data(wsi);

	assert(socket != NULL && socket->wsi == wsi);
	return socket;
}

void
client_socket_expect(NetworkAddress peer, bool admin, const char *head, size_t length)
{
	client_sockets.peer = peer;
	client_sockets.admin = admin;
	client_sockets.head = (HeadForm){ 0 };
	head_form_read(&client_sockets.head, head, length);
}

void
client_socket_opened(struct lws *wsi)
{
	ClientSocket *socket = memory_new(sizeof(ClientSocket));

	assert(lws_get_opaque_user_data(wsi) == NULL);
	socket->wsi = wsi;
	socket->peer = client_sockets.peer;
	socket->admin = client_sockets.admin;
	socket->bytes.head = client_sockets.head;
	socket->descriptor = lws_get_socket_fd(wsi);
	head_guard_watch(socket->descriptor, &socket->bytes);
	lws_set_opaque_user_data(wsi, socket);
	mark_idle(socket);
	client_sockets.count++;
}

void
client_socket_charge(const NetworkAddress *client)
{
	char address[NETWORK_ADDRESS_TEXT];

	network_address_write(client, address);
	limits_charge(LIMIT_SOCKETS, &(LimitSubject){ .address = address }, 1);
}

void
client_socket_closed(struct lws *wsi)
{
	ClientSocket *socket = lws_get_opaque_user_data(wsi);

	if (socket == NULL)
		return;
	newcomer_remove(&socket->newcomer);
	head_guard_forget(socket->descriptor, &socket->bytes);
	if (!socket->asked && !socket->admin)
		client_socket_charge(&socket->peer);
	free(socket);
	lws_set_opaque_user_data(wsi, NULL);
	client_sockets.count--;
}

void
client_socket_count_pending(int change)
{
	client_sockets.count += change;
	assert(client_sockets.count >= 0);
}

NetworkAddress
client_socket_peer(struct lws *wsi)
{
	return client_socket_of(wsi)->peer;
}

bool
client_socket_is_admin(struct lws *wsi)
{
	return client_socket_of(wsi)->admin;
}

RequestTraits *
client_socket_request(struct lws *wsi)
{
	return &client_socket_of(wsi)->request;
}

/* libwebsockets forgets to cut a socket if a request arrives at the same moment: then the caller closes it. */
bool
client_socket_busy(struct lws *wsi)
{
	ClientSocket *socket = client_socket_of(wsi);

	newcomer_remove(&socket->newcomer);
	socket->asked = true;
	return !socket->cut;
}

const HeadForm *
client_socket_head(struct lws *wsi)
{
	return &client_socket_of(wsi)->bytes.head;
}

void
client_socket_allow(struct lws *wsi, uint64_t bytes)
{
	SocketBytes *socket = &client_socket_of(wsi)->bytes;

	socket->allowed = socket->read + bytes;
}

void
client_socket_allow_more(struct lws *wsi, uint64_t bytes)
{
	SocketBytes *socket = &client_socket_of(wsi)->bytes;

	if (socket->allowed > 0)
		socket->allowed += bytes;
}

void
client_socket_allow_all(struct lws *wsi)
{
	client_socket_of(wsi)->bytes.allowed = 0;
}

void
client_socket_idle(struct lws *wsi)
{
	ClientSocket *socket = client_socket_of(wsi);

	socket->bytes.head = (HeadForm){ 0 };
	mark_idle(socket);
}

bool
client_socket_is_full(long limit)
{
	return client_sockets.count >= limit;
}
