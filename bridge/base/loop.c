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

#include "base/memory.h"

static uv_loop_t loop;
static bool loop_exists = false;
static uv_check_t turn_end;
static uv_idle_t next_turn_at_once;
static bool (*finish_turn)(void) = NULL;
static bool work_waits = false;

uv_loop_t *
loop_uv(void)
{
	if (!loop_exists)
	{
		uv_loop_init(&loop);
		loop_exists = true;
	}
	return &loop;
}

static void
on_idle(uv_idle_t *handle)
{
	(void) handle; /* that there is one keeps the loop from waiting */
}

static void
on_turn_end(uv_check_t *handle)
{
	(void) handle;
	if (!work_waits)
		return;
	work_waits = false;
	if (finish_turn())
		loop_turn_has_work();
	else
		uv_idle_stop(&next_turn_at_once);
}

void
loop_on_turn_end(bool (*finish)(void))
{
	finish_turn = finish;
	uv_check_init(loop_uv(), &turn_end);
	uv_check_start(&turn_end, on_turn_end);
	uv_idle_init(loop_uv(), &next_turn_at_once);
}

void
loop_turn_has_work(void)
{
	if (work_waits)
		return;
	work_waits = true;
	/* Work that comes from a timer or from the end of a turn must not wait for the next event. */
	uv_idle_start(&next_turn_at_once, on_idle);
}

static void
on_signal(uv_signal_t *handle, int number)
{
	((void (*)(int)) handle->data)(number);
}

void
loop_on_signal(int number, void (*handle)(int number))
{
	uv_signal_t *watcher = memory_new(sizeof(uv_signal_t));

	uv_signal_init(loop_uv(), watcher);
	watcher->data = (void *) handle;
	uv_signal_start(watcher, on_signal, number);
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
