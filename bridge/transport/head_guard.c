/*-------------------------------------------------------------------------
 *
 * head_guard.c
 *	  Sees the heads of requests as they came, before libwebsockets parses them.
 *
 * libwebsockets drops carriage returns, keeps zero bytes, and has no callback for the bytes.  It joins a line with the
 * next one if it has no colon, or if its name is the beginning of a name that libwebsockets knows, such as "X".  It reads them by recv() and SSL_read() of other libraries, so that this program's functions
 * of these names take their place.  Should a build bind them otherwise, no head is ever seen, and each request is
 * refused.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#undef _FORTIFY_SOURCE /* its recv() is inline */

#include "transport/head_guard.h"

#include <assert.h>
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/memory.h"

/* The forms by descriptor; NULL: nobody watches. */
static struct
{
	HeadForm **forms;
	int count;
} head_guard;

void
head_guard_watch(int descriptor, HeadForm *form)
{
	assert(descriptor >= 0 && form != NULL);
	if (descriptor >= head_guard.count)
	{
		int count = descriptor * 2 + 64;

		head_guard.forms = memory_resize(head_guard.forms, (size_t) count * sizeof(HeadForm *));
		for (int i = head_guard.count; i < count; i++)
			head_guard.forms[i] = NULL;
		head_guard.count = count;
	}
	head_guard.forms[descriptor] = form;
}

void
head_guard_forget(int descriptor, const HeadForm *form)
{
	if (descriptor >= 0 && descriptor < head_guard.count && head_guard.forms[descriptor] == form)
		head_guard.forms[descriptor] = NULL;
}

static void
see_bytes(int descriptor, const char *bytes, size_t count)
{
	HeadForm *form = descriptor >= 0 && descriptor < head_guard.count ? head_guard.forms[descriptor] : NULL;

	if (form != NULL)
		head_form_read(form, bytes, count);
}

/* In place of the C library's, for all callers of the program.  Bytes that somebody only looks at come again. */
ssize_t
recv(int descriptor, void *bytes, size_t size, int flags)
{
	ssize_t length = recvfrom(descriptor, bytes, size, flags, NULL, NULL);

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
	int length;

	if (read == NULL)
		*(void **) &read = dlsym(RTLD_NEXT, "SSL_read");
	if (read == NULL)
		abort();
	length = read(connection, bytes, size);
	if (length > 0)
		see_bytes(SSL_get_fd(connection), bytes, (size_t) length);
	return length;
}
