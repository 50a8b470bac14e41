/*-------------------------------------------------------------------------
 *
 * compressed_file.c
 *	  Reads regular files, and keeps compressed copies of them.
 *
 * Each version of a file is compressed once.  The copies take 16 MB at most: then all of them are forgotten, but not
 * more often than once a minute, so that requests for many files cost no more than requests for one.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/compressed_file.h"

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>
#include <zlib.h>

#include "base/loop.h"
#include "base/memory.h"

/* Sizes of files that are compressed.  The largest takes about 30 ms. */
#define MIN_BYTES 256
#define MAX_BYTES (1024 * 1024)

#define CACHE_BYTES (16 * 1024 * 1024)
#define MIN_CACHE_AGE_MS 60000

/* For deflateInit2(): the largest window, with the header of gzip. */
#define GZIP_WINDOW (15 + 16)

static struct
{
	CompressedFile *files;
	size_t bytes;
	uint64_t emptied; /* time at which all copies were forgotten */
} compressed_files;

bool
compressed_file_is_same(const FileVersion *one, const FileVersion *other)
{
	return one->inode == other->inode && one->size == other->size && one->changed.tv_sec == other->changed.tv_sec &&
		   one->changed.tv_nsec == other->changed.tv_nsec;
}

/* Without O_NONBLOCK, opening a FIFO would wait for its writer. */
int
compressed_file_open(const char *path, FileVersion *version)
{
	int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;

	if (descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
	{
		*version = (FileVersion){ status.st_ino, status.st_size, status.st_mtim };
		return descriptor;
	}
	if (descriptor >= 0)
		close(descriptor);
	return -1;
}

/* Returns the contents of a version of a file; NULL: it has changed. */
static unsigned char *
read_version(const char *path, const FileVersion *version)
{
	FileVersion now;
	int descriptor = compressed_file_open(path, &now);
	unsigned char *bytes = NULL;

	if (descriptor >= 0 && compressed_file_is_same(&now, version))
	{
		bytes = memory_new((size_t) version->size);
		if (read(descriptor, bytes, (size_t) version->size) != version->size)
		{
			free(bytes);
			bytes = NULL;
		}
	}
	if (descriptor >= 0)
		close(descriptor);
	return bytes;
}

/* Compresses bytes into a file that has room for fewer; its length stays 0 if they do not fit. */
static void
compress_bytes(CompressedFile *file, unsigned char *bytes, size_t length)
{
	z_stream stream = { .next_in = bytes, .avail_in = (unsigned int) length };

	file->bytes = memory_new(length);
	stream.next_out = file->bytes;
	stream.avail_out = (unsigned int) length - 1;
	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	if (deflate(&stream, Z_FINISH) == Z_STREAM_END)
		file->length = stream.total_out;
	deflateEnd(&stream);
	file->bytes = memory_resize(file->bytes, file->length + 1);
}

void
compressed_file_release(CompressedFile *file)
{
	if (file == NULL || --file->users > 0)
		return;
	free(file->path);
	free(file->bytes);
	free(file);
}

static void
forget_file(CompressedFile *file)
{
	HASH_DEL(compressed_files.files, file);
	compressed_files.bytes -= file->length;
	compressed_file_release(file);
}

/* Returns whether a copy of a file of this size may be added. */
static bool
make_space(size_t size)
{
	if (compressed_files.bytes + size <= CACHE_BYTES)
		return true;
	if (compressed_files.emptied != 0 && loop_now() - compressed_files.emptied < MIN_CACHE_AGE_MS)
		return false;
	while (compressed_files.files != NULL)
		forget_file(compressed_files.files);
	compressed_files.emptied = loop_now();
	return true;
}

static CompressedFile *
add_file(const char *path, const FileVersion *version)
{
	unsigned char *bytes = make_space((size_t) version->size) ? read_version(path, version) : NULL;
	CompressedFile *file;

	if (bytes == NULL)
		return NULL;
	file = memory_new(sizeof(CompressedFile));
	file->path = memory_copy(path);
	file->version = *version;
	file->users = 1;
	compress_bytes(file, bytes, (size_t) version->size);
	free(bytes);
	HASH_ADD_KEYPTR(hh, compressed_files.files, file->path, strlen(file->path), file);
	compressed_files.bytes += file->length;
	return file;
}

CompressedFile *
compressed_file_get(const char *path, const FileVersion *version)
{
	CompressedFile *file;

	HASH_FIND_STR(compressed_files.files, path, file);
	if (version->size < MIN_BYTES || version->size > MAX_BYTES)
		return NULL;
	if (file != NULL && !compressed_file_is_same(&file->version, version))
	{
		forget_file(file);
		file = NULL;
	}
	if (file == NULL)
		file = add_file(path, version);
	if (file == NULL || file->length == 0)
		return NULL;
	file->users++;
	return file;
}
