/*-------------------------------------------------------------------------
 *
 * server.h
 *	  Hands accepted connections to libwebsockets, within their limit.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SERVER_H
#define HERALD_SERVER_H

#include <stdbool.h>

#include "base/config.h"

/*
 * Checks that the address to listen on can be resolved and that the folder to serve exists.
 * Binds nothing.  Returns false after a message on standard error that names the setting.
 */
extern bool server_check(const Config *config);

/*
 * Binds the address, starts libwebsockets and accepts connections.  Keeps a reference to the settings.
 * Returns false after a message on standard error.
 */
extern bool server_start(const Config *config);

/*
 * Stops accepting and closes all connections.  Calls finished() when all are gone, or
 * after drain-timeout.  A second call has no effect.
 */
extern void server_drain(void (*finished)(void));

#endif /* HERALD_SERVER_H */
