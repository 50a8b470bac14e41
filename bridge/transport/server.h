/*-------------------------------------------------------------------------
 *
 * server.h
 *	  Listens, accepts, and hands connections to libwebsockets.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SERVER_H
#define HERALD_SERVER_H

#include <stdbool.h>

#include "base/config.h"

/*
 * Checks the address to listen on and the folder to serve, without using either.
 * False after a message on standard error that names the setting.
 */
extern bool server_check(const Config *config);

/*
 * Binds the address, prepares the library and begins to accept.  False after a
 * message on standard error.
 */
extern bool server_start(const Config *config);

/* Stops accepting; calls finished() once all connections are gone or the time for it is over. */
extern void server_drain(void (*finished)(void));

#endif /* HERALD_SERVER_H */
