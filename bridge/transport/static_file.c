/*-------------------------------------------------------------------------
 *
 * static_file.c
 *	  Serves files: those of the folder "www", and the client library.
 *
 * A file is opened anew for each piece, so that no transfer holds a descriptor.  A transfer ends early if
 * the file has changed meanwhile: the client notices it by the length.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/static_file.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "transport/client_socket.h"
#include "transport/http_response.h"

/* Bytes of one piece. */
#define PIECE 16384

/* Time for a client to take one piece, in seconds. */
#define PIECE_TIMEOUT 30

#define CLIENT_PREFIX "/socket.io/"

/* The folders in which package managers put the client library. */
static const char *const client_folders[] = {
	"/usr/local/lib/node_modules/socket.io-client/dist",
	"/usr/lib/node_modules/socket.io-client/dist",
	"/usr/share/nodejs/socket.io-client/dist",
};

static const char *
type_of_file(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".mjs", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".map", "application/json" },
		{ ".webmanifest", "application/manifest+json" },
		{ ".wasm", "application/wasm" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".gif", "image/gif" },
		{ ".webp", "image/webp" },
		{ ".ico", "image/x-icon" },
		{ ".woff2", "font/woff2" },
	};
	const char *dot = strrchr(path, '.');

	assert(path[0] == '/');
	for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(*types); i++)
	{
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	}
	return "application/octet-stream";
}

/* Returns whether gzip makes files of this type smaller. */
static bool
is_compressible(const char *type)
{
	return strncmp(type, "text/", 5) == 0 || strncmp(type, "application/", 12) == 0 || strcmp(type, "image/svg+xml") == 0;
}

/* Returns whether a part of a path begins with a dot, as hidden files and the way out of a folder do. */
static bool
has_dot_name(const char *path)
{
	return path[0] == '.' || strstr(path, "/.") != NULL;
}

/* Returns whether a list of codings (RFC 9110, 12.5.3) allows gzip. */
static bool
list_allows_gzip(const char *list)
{
	const char *gzip = strstr(list, "gzip");
	const char *weight = gzip ? gzip + 4 + strspn(gzip + 4, " ") : NULL;

	if (gzip == NULL || strncmp(weight, ";", 1) != 0)
		return gzip != NULL;
	weight += 1 + strspn(weight + 1, " ");
	return strncmp(weight, "q=", 2) != 0 || atof(weight + 2) > 0;
}

static bool
accepts_gzip(struct lws *wsi)
{
	char list[256];

	return lws_hdr_copy(wsi, list, sizeof(list), WSI_TOKEN_HTTP_ACCEPT_ENCODING) > 0 && list_allows_gzip(list);
}

/* Returns whether the client has this version already (RFC 9110, 13.1.2). */
static bool
client_has_version(struct lws *wsi, const char *etag)
{
	char list[512];

	return lws_hdr_copy(wsi, list, sizeof(list), WSI_TOKEN_HTTP_IF_NONE_MATCH) > 0 &&
		   (strcmp(list, "*") == 0 || strstr(list, etag) != NULL);
}

static int
send_not_found(struct lws *wsi)
{
	return http_response_text(wsi, HTTP_STATUS_NOT_FOUND, TEXT_TYPE, "Not found\n");
}

void
static_file_drop(FileTransfer *transfer)
{
	free(transfer->path);
	compressed_file_release(transfer->compressed);
	*transfer = (FileTransfer){ 0 };
}

/* Reads the next piece from the file itself; returns its length, or -1 if the file has changed. */
static ssize_t
read_piece(const FileTransfer *transfer, unsigned char *piece, size_t length)
{
	FileVersion now;
	int descriptor = compressed_file_open(transfer->path, &now);
	ssize_t result = -1;

	if (descriptor >= 0 && compressed_file_is_same(&now, &transfer->version))
		result = pread(descriptor, piece, length, (off_t) transfer->sent);
	if (descriptor >= 0)
		close(descriptor);
	return result;
}

int
static_file_continue(FileTransfer *transfer, struct lws *wsi)
{
	unsigned char buffer[LWS_PRE + PIECE];
	size_t left = transfer->length - transfer->sent;
	ssize_t length = left < PIECE ? (ssize_t) left : PIECE;

	assert(transfer->path != NULL);
	if (transfer->compressed != NULL)
		memcpy(buffer + LWS_PRE, transfer->compressed->bytes + transfer->sent, (size_t) length);
	else
		length = read_piece(transfer, buffer + LWS_PRE, (size_t) length);
	if (length <= 0)
		return -1;
	transfer->sent += (size_t) length;
	if (lws_write(wsi, buffer + LWS_PRE, (size_t) length, LWS_WRITE_HTTP) < 0 || transfer->sent == transfer->length)
		return -1;
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, PIECE_TIMEOUT);
	lws_callback_on_writable(wsi);
	return 0;
}

/* Answers with the file of a transfer whose version, copy and length are set. */
static int
send_version(FileTransfer *transfer, struct lws *wsi, const char *type, bool cross_origin)
{
	const char *policy = http_request_config(wsi)->content_security_policy;
	const FileVersion *version = &transfer->version;
	char etag[80];
	const HttpHeader headers[] = {
		{ "cache-control:", "no-cache" },
		{ "etag:", etag },
		{ "vary:", "Accept-Encoding" },
		{ "x-content-type-options:", "nosniff" },
		{ "x-frame-options:", "SAMEORIGIN" },
		{ "content-security-policy:", policy },
		{ transfer->compressed ? "content-encoding:" : NULL, "gzip" },
		{ NULL, NULL },
	};
	HttpResponse response = {
		.status = HTTP_STATUS_OK, .type = type, .cross_origin = cross_origin, .cacheable = true, .headers = headers
	};
	bool known;

	snprintf(etag, sizeof(etag), "\"%" PRIxMAX ".%lx-%" PRIxMAX "%s\"", (uintmax_t) version->changed.tv_sec,
			 version->changed.tv_nsec, (uintmax_t) version->size, transfer->compressed ? "-gzip" : "");
	known = client_has_version(wsi, etag);
	if (known)
		response.status = HTTP_STATUS_NOT_MODIFIED;
	if (!http_response_begin(wsi, &response, known ? LWS_ILLEGAL_HTTP_CONTENT_LEN : (lws_filepos_t) transfer->length) ||
		known || transfer->length == 0 || lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0)
		return -1;
	client_socket_idle(wsi); /* if it reads slowly, it gives way to others */
	lws_callback_on_writable(wsi);
	return 0;
}

/* Answers with a file, and takes over its name. */
static int
send_file(FileTransfer *transfer, struct lws *wsi, char *file, bool cross_origin)
{
	int descriptor = file ? compressed_file_open(file, &transfer->version) : -1;
	const char *type = file ? type_of_file(file) : NULL;

	transfer->path = file;
	if (descriptor < 0)
		return send_not_found(wsi);
	close(descriptor);
	if (is_compressible(type) && accepts_gzip(wsi))
		transfer->compressed = compressed_file_get(file, &transfer->version);
	transfer->length = transfer->compressed ? transfer->compressed->length : (size_t) transfer->version.size;
	return send_version(transfer, wsi, type, cross_origin);
}

/* Returns the real name of a file in the folder, which the caller frees; NULL: it is hidden, or not in there. */
static char *
find_in_folder(const char *folder, const char *path)
{
	char *name = memory_format("%s%s", folder, path);
	char *real_folder = realpath(folder, NULL);
	char *real = real_folder && !has_dot_name(path) ? realpath(name, NULL) : NULL;
	size_t length = real_folder ? strlen(real_folder) : 0;

	if (real != NULL && (strncmp(real, real_folder, length) != 0 || real[length] != '/' || has_dot_name(real + length)))
	{
		free(real);
		real = NULL;
	}
	free(name);
	free(real_folder);
	return real;
}

#define LONGEST_LOCATION 3000

/*
 * Returns the query of a request, with its question mark; empty: there is none.  libwebsockets has decoded it, and made
 * an empty last part a slash.
 */
static char *
copy_query(struct lws *wsi)
{
	static const char digits[] = "0123456789ABCDEF";
	int decoded = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS);
	char *part = memory_new((size_t) decoded + 1);
	char *query = memory_new((size_t) decoded * 4 + 1); /* "%XX" for a byte, and a separator before a part */
	char *end = query;

	for (int i = 0; lws_hdr_copy_fragment(wsi, part, decoded + 1, WSI_TOKEN_HTTP_URI_ARGS, i) >= 0; i++)
	{
		*end++ = i == 0 ? '?' : '&';
		for (const unsigned char *at = (const unsigned char *) part; *at != '\0'; at++)
		{
			if (isalnum(*at) || strchr("-._~=", *at) != NULL)
				*end++ = (char) *at;
			else
			{
				*end++ = '%';
				*end++ = digits[*at >> 4];
				*end++ = digits[*at & 15];
			}
		}
	}
	if (strcmp(part, "/") == 0)
		*(end -= 3) = '\0';
	if (strcmp(query, "?") == 0)
		query[0] = '\0';
	free(part);
	return query;
}

/* The index of a folder is relative to the folder, so its name must end with a slash. */
static int
redirect_to_folder(struct lws *wsi, const char *path)
{
	char *query = copy_query(wsi);
	char *location = memory_format("%s/%s", path, query);
	const HttpHeader headers[] = { { "location:", location }, { NULL, NULL } };
	HttpResponse response = { .status = HTTP_STATUS_MOVED_PERMANENTLY, .headers = headers };
	bool fits = strlen(location) <= LONGEST_LOCATION;
	int result = fits ? http_response_send(wsi, &response, NULL, 0) :
						http_response_text(wsi, HTTP_STATUS_REQ_URI_TOO_LONG, TEXT_TYPE, "The query is too long\n");

	free(location);
	free(query);
	return result;
}

static bool
is_folder(const char *name)
{
	struct stat status;

	return name != NULL && stat(name, &status) == 0 && S_ISDIR(status.st_mode);
}

int
static_file_begin(FileTransfer *transfer, struct lws *wsi, const char *path)
{
	const char *folder = http_request_config(wsi)->www;
	bool wants_index = path[strlen(path) - 1] == '/';
	char *name = memory_format("%s%s", path, wants_index ? "index.html" : "");
	char *file = folder[0] ? find_in_folder(folder, name) : NULL;

	free(name);
	if (wants_index || !is_folder(file))
		return send_file(transfer, wsi, file, false);
	free(file);
	return redirect_to_folder(wsi, path);
}

bool
static_file_is_client(const char *path)
{
	static const char *const names[] = { "socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js" };

	if (strncmp(path, CLIENT_PREFIX, sizeof(CLIENT_PREFIX) - 1) != 0)
		return false;
	path += sizeof(CLIENT_PREFIX) - 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
	{
		size_t length = strlen(names[i]);

		if (strncmp(path, names[i], length) == 0 && (path[length] == '\0' || strcmp(path + length, ".map") == 0))
			return true;
	}
	return false;
}

/* Returns the name of a build in a folder, which the caller frees; NULL: it is not there. */
static char *
find_build(const char *folder, size_t folder_length, const char *build)
{
	char *name = memory_format("%.*s/%s", (int) folder_length, folder, build);
	char *real = realpath(name, NULL);

	free(name);
	return real;
}

/* Returns a build beside the file of the setting, or that file if no other one is as good. */
static char *
find_configured_build(const char *file, const char *build)
{
	const char *slash = strrchr(file, '/');
	char *found = slash ? find_build(file, (size_t) (slash - file), build) : find_build(".", 1, build);

	if (found == NULL && (strcmp(build, "socket.io.js") == 0 || strcmp(build, "socket.io.min.js") == 0))
		found = realpath(file, NULL);
	return found;
}

int
static_file_begin_client(FileTransfer *transfer, struct lws *wsi, const char *path)
{
	const char *setting = http_request_config(wsi)->client_js;
	const char *build = path + sizeof(CLIENT_PREFIX) - 1;
	char *file = setting[0] ? find_configured_build(setting, build) : NULL;

	assert(static_file_is_client(path));
	for (size_t i = 0; setting[0] == '\0' && file == NULL && i < sizeof(client_folders) / sizeof(*client_folders); i++)
		file = find_build(client_folders[i], strlen(client_folders[i]), build);
	return send_file(transfer, wsi, file, true);
}

bool
static_file_check(const Config *config)
{
	struct stat status;

	if (config->www[0] != '\0' && (stat(config->www, &status) != 0 || !S_ISDIR(status.st_mode)))
	{
		fprintf(stderr, "herald-bridge: www: %s is not a folder\n  Give the folder with the files to serve, or leave www out.\n",
				config->www);
		return false;
	}
	if (config->client_js[0] != '\0' && (stat(config->client_js, &status) != 0 || !S_ISREG(status.st_mode)))
	{
		fprintf(stderr, "herald-bridge: client-js: %s is not a file\n  Give a build of the client library, such as "
						"node_modules/socket.io-client/dist/socket.io.js, or leave client-js out.\n",
				config->client_js);
		return false;
	}
	return true;
}
