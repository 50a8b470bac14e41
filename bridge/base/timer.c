/*-------------------------------------------------------------------------
 *
 * timer.c
 *	  Many timers for the price of one: a wheel on the loop.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/timer.h"

#include <uv.h>

#include "base/loop.h"

#define SLOTS 1024

static Timer slots[SLOTS]; /* heads of circular lists */
static uv_timer_t ticker;
static uint64_t turned_to; /* the last tick that was served */
static uint64_t running;

static uint64_t
now_in_ticks(void)
{
	return uv_now(loop_uv()) / TIMER_TICK_MS;
}

static void
unlink_timer(Timer *timer)
{
	timer->previous->next = timer->next;
	timer->next->previous = timer->previous;
	timer->next = timer->previous = NULL;
	running--;
}

/* Fires what is due in a slot; a timer of a later turn of the wheel stays. */
static void
serve_slot(Timer *head, uint64_t tick)
{
	Timer *timer = head->next;

	while (timer != head)
	{
		Timer *due = timer;

		timer = timer->next;
		if (due->due > tick)
			continue;
		unlink_timer(due);
		due->fire(due->context);
		timer = head->next; /* the list may be another one now */
	}
}

static void
on_tick(uv_timer_t *handle)
{
	uint64_t now = now_in_ticks();

	while (turned_to < now && running > 0)
	{
		turned_to++;
		serve_slot(&slots[turned_to % SLOTS], turned_to);
	}
	turned_to = now;
	if (running == 0)
		uv_timer_stop(handle);
}

static void
prepare_wheel(void)
{
	if (slots[0].next == NULL)
	{
		for (int i = 0; i < SLOTS; i++)
			slots[i].next = slots[i].previous = &slots[i];
		uv_timer_init(loop_uv(), &ticker);
		uv_unref((uv_handle_t *) &ticker);
	}
	if (running == 0)
	{
		turned_to = now_in_ticks();
		uv_timer_start(&ticker, on_tick, TIMER_TICK_MS, TIMER_TICK_MS);
	}
}

void
timer_start(Timer *timer, uint64_t milliseconds, void (*fire)(void *context), void *context)
{
	Timer *head;

	timer_stop(timer);
	prepare_wheel();
	timer->due = (uv_now(loop_uv()) + milliseconds) / TIMER_TICK_MS + 1;
	timer->fire = fire;
	timer->context = context;
	head = &slots[timer->due % SLOTS];
	timer->next = head;
	timer->previous = head->previous;
	head->previous->next = timer;
	head->previous = timer;
	running++;
}

void
timer_stop(Timer *timer)
{
	if (timer_is_running(timer))
		unlink_timer(timer);
}

bool
timer_is_running(const Timer *timer)
{
	return timer->next != NULL;
}
