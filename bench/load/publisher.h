/* publisher.h: threads that publish a series at a rate, and note when they called and when the call returned. */

#ifndef PUBLISHER_H
#define PUBLISHER_H

#include <stdbool.h>

/* Where events go. All texts belong to the caller. */
typedef struct Destination
{
	const char *conninfo, *statement; /* of a database: number is $1, length of the filler $2 */
	int port;						  /* without a database */
	const char *head, *tail;		  /* around the payload; %zu in the head stands for the length of the payload */
	const char *hello;				  /* to say first */
	bool responds;					  /* with an HTTP response to each event */
	int filler;
} Destination;

typedef struct Plan
{
	int first, count;
	int writers; /* threads */
	int burst;	 /* so many events at once */
	double rate; /* events a second; 0: as fast as possible */
} Plan;

/* Starts the threads, once each has its connection. */
void publisher_start(const Destination *destination, const Plan *plan);

/* Tells whether all threads have ended. */
bool publisher_done(void);

/* Joins the threads, and returns the number of events that could not be published. */
int publisher_finish(void);

#endif
