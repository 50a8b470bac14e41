/* loop.c: an epoll loop over clients and standard input. */

#include "loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "client.h"

static int poller;

void
loop_init(void)
{
	poller = epoll_create1(0);
	epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &(struct epoll_event){ .events = EPOLLIN });
}

void
loop_watch(int fd, Client *client, bool connecting)
{
	struct epoll_event event = { .events = EPOLLIN | (connecting ? EPOLLOUT : 0), .data.ptr = client };

	epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

void
loop_only_reads(int fd, Client *client, bool reads)
{
	epoll_ctl(poller, EPOLL_CTL_MOD, fd, &(struct epoll_event){ .events = reads ? EPOLLIN : 0, .data.ptr = client });
}

bool
loop_turn(int milliseconds)
{
	struct epoll_event events[256];
	int count = epoll_wait(poller, events, 256, milliseconds);
	bool command = false;

	for (int i = 0; i < count; i++)
	{
		Client *client = events[i].data.ptr;

		if (client == NULL)
			command = true;
		else if (client->state == CONNECTING)
			client_connected(client);
		else if (client->fd >= 0)
			client_read(client);
	}
	return command;
}
