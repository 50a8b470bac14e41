/*-------------------------------------------------------------------------
 *
 * static_file.h
 *	  Serves files: those of the folder "www", and the client library.
 *
 * All functions that return int return the value for libwebsockets' callback: 0, or -1
 * to close the connection.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_STATIC_FILE_H
#define HERALD_STATIC_FILE_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "base/config.h"
#include "transport/compressed_file.h"

/* A file on its way to a client; part of the per-session data that libwebsockets allocates and frees. */
typedef struct FileTransfer
{
	char *path;					/* NULL: there is none */
	FileVersion version;		/* of the file when its response began */
	CompressedFile *compressed; /* sent instead of the file; or NULL */
	size_t length;				/* of the body, in bytes */
	size_t sent;
} FileTransfer;

/* Returns whether the files that the settings name are there, else false after a message on standard error. */
extern bool static_file_check(const Config *config);

/* Answers a GET or HEAD request with a file of the folder "www", or with 404. */
extern int static_file_begin(FileTransfer *transfer, struct lws *wsi, const char *path);

/* Returns whether a path is that of a build of the client library: /socket.io/socket.io.js and its relatives. */
extern bool static_file_is_client(const char *path);

/* Answers a GET or HEAD request with a build of the client library, or with 404. */
extern int static_file_begin_client(FileTransfer *transfer, struct lws *wsi, const char *path);

/* Sends the next piece of a file: the connection is writable. */
extern int static_file_continue(FileTransfer *transfer, struct lws *wsi);

/* Forgets the file: its connection is gone.  No effect if there is none. */
extern void static_file_drop(FileTransfer *transfer);

#endif /* HERALD_STATIC_FILE_H */
