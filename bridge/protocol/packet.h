/*-------------------------------------------------------------------------
 *
 * packet.h
 *	  The packets of Socket.IO, and how they are written.
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

#define PACKET_MOST_ATTACHMENTS 10

/* A packet as it came; packet_reset() frees what it holds. */
typedef struct Packet
{
	PacketType type;
	int attachments;
	char *namespace; /* "/" when the packet names none */
	char *id;		 /* digits, or NULL */
	json_t *data;	 /* or NULL */
} Packet;

/*
 * Reads what follows the '4' of an Engine.IO message.  False: it is no packet
 * that a client may send; then nothing is left to free.
 */
extern bool packet_read(Packet *packet, const char *text, size_t length);
extern void packet_reset(Packet *packet);

/* The name of an EVENT, or NULL if it must not be used; numbers are names, too. */
extern char *packet_event_name(const Packet *packet);

/* The start of a packet: "4", type, namespace; the caller frees it. */
extern char *packet_start(PacketType type, const char *namespace);

#endif /* HERALD_PACKET_H */
