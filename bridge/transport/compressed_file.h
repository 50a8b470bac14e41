/*-------------------------------------------------------------------------
 *
 * compressed_file.h
 *	  Reads regular files, and keeps compressed copies of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_COMPRESSED_FILE_H
#define HERALD_COMPRESSED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <uthash.h>

/* What tells the contents of a file from earlier and later ones. */
typedef struct FileVersion
{
	ino_t inode;
	off_t size;
	struct timespec changed;
} FileVersion;

/* A copy that gzip has compressed (RFC 1952). */
typedef struct CompressedFile
{
	char *path;
	FileVersion version;
	unsigned char *bytes;
	size_t length;
	int users; /* transfers that hold it, and 1 for the cache */
	UT_hash_handle hh;
} CompressedFile;

/* Opens a file for reading, and returns its descriptor and version; -1: there is none, or it is not a regular one. */
extern int compressed_file_open(const char *path, FileVersion *version);

/* Returns whether two versions are the same. */
extern bool compressed_file_is_same(const FileVersion *one, const FileVersion *other);

/*
 * Returns a compressed copy of a version of a file, which the caller releases.  NULL: the file is small or large,
 * it does not shrink, or there are too many copies.
 */
extern CompressedFile *compressed_file_get(const char *path, const FileVersion *version);

/* Gives a copy back; NULL is allowed. */
extern void compressed_file_release(CompressedFile *file);

#endif /* HERALD_COMPRESSED_FILE_H */
