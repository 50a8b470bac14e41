/* client.c: sockets and the bytes that go through them. */

#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"

static char received[1 << 20];

void
client_fail(Client *client, const char *reason)
{
	static int told;

	if (told++ < 5)
		fprintf(stderr, "load: a client of %s failed: %s\n", client->target->protocol->name, reason);
	client_close(client);
	client->state = FAILED;
}

void
client_close(Client *client)
{
	if (client->listener)
		PQfinish(client->listener);
	else if (client->fd >= 0)
		close(client->fd);
	free(client->rest);
	free(client->to_post);
	client->listener = NULL;
	client->rest = client->to_post = NULL;
	client->rest_length = 0;
	client->poll_id[0] = '\0';
	client->fd = -1;
	client->state = CLOSED;
}

/* Connects to the database and listens. The load has few clients of this kind, so it waits. */
static void
listen_by_libpq(Client *client)
{
	client->listener = PQconnectdb(client->target->conninfo);
	PQclear(PQexec(client->listener, "LISTEN bench"));
	client->fd = PQsocket(client->listener);
	if (PQstatus(client->listener) != CONNECTION_OK)
		client_fail(client, PQerrorMessage(client->listener));
	else
	{
		loop_watch(client->fd, client, false);
		client_ready(client);
	}
}

void
client_connect(Client *client, const Target *target)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(target->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	client->target = target;
	client->recovered = false;
	client->state = CONNECTING;
	if (target->conninfo)
	{
		listen_by_libpq(client);
		return;
	}
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (target->buffer > 0)
		setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &target->buffer, sizeof(int));
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (connect(client->fd, (struct sockaddr *) &address, sizeof(address)) < 0 && errno != EINPROGRESS)
		client_fail(client, strerror(errno));
	else
		loop_watch(client->fd, client, true);
}

void
client_connected(Client *client)
{
	int error = 0;

	getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof(error) });
	if (error)
	{
		client_fail(client, strerror(error));
		return;
	}
	loop_only_reads(client->fd, client, true);
	client->state = client->target->protocol->has_head ? GREETING : OPENING;
	client->target->protocol->begin(client);
}

void
client_send(Client *client, const char *bytes, size_t length)
{
	if (send(client->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t) length)
		client_fail(client, "it cannot send");
}

void
client_room(const Client *client, char *text, size_t size, const char *format)
{
	const Target *target = client->target;
	char room[128];

	if (target->rooms > 0)
		snprintf(room, sizeof(room), "%s%d", target->room, (client->number - 1) % target->rooms + 1);
	else
		snprintf(room, sizeof(room), "%s", target->room);
	snprintf(text, size, format, room);
}

void
client_send_text(Client *client, const char *text)
{
	size_t length = strlen(text);
	char *frame = malloc(length + 8);
	size_t head = 2;

	frame[0] = (char) 0x81;
	if (length < 126)
		frame[1] = (char) (0x80 | length);
	else
	{
		frame[1] = (char) 0xfe;
		frame[2] = (char) (length >> 8);
		frame[3] = (char) length;
		head = 4;
	}
	memset(frame + head, 0, 4); /* a mask of zeros */
	memcpy(frame + head + 4, text, length);
	client_send(client, frame, head + 4 + length);
	free(frame);
}

void
client_ready(Client *client)
{
	if (client->state != FAILED)
		client->state = READY;
}

/* Takes the head of the first HTTP response off the front. Returns its length, 0 while it is incomplete. */
static size_t
take_head(Client *client, const char *bytes, size_t length)
{
	const char *end = memmem(bytes, length, "\r\n\r\n", 4);

	if (end == NULL)
		return 0;
	if (memcmp(bytes, "HTTP/1.1 101", 12) != 0 && memcmp(bytes, "HTTP/1.1 200", 12) != 0)
	{
		client_fail(client, "the server refuses the request");
		return length;
	}
	client->state = OPENING;
	client->target->protocol->open(client);
	return end + 4 - bytes;
}

/* Takes whole messages off the front. Returns the bytes used up. */
static size_t
take(Client *client, const char *bytes, size_t length)
{
	size_t used = client->state == GREETING ? take_head(client, bytes, length) : 0;

	if (client->state > GREETING && client->state != FAILED && used < length)
		used += client->target->protocol->take(client, bytes + used, length - used);
	return used;
}

/* Takes as much as possible of the rest and the new bytes, and keeps the new rest. */
static void
take_all(Client *client, size_t length)
{
	char *joined = NULL;
	const char *bytes = received;
	size_t used;

	if (client->rest_length > 0)
	{
		joined = malloc(client->rest_length + length);
		memcpy(joined, client->rest, client->rest_length);
		memcpy(joined + client->rest_length, received, length);
		length += client->rest_length;
		bytes = joined;
	}
	used = take(client, bytes, length);
	free(client->rest);
	client->rest = NULL;
	client->rest_length = 0;
	if (client->fd >= 0 && used < length)
	{
		client->rest_length = length - used;
		client->rest = malloc(client->rest_length);
		memcpy(client->rest, bytes + used, client->rest_length);
	}
	free(joined);
}

static void
read_notifications(Client *client)
{
	PGnotify *notification;

	if (!PQconsumeInput(client->listener))
		client_fail(client, PQerrorMessage(client->listener));
	while (client->listener && (notification = PQnotifies(client->listener)))
	{
		journal_receive(&client->page, notification->extra, strlen(notification->extra));
		PQfreemem(notification);
	}
}

void
client_read(Client *client)
{
	ssize_t length;

	if (client->listener)
	{
		read_notifications(client);
		return;
	}
	length = recv(client->fd, received, sizeof(received), 0);
	if (length > 0)
		take_all(client, length);
	else if (length == 0 || (errno != EAGAIN && errno != EINTR))
		client_fail(client, length == 0 ? "the server has closed the connection" : strerror(errno));
}

void
copy_field(char *target, size_t size, const char *text, size_t length, const char *key)
{
	const char *found = memmem(text, length, key, strlen(key));
	const char *end;

	if (found == NULL)
		return;
	found += strlen(key);
	end = memchr(found, '"', text + length - found);
	if (end && (size_t) (end - found) < size)
	{
		memcpy(target, found, end - found);
		target[end - found] = '\0';
	}
}
