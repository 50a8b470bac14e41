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
 * Binds the address and prepares the library.  False after a message on
 * standard error that names the setting.
 */
extern bool server_prepare(const Config *config);

/* Begins to accept; false after a message on standard error. */
extern bool server_start(void);

/* Stops accepting; calls finished() once all connections are gone or the time for it is over. */
extern void server_drain(void (*finished)(void));

#endif /* HERALD_SERVER_H */
