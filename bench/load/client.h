/* client.h: one connection of the load: it speaks one protocol, gets ready, and receives events. */

#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "journal.h"

typedef struct pg_conn PGconn;
typedef struct Client Client;

/* A protocol. Received bytes go to take(), which returns how many of them it has used up. */
typedef struct Protocol
{
	const char *name;
	/* The connection is there. */
	void (*begin)(Client *client);
	/* The server has accepted the first HTTP request. */
	void (*open)(Client *client);
	/* Bytes have arrived, behind the first HTTP response if there is one. */
	size_t (*take)(Client *client, const char *bytes, size_t length);
	/* A message has arrived. */
	void (*hear)(Client *client, const char *text, size_t length);
	bool has_head; /* a first HTTP response precedes all others */
	/* Asks to join the client's room; NULL: clients that are ready cannot join. */
	void (*join)(Client *client);
} Protocol;

/* The server that clients connect to. All texts belong to the caller. */
typedef struct Target
{
	const Protocol *protocol;
	int port;
	const char *path;	  /* of the first request */
	const char *room;	  /* to join, or NULL */
	int rooms;			  /* so many rooms, with a number behind the name; 0: one */
	const char *conninfo; /* of protocol "libpq" */
	int buffer;			  /* bytes that the kernel keeps for a client that does not read; 0: as many as it likes */
} Target;

typedef enum State
{
	CLOSED,
	CONNECTING,
	GREETING, /* waits for the first HTTP response */
	OPENING,
	READY,
	FAILED
} State;

struct Client
{
	int number; /* from 1 */
	int fd;
	State state;
	const Target *target;
	PGconn *listener; /* of protocol "libpq" */
	char *token;
	char session[64]; /* of the server, to return with */
	char position[320];
	bool recovered;
	char poll_id[64];
	char *to_post; /* by the next request of a polling client; owned */
	char *rest;	   /* bytes of an incomplete message; owned */
	size_t rest_length;
	Page page;
};

/* Returns the protocol of that name, or NULL. */
const Protocol *protocol_named(const char *name);

/* Begins to connect, for the first time or again with the session and position that the client has. */
void client_connect(Client *client, const Target *target);

/* Takes all that has arrived. Fails the client when the server has closed the connection. */
void client_read(Client *client);

/* The connection is there: sends the first request. */
void client_connected(Client *client);

void client_send(Client *client, const char *bytes, size_t length);

/* Writes the request to join the client's room, in the format of its protocol, which has one %s. */
void client_room(const Client *client, char *text, size_t size, const char *format);

/* Sends a message in the client's WebSocket. */
void client_send_text(Client *client, const char *text);

void client_ready(Client *client);
void client_fail(Client *client, const char *reason);
void client_close(Client *client);

/* Copies the text behind `"key":"` up to the next quote. Leaves the target alone where the key is not in the text. */
void copy_field(char *target, size_t size, const char *text, size_t length, const char *key);

#endif
