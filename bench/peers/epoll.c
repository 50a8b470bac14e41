/* epoll.c PORT: the least that a server can do: accepts WebSockets, and sends each line of a publisher to all of them.
 *
 * A connection whose first bytes are "PUB\n" is a publisher. All others are
 * clients, whose request is answered by an upgrade without looking at it. The
 * server builds a frame once, sends it to each client, and keeps nothing: a
 * client that reads too slowly is closed. That makes it a limit, not a product.
 */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define UPGRADED "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
				 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define MAX_CLIENTS 65536

static int poller, clients[MAX_CLIENTS], client_count;
static char lines[1 << 20]; /* of the one publisher, from the start of a line */
static size_t length_of_lines;

static void
drop_client(int index)
{
	close(clients[index]);
	clients[index] = clients[--client_count];
}

static void
send_to_all(const char *text, size_t length)
{
	static char frame[(1 << 16) + 4];
	size_t head = length < 126 ? 2 : 4;

	frame[0] = (char) 0x81;
	if (length < 126)
		frame[1] = (char) length;
	else
	{
		frame[1] = 126;
		frame[2] = (char) (length >> 8);
		frame[3] = (char) length;
	}
	memcpy(frame + head, text, length);
	for (int i = client_count - 1; i >= 0; i--)
		if (send(clients[i], frame, head + length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t) (head + length))
			drop_client(i);
}

static void
take_lines(const char *bytes, size_t length)
{
	char *at = lines, *end;

	memcpy(lines + length_of_lines, bytes, length);
	length_of_lines += length;
	while ((end = memchr(at, '\n', lines + length_of_lines - at)))
	{
		send_to_all(at, end - at);
		at = end + 1;
	}
	length_of_lines -= at - lines;
	memmove(lines, at, length_of_lines);
}

static void
receive(int fd, int *publisher)
{
	char bytes[1 << 16];
	ssize_t length = read(fd, bytes, sizeof(bytes));

	if (length <= 0)
	{
		for (int i = 0; i < client_count; i++)
			if (clients[i] == fd)
			{
				drop_client(i);
				return;
			}
		close(fd);
		if (fd == *publisher)
			*publisher = -1;
	}
	else if (length >= 4 && memcmp(bytes, "PUB\n", 4) == 0)
	{
		*publisher = fd;
		length_of_lines = 0;
		take_lines(bytes + 4, length - 4);
	}
	else if (fd == *publisher)
		take_lines(bytes, length);
	else if (memcmp(bytes, "GET ", 4) == 0)
	{
		clients[client_count++] = fd;
		send(fd, UPGRADED, strlen(UPGRADED), MSG_NOSIGNAL);
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(argc > 1 ? atoi(argv[1]) : 0),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0), publisher = -1;
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(listener, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(listener, 4096) < 0)
	{
		perror("epoll");
		return 1;
	}
	poller = epoll_create1(0);
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN, .data.fd = listener });
	for (;;)
	{
		struct epoll_event events[256];
		int count = epoll_wait(poller, events, 256, -1);

		for (int i = 0; i < count; i++)
		{
			int fd = events[i].data.fd;

			if (fd != listener)
			{
				receive(fd, &publisher);
				continue;
			}
			fd = accept(listener, NULL, NULL);
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
			epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN, .data.fd = fd });
		}
	}
}
