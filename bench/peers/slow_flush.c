/* slow_flush.c: preloaded into PostgreSQL, makes each flush to disk take HERALD_FLUSH_DELAY microseconds longer. */

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int
fdatasync(int fd)
{
	static int (*flush)(int);
	static useconds_t delay;

	if (flush == NULL)
	{
		flush = (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
		delay = getenv("HERALD_FLUSH_DELAY") ? atoi(getenv("HERALD_FLUSH_DELAY")) : 0;
	}
	usleep(delay);
	return flush(fd);
}
