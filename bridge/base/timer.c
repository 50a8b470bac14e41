/*-------------------------------------------------------------------------
 *
 * timer.c
 *	  Many timers for the price of one: a wheel on the loop.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/timer.h"

#include <assert.h>
#include <uv.h>

#include "base/loop.h"

#define SLOTS 1024

/* Each slot is the head of a circular list of the timers that are due at one tick, modulo the size of the wheel. */
static struct
{
	Timer slots[SLOTS];
	uv_timer_t alarm;
	uint64_t served; /* the last tick whose timers have fired */
	uint64_t wakes;	 /* the tick for which the alarm is set */
	uint64_t running;
} wheel;

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
	wheel.running--;
}

/* Fires the timers of a slot that are due; a timer of a later turn of the wheel stays. */
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

static void wake(uv_timer_t *alarm);

static void
set_alarm(uint64_t tick)
{
	uint64_t now = uv_now(loop_uv());
	uint64_t then = tick * TIMER_TICK_MS;

	wheel.wakes = tick;
	uv_timer_start(&wheel.alarm, wake, then > now ? then - now : 0, 0);
}

static bool
is_empty(uint64_t tick)
{
	const Timer *head = &wheel.slots[tick % SLOTS];

	return head->next == head;
}

/* Sleeps until the next tick that may have a timer. */
static void
sleep_on(void)
{
	uint64_t tick = wheel.served + 1;

	while (tick < wheel.served + SLOTS && is_empty(tick))
		tick++;
	set_alarm(tick);
}

static void
wake(uv_timer_t *alarm)
{
	uint64_t now = now_in_ticks();

	(void) alarm;
	while (wheel.served < now && wheel.running > 0)
	{
		wheel.served++;
		serve_slot(&wheel.slots[wheel.served % SLOTS], wheel.served);
	}
	wheel.served = now;
	if (wheel.running > 0)
		sleep_on();
}

static void
prepare_wheel(void)
{
	if (wheel.slots[0].next == NULL)
	{
		for (int i = 0; i < SLOTS; i++)
			wheel.slots[i].next = wheel.slots[i].previous = &wheel.slots[i];
		uv_timer_init(loop_uv(), &wheel.alarm);
		uv_unref((uv_handle_t *) &wheel.alarm);
	}
	if (wheel.running == 0)
	{
		wheel.served = now_in_ticks();
		wheel.wakes = UINT64_MAX;
	}
}

void
timer_start(Timer *timer, uint64_t milliseconds, void (*fire)(void *context), void *context)
{
	Timer *head;

	assert(fire != NULL);
	timer_stop(timer);
	prepare_wheel();
	timer->due = (uv_now(loop_uv()) + milliseconds) / TIMER_TICK_MS + 1;
	timer->fire = fire;
	timer->context = context;
	head = &wheel.slots[timer->due % SLOTS];
	timer->next = head;
	timer->previous = head->previous;
	head->previous->next = timer;
	head->previous = timer;
	wheel.running++;
	if (timer->due < wheel.wakes)
		set_alarm(timer->due);
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
