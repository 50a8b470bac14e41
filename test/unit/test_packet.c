/*-------------------------------------------------------------------------
 *
 * test_packet.c
 *	  Parses packets as Socket.IO's reference server does, and refuses malformed ones.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "protocol/packet.h"

/* Parses a copy of exactly this size, so that AddressSanitizer reports a read behind it. */
static bool
read_exactly(Packet *packet, const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);
	bool good;

	memcpy(copy, text, length);
	good = packet_read(packet, copy, length);
	free(copy);
	return good;
}

/* Checks the parsed packet: "type|namespace|id|attachments|data|name of the event", or "refused". */
static void
expect(const char *text, const char *wanted)
{
	Packet packet;
	char found[512] = "refused";

	if (read_exactly(&packet, text, strlen(text)))
	{
		char *data = packet.data ? json_dumps(packet.data, JSON_COMPACT) : NULL;
		bool is_event = packet.type == PACKET_EVENT || packet.type == PACKET_BINARY_EVENT;
		char *name = is_event ? packet_event_name(&packet) : NULL;

		assert_int_equal(packet.refusal != NULL, strstr(text, "\\u0000") != NULL || strstr(text, "e400") != NULL);
		snprintf(found, sizeof(found), "%d|%s|%s|%d|%s|%s", (int) packet.type, packet.namespace,
				 packet.id ? packet.id : "-", packet.attachments, data ? data : "-", name ? name : "-");
		free(data);
		free(name);
		packet_reset(&packet);
	}
	if (strcmp(found, wanted) != 0)
		fail_msg("\"%s\" is read as %s, not as %s", text, found, wanted);
	assert_null(packet.data);
	assert_null(packet.id);
	assert_null(packet.namespace);
}

static void
test_malformed_packets(void **state)
{
	static const char *const texts[] = { "", "7", "7[\"x\"]", "8", "9", "abc", " 2[\"x\"]", "-1", "/", "{", "[\"x\"]" };

	(void) state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		expect(texts[i], "refused");
}

static void
test_connect(void **state)
{
	(void) state;
	expect("0", "0|/|-|0|-|-");
	expect("0{}", "0|/|-|0|{}|-");
	expect("0{\"token\":\"t\"}", "0|/|-|0|{\"token\":\"t\"}|-");
	expect("0/chat", "0|/chat|-|0|-|-");
	expect("0/chat,", "0|/chat|-|0|-|-");
	expect("0/chat,{\"a\":1}", "0|/chat|-|0|{\"a\":1}|-");
	expect("0/chat?token=x,", "0|/chat?token=x|-|0|-|-");
	expect("0/,{}", "0|/|-|0|{}|-");
	expect("0[]", "refused");
	expect("0\"x\"", "refused");
	expect("0null", "refused");
	expect("0true", "refused");
	expect("0{\"a\":", "refused");
	expect("0{}x", "refused");
}

static void
test_disconnect(void **state)
{
	(void) state;
	expect("1", "1|/|-|0|-|-");
	expect("1/chat,", "1|/chat|-|0|-|-");
	expect("1{}", "refused");
	expect("1[]", "refused");
	expect("1/chat,[\"x\"]", "refused");
	expect("1x", "refused");
}

static void
test_event(void **state)
{
	(void) state;
	expect("2[\"x\"]", "2|/|-|0|[\"x\"]|x");
	expect("2[\"x\",{\"a\":[1]}]", "2|/|-|0|[\"x\",{\"a\":[1]}]|x");
	expect("2/chat,12[\"x\",null]", "2|/chat|12|0|[\"x\",null]|x");
	expect("2[\"x\"] \n", "2|/|-|0|[\"x\"]|x");
	expect("2007[\"x\"]", "2|/|007|0|[\"x\"]|x");
	expect("2123456789012345678901234567890[\"x\"]", "2|/|123456789012345678901234567890|0|[\"x\"]|x");
	expect("2[1,\"x\"]", "2|/|-|0|[1,\"x\"]|1");
	expect("2[-7]", "2|/|-|0|[-7]|-7");
	expect("2[1.5]", "2|/|-|0|[1.5]|1.5");
	expect("2[1e30]", "2|/|-|0|[1e30]|1e30");
	expect("2/chat,8[\"x\",1e400]", "2|/chat|8|0|[\"x\",null]|x");
	expect("2", "2|/|-|0|-|-");
	expect("2/chat,3", "2|/chat|3|0|-|-");
	expect("2[\"x\",{\"a\":1,\"a\":2}]", "2|/|-|0|[\"x\",{\"a\":2}]|x");
	expect("2[\"x\",{\"__proto__\":1}]", "2|/|-|0|[\"x\",{\"__proto__\":1}]|x");
	expect("2{}", "refused");
	expect("2[]", "refused");
	expect("2\"x\"", "refused");
	expect("2[\"x\"]zzz", "refused");
	expect("2abc[\"x\"]", "refused");
	expect("2-1[\"x\"]", "refused");
	expect("21-[\"x\"]", "refused"); /* attachments belong to binary packets */
	expect("2[\"x\"", "refused");
	expect("2['x']", "refused");
	expect("2[\"\xff\"]", "refused"); /* no UTF-8 */
}

/* These are well-formed, but their names are reserved or not strings: the protocol closes the connection. */
static void
test_event_without_usable_name(void **state)
{
	static const char *const reserved[] = { "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener" };
	char text[64];
	char wanted[64];

	(void) state;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
	{
		snprintf(text, sizeof(text), "2[\"%s\"]", reserved[i]);
		snprintf(wanted, sizeof(wanted), "2|/|-|0|[\"%s\"]|-", reserved[i]);
		expect(text, wanted);
	}
	expect("2[null]", "2|/|-|0|[null]|-");
	expect("2[{}]", "2|/|-|0|[{}]|-");
	expect("2[[\"x\"]]", "2|/|-|0|[[\"x\"]]|-");
	expect("2[true]", "2|/|-|0|[true]|-");
	expect("2[\"connection\"]", "2|/|-|0|[\"connection\"]|connection"); /* this one is free */
}

static void
test_ack(void **state)
{
	(void) state;
	expect("3[]", "3|/|-|0|[]|-");
	expect("399[]", "3|/|99|0|[]|-");
	expect("3/chat,5[1]", "3|/chat|5|0|[1]|-");
	expect("31", "3|/|1|0|-|-");
	expect("31{}", "refused");
	expect("31\"x\"", "refused");
}

static void
test_connect_error(void **state)
{
	(void) state;
	expect("4", "refused");
	expect("4{}", "refused");
	expect("4/chat,{\"message\":\"x\"}", "refused");
}

static void
test_binary(void **state)
{
	(void) state;
	expect("51-[\"x\",{\"_placeholder\":true,\"num\":0}]", "5|/|-|1|[\"x\",{\"_placeholder\":true,\"num\":0}]|x");
	expect("510-/chat,7[\"x\"]", "5|/chat|7|10|[\"x\"]|x");
	expect("62-/chat,7[]", "6|/chat|7|2|[]|-");
	expect("61-", "6|/|-|1|-|-");
	expect("50-[\"x\"]", "refused");
	expect("500-[\"x\"]", "refused");
	expect("511-[\"x\"]", "5|/|-|11|[\"x\"]|x");
	expect("5999999-[\"x\"]", "5|/|-|999999|[\"x\"]|x");
	expect("51000000-[\"x\"]", "refused");
	expect("5999999999999-[\"x\"]", "refused");
	expect("54294967297-[\"x\"]", "refused"); /* 1, if it were cut to 32 bits */
	expect("5[\"x\"]", "refused");
	expect("5-[\"x\"]", "refused");
	expect("5x-[\"x\"]", "refused");
	expect("51[\"x\"]", "refused");
	expect("51", "refused");
	expect("5", "refused");
	expect("51-", "refused"); /* an event has a name */
	expect("51-[]", "refused");
	expect("51-{}", "refused");
	expect("60-[]", "refused");
}

static void
test_header(void **state)
{
	static const struct
	{
		PacketType type;
		const char *namespace;
		const char *start;
	} starts[] = { { PACKET_CONNECT, "/", "40" }, { PACKET_EVENT, "/chat", "42/chat," }, { PACKET_ACK, "/", "43" }, { PACKET_CONNECT_ERROR, "/no", "44/no," } };

	(void) state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
	{
		char *start = packet_header(starts[i].type, starts[i].namespace);

		assert_string_equal(start, starts[i].start);
		free(start);
	}
}

/* Zero bytes, and JSON that is nested deeper than any stack. */
static void
test_zero_bytes_and_deep_nesting(void **state)
{
	static const char zeros[] = "2[\"a\0b\"]";
	char *deep = malloc(100001);
	Packet packet;

	(void) state;
	assert_false(read_exactly(&packet, zeros, sizeof(zeros) - 1));
	assert_false(read_exactly(&packet, "2[\"x\"]\0", 7));
	memset(deep, '[', 100001);
	deep[0] = '2';
	assert_false(read_exactly(&packet, deep, 100001));
	free(deep);
	expect("2[\"a\\u0000b\"]", "2|/|-|0|[\"a\xef\xbf\xbd"
							   "b\"]|a\xef\xbf\xbd"
							   "b"); /* a name must be the whole name */
}

/* Mutated packets and random bytes: each packet that is accepted is consistent. */
static void
test_fuzz(void **state)
{
	static const char *const seeds[] = { "0/chat,{\"token\":\"x\"}", "2/chat,12[\"x\",{\"a\":1}]", "51-/a,7[\"x\",{\"num\":0}]", "3/chat,5[1]", "1/chat," };
	char text[64];
	int accepted = 0;

	(void) state;
	srandom(42);
	for (int i = 0; i < 100000; i++)
	{
		const char *seed = seeds[random() % 5];
		size_t length = i % 2 ? strlen(seed) : (size_t) random() % sizeof(text);
		Packet packet;

		if (i % 2)
			memcpy(text, seed, length);
		for (size_t k = 0; k < (i % 2 ? (size_t) random() % 3 : length); k++)
			text[i % 2 ? (size_t) random() % length : k] = random() % 2 ? (char) random() : "0123456-/,[]{}\"x"[random() % 16];
		length -= i % 2 ? (size_t) random() % 2 : 0;
		if (!read_exactly(&packet, text, length))
			continue;
		accepted++;
		assert_in_range(packet.type, PACKET_CONNECT, PACKET_BINARY_ACK);
		assert_int_not_equal(packet.type, PACKET_CONNECT_ERROR);
		assert_int_equal(packet.namespace[0], '/');
		assert_in_range(packet.attachments, 0, 999999);
		if (packet.type == PACKET_EVENT || packet.type == PACKET_BINARY_EVENT)
			free(packet_event_name(&packet));
		packet_reset(&packet);
	}
	assert_in_range(accepted, 5000, 95000); /* both outcomes occur */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed_packets),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_event_without_usable_name),
		cmocka_unit_test(test_ack),
		cmocka_unit_test(test_connect_error),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_zero_bytes_and_deep_nesting),
		cmocka_unit_test(test_fuzz),
	};

	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
