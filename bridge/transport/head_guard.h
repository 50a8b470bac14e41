/*-------------------------------------------------------------------------
 *
 * head_guard.h
 *	  Sees the heads of requests as they came, before libwebsockets parses them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HEAD_GUARD_H
#define HERALD_HEAD_GUARD_H

#include "transport/head_form.h"

/* Keeps a form up to date with the bytes that are read from a socket from now on, with or without TLS. */
extern void head_guard_watch(int descriptor, HeadForm *form);

/* Ends that; no effect if the socket has another form by now. */
extern void head_guard_forget(int descriptor, const HeadForm *form);

#endif /* HERALD_HEAD_GUARD_H */
