/*-------------------------------------------------------------------------
 *
 * head_guard.c
 *	  Sees the bytes of clients as they came, before libwebsockets parses them.
 *
 * libwebsockets drops carriage returns, keeps zero bytes, and has no callback for the bytes.  It joins a line with the
 * next one if it has no colon, or if its name is the beginning of a name that libwebsockets knows, such as "X".  It
 * reads by recv() and SSL_read() of other libraries: this program's functions of these names take their place.  Should
 * a build bind them otherwise, no head is ever seen, and each request is refused.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#undef _FORTIFY_SOURCE /* its recv() is inline */

#include "transport/head_guard.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/memory.h"

/* By descriptor; NULL: nobody watches. */
static struct
{
	SocketBytes **sockets;
	int count;
} head_guard;

void
head_guard_watch(int descriptor, SocketBytes *bytes)
{
	assert(descriptor >= 0 && bytes != NULL);
	if (descriptor >= head_guard.count)
	{
		int count = descriptor * 2 + 64;

		head_guard.sockets = memory_resize(head_guard.sockets, (size_t) count * sizeof(SocketBytes *));
		for (int i = head_guard.count; i < count; i++)
			head_guard.sockets[i] = NULL;
		head_guard.count = count;
	}
	head_guard.sockets[descriptor] = bytes;
}

static SocketBytes *
watched_socket(int descriptor)
{
	return descriptor >= 0 && descriptor < head_guard.count ? head_guard.sockets[descriptor] : NULL;
}

void
head_guard_forget(int descriptor, const SocketBytes *bytes)
{
	if (watched_socket(descriptor) == bytes && bytes != NULL)
		head_guard.sockets[descriptor] = NULL;
}

/* Returns how many of so many bytes may be read now; 0: the socket fails. */
static size_t
bytes_to_read(int descriptor, size_t size)
{
	const SocketBytes *socket = watched_socket(descriptor);

	if (socket == NULL || socket->allowed == 0)
		return size;
	if (socket->read > socket->allowed)
	{
		errno = ECONNRESET;
		return 0;
	}
	return socket->allowed - socket->read < size ? (size_t) (socket->allowed - socket->read) + 1 : size;
}

static void
see_bytes(int descriptor, const char *bytes, size_t count)
{
	SocketBytes *socket = watched_socket(descriptor);

	if (socket == NULL)
		return;
	socket->read += count;
	head_form_read(&socket->head, bytes, count);
}

/* In place of the C library's, for all callers of the program.  Bytes that somebody only looks at come again. */
ssize_t
recv(int descriptor, void *bytes, size_t size, int flags)
{
	size_t count = bytes_to_read(descriptor, size);
	ssize_t length;

	if (count == 0 && size > 0)
		return -1;
	length = recvfrom(descriptor, bytes, count, flags, NULL, NULL);
	if (length > 0 && (flags & MSG_PEEK) == 0)
		see_bytes(descriptor, bytes, (size_t) length);
	return length;
}

typedef int (*SslRead)(SSL *connection, void *bytes, int size);

/* In place of OpenSSL's, which it calls. */
int
SSL_read(SSL *connection, void *bytes, int size)
{
	static SslRead read;
	size_t count = size > 0 ? bytes_to_read(SSL_get_fd(connection), (size_t) size) : 0;
	int length;

	if (read == NULL)
		*(void **) &read = dlsym(RTLD_NEXT, "SSL_read");
	if (read == NULL)
		abort();
	if (count == 0 && size > 0)
	{
		ERR_raise(ERR_LIB_USER, ERR_R_OPERATION_FAIL); /* without it the connection may seem to wait */
		return -1;
	}
	length = read(connection, bytes, (int) count);
	if (length > 0)
		see_bytes(SSL_get_fd(connection), bytes, (size_t) length);
	return length;
}
