/*-------------------------------------------------------------------------
 *
 * dialect_file.h
 *	  The file of a dialect: what may be in it, and where it is found.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DIALECT_FILE_H
#define HERALD_DIALECT_FILE_H

#include <jansson.h>

/*
 * The path of the file that a setting means: a path, which has a slash or ends
 * with ".json", or the name of a dialect that is installed.  The caller frees it.
 */
extern char *dialect_file_path(const char *setting);

/*
 * What is in a file, checked so that nobody else needs to.  NULL after a message
 * on standard error: the file, the line or the keys that lead to the place, and why.
 */
extern json_t *dialect_file_read(const char *path);

#endif /* HERALD_DIALECT_FILE_H */
