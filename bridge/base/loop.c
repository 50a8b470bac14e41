/*-------------------------------------------------------------------------
 *
 * loop.c
 *	  The event loop of the process.
 *
 * A turn of the loop: wait, serve what is ready, then the end of the turn, where
 * everything that was queued for a connection leaves in one write.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/loop.h"

#include <assert.h>

#include "base/memory.h"

/* The loop, and the work that waits for the end of its turn. */
static struct
{
	uv_loop_t uv;
	bool exists;
	uv_check_t turn_end;
	uv_idle_t next_turn_at_once;
	bool (*finish_turn)(void);
	bool has_work;
} loop;

uv_loop_t *
loop_uv(void)
{
	if (!loop.exists)
	{
		uv_loop_init(&loop.uv);
		loop.exists = true;
	}
	return &loop.uv;
}

static void
on_idle(uv_idle_t *handle)
{
	(void) handle; /* an active idle handle keeps the loop from waiting */
}

static void
on_turn_end(uv_check_t *handle)
{
	(void) handle;
	if (!loop.has_work)
		return;
	loop.has_work = false;
	if (loop.finish_turn())
		loop_turn_has_work();
	else
		uv_idle_stop(&loop.next_turn_at_once);
}

void
loop_on_turn_end(bool (*finish)(void))
{
	assert(finish != NULL && loop.finish_turn == NULL);
	loop.finish_turn = finish;
	uv_check_init(loop_uv(), &loop.turn_end);
	uv_check_start(&loop.turn_end, on_turn_end);
	uv_idle_init(loop_uv(), &loop.next_turn_at_once);
}

void
loop_turn_has_work(void)
{
	assert(loop.finish_turn != NULL);
	if (loop.has_work)
		return;
	loop.has_work = true;
	/* Work that comes from a timer or from the end of a turn must not wait for the next event. */
	uv_idle_start(&loop.next_turn_at_once, on_idle);
}

static void
on_uv_signal(uv_signal_t *handle, int number)
{
	((void (*)(int)) handle->data)(number);
}

void
loop_on_signal(int number, void (*handle)(int number))
{
	uv_signal_t *watcher = memory_new(sizeof(uv_signal_t));

	assert(handle != NULL);
	uv_signal_init(loop_uv(), watcher);
	watcher->data = (void *) handle;
	uv_signal_start(watcher, on_uv_signal, number);
}

void
loop_run(void)
{
	uv_run(loop_uv(), UV_RUN_DEFAULT);
}

void
loop_stop(void)
{
	uv_stop(loop_uv());
}

uint64_t
loop_now(void)
{
	return uv_now(loop_uv());
}
