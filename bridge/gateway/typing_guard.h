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

#include <stdbool.h>
#include <stdint.h>

#include "fanout/event.h"

/* Others are told of typing that goes on so often at most. */
#define TYPING_REPEAT_MS 3000

/* Typing ends when its client has said nothing for so long. */
#define TYPING_SILENCE_MS 6000

/* Starts; "publish" takes events to the live sessions of their rooms, and leaves them to the caller. */
extern void typing_guard_start(void (*publish)(Event *event));

/* Forgets all typing. */
extern void typing_guard_stop(void);

/* Notes a signal that the sessions of this bridge have got. */
extern void typing_guard_see(const Event *event);

/* Returns whether typing with this key goes on that a later transaction has told, of this bridge or of another one. */
extern bool typing_guard_heard(const char *key, uint64_t xid);

#endif /* HERALD_TYPING_GUARD_H */
