/*-------------------------------------------------------------------------
 *
 * typing_guard.h
 *	  Ends typing for the sessions of this bridge when nobody else does.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TYPING_GUARD_H
#define HERALD_TYPING_GUARD_H

#include "fanout/event.h"

/* Starts; "publish" takes events to the live sessions of their rooms, and leaves them to the caller. */
extern void typing_guard_start(void (*publish)(Event *event));

/* Forgets all typing. */
extern void typing_guard_stop(void);

/* Notes a signal that the sessions of this bridge have got. */
extern void typing_guard_see(const Event *event);

#endif /* HERALD_TYPING_GUARD_H */
