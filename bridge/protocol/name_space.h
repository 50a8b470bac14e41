/*-------------------------------------------------------------------------
 *
 * name_space.h
 *	  The namespaces of Socket.IO: which events each gets, and what they look like there.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NAME_SPACE_H
#define HERALD_NAME_SPACE_H

#include <stdbool.h>

#include "fanout/event.h"

#define NAME_SPACES 3

/* "/" gets everything, "/notifications" and "/chat" their own kind. */
extern const Format name_space_formats[NAME_SPACES];

/* Does a session there want to know the unread count? */
extern bool name_space_shows_badge(const Format *format);

#endif /* HERALD_NAME_SPACE_H */
