/*-------------------------------------------------------------------------
 *
 * client_address.c
 *	  Finds the address of the client that has sent a request.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/client_address.h"

#include <stdlib.h>

#include "base/config.h"
#include "base/memory.h"
#include "transport/client_socket.h"
#include "transport/forwarded.h"

static const char forwarded_name[] = "forwarded:";

/* Returns a copy of all lines of X-Forwarded-For, with commas between them; NULL: there are none. */
static char *
copy_x_forwarded_for(struct lws *wsi)
{
	int length = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR);
	char *value = length > 0 ? memory_new((size_t) length + 1) : NULL;

	if (value != NULL)
		lws_hdr_copy(wsi, value, length + 1, WSI_TOKEN_X_FORWARDED_FOR);
	return value;
}

static char *
copy_forwarded(struct lws *wsi)
{
	int length = lws_hdr_custom_length(wsi, forwarded_name, sizeof(forwarded_name) - 1);
	char *value = length > 0 ? memory_new((size_t) length + 1) : NULL;

	if (value != NULL)
		lws_hdr_custom_copy(wsi, value, length + 1, forwarded_name, sizeof(forwarded_name) - 1);
	return value;
}

NetworkAddress
client_address(struct lws *wsi)
{
	NetworkAddress peer = client_socket_peer(wsi);
	const char *trusted = ((const Config *) lws_context_user(lws_get_context(wsi)))->trusted_proxy;
	char *x_forwarded_for;
	char *forwarded;

	if (!network_list_has(trusted, &peer))
		return peer;
	x_forwarded_for = copy_x_forwarded_for(wsi);
	forwarded = copy_forwarded(wsi);
	peer = forwarded_client(peer, trusted, &(ForwardedHeaders){ x_forwarded_for, forwarded });
	free(x_forwarded_for);
	free(forwarded);
	return peer;
}

void
client_address_write(struct lws *wsi, char text[NETWORK_ADDRESS_TEXT])
{
	NetworkAddress address = client_address(wsi);

	network_address_write(&address, text);
}
