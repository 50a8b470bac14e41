/*
 * set_clock.c: a library to preload, with which a process reads a time of day that is some seconds off.
 *
 * The file that HERALD_CLOCK names holds the seconds as an int64. It is mapped, so a change of it counts at once.
 * Monotonic clocks go on, as they do when an administrator sets a clock.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef const volatile _Atomic(int64_t) Seconds;

static Seconds *
map_clock(void)
{
	const char *path = getenv("HERALD_CLOCK");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *seconds = file >= 0 ? mmap(NULL, sizeof(Seconds), PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;

	if (seconds == MAP_FAILED)
	{
		perror("set_clock: no clock in HERALD_CLOCK");
		abort();
	}
	close(file);
	return seconds;
}

/* Threads that come here at the same time map the file more than once, which does no harm. */
static int64_t
offset(void)
{
	static _Atomic(Seconds *) clock;

	if (!clock)
		clock = map_clock();
	return *clock;
}

/* Sanitizers call this before any constructor has run, so it asks the kernel and not the next library. */
int
clock_gettime(clockid_t id, struct timespec *time)
{
	int result = (int) syscall(SYS_clock_gettime, id, time);

	if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		time->tv_sec += offset();
	return result;
}

int
gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	struct timespec now;

	(void) zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*time = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *result)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (result)
		*result = now.tv_sec;
	return now.tv_sec;
}
