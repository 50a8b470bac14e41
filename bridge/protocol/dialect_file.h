/*-------------------------------------------------------------------------
 *
 * dialect_file.h
 *	  Finds, reads and checks the file of a dialect.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DIALECT_FILE_H
#define HERALD_DIALECT_FILE_H

#include <jansson.h>

/*
 * Returns the path of the file for a setting, which the caller frees.  A setting with a slash or with
 * ".json" at its end is a path; any other is the name of an installed dialect.
 */
extern char *dialect_file_path(const char *setting);

/*
 * Returns the JSON of a file, completely checked, as a new reference.  NULL after a message on standard
 * error with the file, the line or the path of keys, and the mistake.
 */
extern json_t *dialect_file_read(const char *path);

#endif /* HERALD_DIALECT_FILE_H */
