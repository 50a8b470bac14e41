/*-------------------------------------------------------------------------
 *
 * timer.c
 *	  Many timers for the price of one: two wheels on the loop.
 *
 * 1. The near wheel has a slot for each of the next 1,024 milliseconds.  A slot is the head of
 *	  a circular list of the timers that are due then.
 *
 * 2. Later timers are in the far wheel, whose slots are blocks of 1,024 milliseconds.  As a block
 *	  begins, its timers move to the near wheel.  Timers of a later turn of the far wheel stay.
 *
 * 3. The process wakes when a timer is due, and when a block with timers begins.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/timer.h"

#include <assert.h>
#include <uv.h>

#include "base/loop.h"

#define SLOTS 1024
#define NEVER UINT64_MAX

/* Times are milliseconds of the loop. */
static struct
{
	Timer near[SLOTS];
	Timer far[SLOTS];
	uv_timer_t alarm;
	uint64_t served; /* the latest time whose timers have fired */
	uint64_t wakes;	 /* the time for which the alarm is set */
	uint64_t running;
} wheels;

static Timer *
near_slot(uint64_t time)
{
	return &wheels.near[time % SLOTS];
}

static Timer *
far_slot(uint64_t time)
{
	return &wheels.far[time / SLOTS % SLOTS];
}

static bool
is_near(uint64_t due)
{
	return due - wheels.served <= SLOTS;
}

static void
link_timer(Timer *timer)
{
	Timer *head = is_near(timer->due) ? near_slot(timer->due) : far_slot(timer->due);

	timer->next = head;
	timer->previous = head->previous;
	head->previous->next = timer;
	head->previous = timer;
}

static void
unlink_timer(Timer *timer)
{
	timer->previous->next = timer->next;
	timer->next->previous = timer->previous;
	timer->next = timer->previous = NULL;
}

/* Moves the timers of the block that begins now to the near wheel. */
static void
begin_block(uint64_t time)
{
	Timer *head = far_slot(time);
	Timer *timer = head->next;

	while (timer != head)
	{
		Timer *first = timer;

		timer = timer->next;
		if (first->due >= time + SLOTS)
			continue;
		unlink_timer(first);
		link_timer(first);
	}
}

/* Fires the timers of a slot that are due; one that a callback has started may be due a turn later. */
static void
serve_slot(Timer *head, uint64_t time)
{
	Timer *timer = head->next;

	while (timer != head)
	{
		Timer *due = timer;

		timer = timer->next;
		if (due->due > time)
			continue;
		timer_stop(due);
		due->fire(due->context);
		timer = head->next; /* the list may be another one now */
	}
}

static void wake(uv_timer_t *alarm);

static void
set_alarm(uint64_t time)
{
	uint64_t now = uv_now(loop_uv());

	wheels.wakes = time;
	uv_timer_start(&wheels.alarm, wake, time > now ? time - now : 0, 0);
}

static bool
is_empty(const Timer *head)
{
	return head->next == head;
}

static uint64_t
next_due(void)
{
	for (uint64_t time = wheels.served + 1; is_near(time); time++)
	{
		if (!is_empty(near_slot(time)))
			return time;
	}
	return NEVER;
}

static uint64_t
next_block(void)
{
	uint64_t time = wheels.served / SLOTS * SLOTS;

	for (int i = 0; i < SLOTS; i++)
	{
		time += SLOTS;
		if (!is_empty(far_slot(time)))
			return time;
	}
	return NEVER;
}

static void
sleep_on(void)
{
	uint64_t due = next_due();
	uint64_t block = next_block();

	set_alarm(due < block ? due : block);
}

static void
wake(uv_timer_t *alarm)
{
	uint64_t now = uv_now(loop_uv());

	(void) alarm;
	while (wheels.served < now && wheels.running > 0)
	{
		if ((wheels.served + 1) % SLOTS == 0)
			begin_block(wheels.served + 1);
		wheels.served++;
		serve_slot(near_slot(wheels.served), wheels.served);
	}
	wheels.served = now;
	if (wheels.running > 0)
		sleep_on();
}

static void
prepare_wheels(void)
{
	if (wheels.near[0].next == NULL)
	{
		for (int i = 0; i < SLOTS; i++)
		{
			wheels.near[i].next = wheels.near[i].previous = &wheels.near[i];
			wheels.far[i].next = wheels.far[i].previous = &wheels.far[i];
		}
		uv_timer_init(loop_uv(), &wheels.alarm);
		uv_unref((uv_handle_t *) &wheels.alarm);
	}
	if (wheels.running == 0)
	{
		wheels.served = uv_now(loop_uv());
		wheels.wakes = NEVER;
	}
}

void
timer_start(Timer *timer, uint64_t milliseconds, void (*fire)(void *context), void *context)
{
	uint64_t due = uv_now(loop_uv()) + milliseconds;
	uint64_t wakes;

	assert(fire != NULL);
	timer_stop(timer);
	prepare_wheels();
	timer->due = due > wheels.served ? due : wheels.served + 1;
	timer->fire = fire;
	timer->context = context;
	link_timer(timer);
	wheels.running++;
	wakes = is_near(timer->due) ? timer->due : timer->due / SLOTS * SLOTS;
	if (wakes < wheels.wakes)
		set_alarm(wakes);
}

void
timer_stop(Timer *timer)
{
	if (!timer_is_running(timer))
		return;
	unlink_timer(timer);
	wheels.running--;
}

bool
timer_is_running(const Timer *timer)
{
	return timer->next != NULL;
}
