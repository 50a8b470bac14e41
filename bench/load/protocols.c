/* protocols.c: the protocols that clients of the load speak. */

#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

static bool
contains(const char *text, size_t length, const char *part)
{
	return memmem(text, length, part, strlen(part)) != NULL;
}

static void
begin_websocket(Client *client)
{
	char request[512];
	int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n" UPGRADE "\r\n", client->target->path);

	client_send(client, request, length);
}

/* Answers a ping by its own payload, which has at most 125 bytes. */
static void
pong(Client *client, const unsigned char *payload, size_t size)
{
	char frame[6 + 125] = { (char) 0x8a, (char) (0x80 | size) };

	memcpy(frame + 6, payload, size);
	client_send(client, frame, 6 + size);
}

/* Takes a close frame: a code of two bytes and a reason. */
static void
hear_close(Client *client, const unsigned char *payload, size_t size)
{
	char reason[200];

	snprintf(reason, sizeof(reason), "the server closes the connection: %d %.*s",
			 size < 2 ? 0 : payload[0] << 8 | payload[1], size < 2 ? 0 : (int) size - 2, payload + 2);
	client_fail(client, reason);
}

/* Takes whole frames of a server, which have no mask. */
static size_t
take_frames(Client *client, const char *bytes, size_t length)
{
	const unsigned char *byte = (const unsigned char *) bytes;
	size_t used = 0;

	while (length - used >= 2 && client->fd >= 0)
	{
		const unsigned char *at = byte + used;
		size_t size = at[1] & 127;
		size_t head = size < 126 ? 2 : size == 126 ? 4 :
													 10;

		if (length - used < head)
			break;
		if (size >= 126)
		{
			size = 0;
			for (size_t i = 2; i < head; i++)
				size = size << 8 | at[i];
		}
		if (length - used < head + size)
			break;
		used += head + size;
		if ((at[0] & 15) == 1)
			client->target->protocol->hear(client, (const char *) at + head, size);
		else if ((at[0] & 15) == 9)
			pong(client, at + head, size);
		else if ((at[0] & 15) == 8)
			hear_close(client, at + head, size);
	}
	return used;
}

/* The bridge's own JSON frames. */

static void
open_plain(Client *client)
{
	char text[2048], back[512] = "";

	if (client->session[0])
		snprintf(back, sizeof(back), ",\"sessionId\":\"%s\",\"position\":\"%s\"", client->session, client->position);
	snprintf(text, sizeof(text), "{\"action\":\"auth\",\"data\":{\"token\":\"%s\"%s}}", client->token, back);
	client_send_text(client, text);
}

static void
join_plain(Client *client)
{
	char join[256];

	client_room(client, join, sizeof(join), "{\"id\":1,\"action\":\"room:join\",\"data\":{\"room\":\"%s\"}}");
	client_send_text(client, join);
}

static void
welcome_plain(Client *client, const char *text, size_t length)
{
	bool returns = client->session[0] != '\0';

	client->recovered = contains(text, length, "\"recovered\":true");
	copy_field(client->session, sizeof(client->session), text, length, "\"sessionId\":\"");
	if (client->target->room && !returns)
		join_plain(client);
	else
		client_ready(client);
}

static void
hear_plain(Client *client, const char *text, size_t length)
{
	if (client->state == READY)
		journal_receive(&client->page, text, length);
	else if (contains(text, length, "\"event\":\"welcome\""))
		welcome_plain(client, text, length);
	else if (contains(text, length, "\"event\":\"error\"") || contains(text, length, "\"ok\":false"))
		client_fail(client, text);
	else if (contains(text, length, "\"ok\":true"))
		client_ready(client);
	copy_field(client->position, sizeof(client->position), text, length, "\"position\":\"");
}

/* Socket.IO, by WebSocket and by polling. */

static void
send_packet(Client *client, const char *packet)
{
	if (client->target->protocol->has_head)
		client_send_text(client, packet);
	else
		client->to_post = strdup(packet);
}

static void
join_socketio(Client *client)
{
	char join[256];

	client_room(client, join, sizeof(join), "420[\"room:join\",{\"room\":\"%s\"}]");
	send_packet(client, join);
}

static void
hear_connected(Client *client)
{
	if (client->target->room)
		join_socketio(client);
	else
		client_ready(client);
}

static void
hear_socketio(Client *client, const char *text, size_t length)
{
	char connect[1024];

	if (text[0] == '0')
	{
		snprintf(connect, sizeof(connect), "40{\"token\":\"%s\"}", client->token ? client->token : "");
		copy_field(client->poll_id, sizeof(client->poll_id), text, length, "\"sid\":\"");
		send_packet(client, connect);
	}
	else if (text[0] == '2')
		send_packet(client, "3");
	else if (length >= 2 && memcmp(text, "40", 2) == 0)
		hear_connected(client);
	else if (length >= 2 && memcmp(text, "43", 2) == 0 && contains(text, length, "\"ok\":true"))
		client_ready(client);
	else if (length >= 2 && memcmp(text, "42", 2) == 0)
		journal_receive(&client->page, text, length);
	else if (text[0] == '4')
		client_fail(client, text);
}

static void
poll_again(Client *client)
{
	char request[2048], session[96] = "";
	int length;

	if (client->poll_id[0])
		snprintf(session, sizeof(session), "&sid=%s", client->poll_id);
	if (client->to_post)
		length = snprintf(request, sizeof(request), "POST %s%s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
						  client->target->path, session, strlen(client->to_post), client->to_post);
	else
		length = snprintf(request, sizeof(request), "GET %s%s HTTP/1.1\r\nHost: x\r\n\r\n", client->target->path, session);
	free(client->to_post);
	client->to_post = NULL;
	client_send(client, request, length);
}

/* Hears the packets of a body, which are separated by the character 30. */
static void
hear_body(Client *client, const char *body, size_t length)
{
	const char *end = body + length;

	if (length == 2 && memcmp(body, "ok", 2) == 0)
		return;
	while (body < end && client->fd >= 0)
	{
		const char *separator = memchr(body, 30, end - body);
		size_t size = (separator ? separator : end) - body;

		hear_socketio(client, body, size);
		body += size + 1;
	}
}

static size_t
take_responses(Client *client, const char *bytes, size_t length)
{
	const char *head = memmem(bytes, length, "\r\n\r\n", 4);
	const char *field;
	size_t size, whole;

	if (head == NULL)
		return 0;
	field = memmem(bytes, head - bytes, "ontent-", 7);
	while (field && strncasecmp(field, "ontent-length:", 14) != 0)
		field = memmem(field + 1, head - field - 1, "ontent-", 7);
	size = field ? strtoul(field + 14, NULL, 10) : 0;
	whole = head + 4 - bytes + size;
	if (length < whole)
		return 0;
	if (memcmp(bytes, "HTTP/1.1 200", 12) != 0)
		client_fail(client, "the server refuses a poll");
	else
		hear_body(client, head + 4, size);
	if (client->fd >= 0)
		poll_again(client);
	return whole;
}

/* Server-sent events. */

static void
begin_stream(Client *client)
{
	char request[1024];
	int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", client->target->path, client->token);

	client_send(client, request, length);
}

static void
hear_block(Client *client, const char *text, size_t length)
{
	if (contains(text, length, "event: welcome"))
		client_ready(client);
	else
		journal_receive(&client->page, text, length);
}

static size_t
take_blocks(Client *client, const char *bytes, size_t length)
{
	const char *at = bytes, *end;

	while ((end = memmem(at, bytes + length - at, "\n\n", 2)))
	{
		client->target->protocol->hear(client, at, end - at);
		at = end + 2;
	}
	return at - bytes;
}

/* NATS. */

static void
begin_nats(Client *client)
{
	const char *hello = "CONNECT {\"verbose\":false}\r\nSUB bench 1\r\nPING\r\n";

	client_send(client, hello, strlen(hello));
}

static size_t
take_nats(Client *client, const char *bytes, size_t length)
{
	const char *at = bytes, *end;

	while ((end = memmem(at, bytes + length - at, "\r\n", 2)))
	{
		if (memcmp(at, "MSG ", 4) == 0)
		{
			const char *size_text = memrchr(at, ' ', end - at);
			size_t size = strtoul(size_text, NULL, 10);

			if ((size_t) (bytes + length - end) < size + 4)
				break;
			journal_receive(&client->page, end + 2, size);
			end += 2 + size;
		}
		else if (memcmp(at, "PONG", 4) == 0)
			client_ready(client);
		else if (memcmp(at, "PING", 4) == 0)
			client_send(client, "PONG\r\n", 6);
		at = end + 2;
	}
	return at - bytes;
}

static void
hear_bare(Client *client, const char *text, size_t length)
{
	journal_receive(&client->page, text, length);
}

static void
no_step(Client *client)
{
	(void) client;
}

static const Protocol protocols[] = {
	{ "plain", begin_websocket, open_plain, take_frames, hear_plain, true, join_plain },
	{ "socket.io", begin_websocket, no_step, take_frames, hear_socketio, true, join_socketio },
	{ "polling", poll_again, no_step, take_responses, hear_socketio, false, NULL },
	{ "event stream", begin_stream, no_step, take_blocks, hear_block, true, NULL },
	{ "websocket", begin_websocket, client_ready, take_frames, hear_bare, true, NULL },
	{ "nats", begin_nats, no_step, take_nats, NULL, false, NULL },
	{ "libpq", no_step, no_step, NULL, NULL, false, NULL },
};

const Protocol *
protocol_named(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	return NULL;
}
