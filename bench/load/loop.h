/* loop.h: waits for the sockets of clients and for commands. */

#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>

typedef struct Client Client;

void loop_init(void);

/* Watches the socket of a client, for the end of its connect() too. */
void loop_watch(int fd, Client *client, bool connecting);

/* The connection is there: watches for received bytes only, or for nothing. */
void loop_only_reads(int fd, Client *client, bool reads);

/* Handles all that has happened; waits at most so many milliseconds. Tells whether a command waits at stdin. */
bool loop_turn(int milliseconds);

#endif
