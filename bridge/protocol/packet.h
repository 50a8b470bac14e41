/*-------------------------------------------------------------------------
 *
 * packet.h
 *	  Reads and writes the packets of Socket.IO.
 *
 * Protocol: Socket.IO protocol revision 5, "Packet encoding".
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PACKET_H
#define HERALD_PACKET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum PacketType
{
	PACKET_CONNECT,
	PACKET_DISCONNECT,
	PACKET_EVENT,
	PACKET_ACK,
	PACKET_CONNECT_ERROR,
	PACKET_BINARY_EVENT,
	PACKET_BINARY_ACK
} PacketType;

/* A parsed packet.  packet_reset() frees its members. */
typedef struct Packet
{
	PacketType type;
	int attachments;	 /* number of binary attachments that follow */
	char *namespace;	 /* "/" when the packet names none */
	char *id;			 /* of the acknowledgement: digits; or NULL */
	json_t *data;		 /* or NULL */
	const char *refusal; /* the reason why the event is answered with an error; NULL: there is none */
} Packet;

/*
 * Parses the "length" bytes behind the '4' of an Engine.IO message.  Returns false for
 * a malformed packet, and for one that only a server may send; *packet is then empty.
 */
extern bool packet_read(Packet *packet, const char *text, size_t length);

/* Frees the members of a packet and empties it. */
extern void packet_reset(Packet *packet);

/*
 * Returns the name of an EVENT, a number as its JSON text; NULL if it has another type, or
 * is a name that Socket.IO reserves.  The caller frees it.
 */
extern char *packet_event_name(const Packet *packet);

/* Returns the beginning of a packet: '4', its type and its namespace.  The caller frees it. */
extern char *packet_header(PacketType type, const char *namespace);

#endif /* HERALD_PACKET_H */
