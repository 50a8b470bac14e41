/*-------------------------------------------------------------------------
 *
 * test_protocol.c
 *	  What the protocols say and do on a connection, good input and bad.
 *
 * The gateway is the real one. Its database is never reached, for the loop does
 * not run: sessions that were admitted wait until the test lets them in.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <jwt.h>

#include "base/memory.h"
#include "fanout/room.h"
#include "gateway/gateway.h"
#include "protocol/dialect.h"
#include "protocol/sse_format.h"
#include "protocol/protocol.h"
#include "support.h"

#define SECRET "a secret of more than thirty-two bytes"
#define KEY "0123456789abcdef0123456789abcdef"
#define SID "0123456789abcdef0123"

static char secret_path[64];
static Config config = {
	.database = "host=/nonexistent",
	.database_timeout = 1000,
	.action_timeout = 1000,
	.jwt_secret_file = secret_path,
	.jwt_algorithm = "HS256",
	.jwt_audience = "",
	.jwt_issuer = "",
	.jwt_user_claim = "sub",
	.max_payload = 100000,
	.max_connections = 100,
	.queue_limit = 1000000,
	.ping_interval = 25000,
	.ping_timeout = 20000,
	.connect_timeout = 45000,
};

/* What carries a connection; its frames stay where the protocol has put them. */
typedef struct Wire
{
	Carrier carrier; /* first */
	int close_code;	 /* 0: not closed by the protocol */
} Wire;

static void
close_wire(Carrier *carrier, int code, const char *reason)
{
	(void) reason;
	((Wire *) carrier)->close_code = code;
}

static void
keep(Carrier *carrier)
{
	(void) carrier;
}

static const Transport socket_transport = { keep, keep, close_wire, NULL };
static const Transport polling_transport = { keep, keep, close_wire, keep };

static Wire *
wire_open_by(const Transport *transport, const Protocol *protocol, const Handshake *handshake)
{
	Wire *wire = memory_new(sizeof(Wire));

	wire->carrier.transport = transport;
	connection_open(&wire->carrier, &config, protocol, handshake);
	return wire;
}

static Wire *
wire_open(const Protocol *protocol, const char *token)
{
	Handshake handshake = { .token = token };

	return wire_open_by(&socket_transport, protocol, &handshake);
}

static void
wire_close(Wire *wire)
{
	connection_end(wire->carrier.connection);
	free(wire);
}

/* A copy at the very end of its memory: what reads past it is caught. */
static void
hear(Wire *wire, const char *text)
{
	size_t length = strlen(text);
	char *exact = malloc(length + 1);
	Connection *connection = wire->carrier.connection;

	memcpy(exact, text, length + 1);
	if (!connection->closing)
		connection->protocol->text(connection, exact, length);
	free(exact);
}

/* The payload of the oldest frame that has not been looked at; good until the next call. */
static const char *
said(Wire *wire)
{
	static char text[4096];
	Outbox *outbox = &wire->carrier.connection->outbox;
	Frame *frame = outbox_peek(outbox, 0);
	size_t length;
	const char *payload;

	if (frame == NULL)
		return "";
	payload = frame_payload(frame, &length);
	snprintf(text, sizeof(text), "%.*s", (int) length, payload);
	outbox_sent(outbox, 1);
	return text;
}

static char *
token_of(const char *user)
{
	jwt_t *token;
	char *text;

	jwt_new(&token);
	jwt_add_grant(token, "sub", user);
	jwt_set_alg(token, JWT_ALG_HS256, (const unsigned char *) SECRET, (int) strlen(SECRET));
	text = jwt_encode_str(token);
	jwt_free(token);
	return text;
}

/* What the gateway does when the rooms of a session are known. */
static void
let_in(Session *session, bool recovered)
{
	assert_int_equal(session->state, SESSION_ARRIVING);
	if (session->position == NULL)
		session->position = memory_copy("1~a~b~c");
	session->unread = 3;
	session->state = SESSION_REPLAYING;
	session->recovered = recovered;
	session->ops->welcome(session);
	session_go_live(session);
}

static void
publish(const char *name, const char *room)
{
	Event *event = support_event(name, room);

	room_publish(AUDIENCE_LIVE, event);
	event_unref(event);
}

static Wire *
open_plain(void)
{
	char *token = token_of("7");
	Wire *wire = wire_open(&plain_protocol, token);

	free(token);
	return wire;
}

static Wire *
open_socketio(const char *namespace, const char *more)
{
	char *token = token_of("7");
	char *packet = memory_format("40%s{\"token\":\"%s\"%s}", namespace, token, more);
	Wire *wire = wire_open(&engineio_protocol, NULL);

	assert_memory_equal(said(wire), "0{\"sid\":\"", 9);
	hear(wire, packet);
	free(packet);
	free(token);
	return wire;
}

/* A plain client and a client of "/" that are connected; "7" has no other session. */
static Wire *
live_plain(void)
{
	Wire *wire = open_plain();

	let_in(session_of_user("7"), false);
	said(wire);
	said(wire);
	return wire;
}

static Wire *
live_socketio(void)
{
	Wire *wire = open_socketio("", "");

	let_in(session_of_user("7"), false);
	said(wire);
	said(wire);
	return wire;
}

static void
test_plain_welcome_and_event(void **state)
{
	Wire *wire = open_plain();
	Session *session = session_of_user("7");
	char *welcome = memory_format("{\"event\":\"welcome\",\"data\":{\"userId\":\"7\",\"sessionId\":\"%s\",\"recovered\":false},"
								  "\"position\":\"1~a~b~c\"}",
								  session->key);

	(void) state;
	assert_string_equal(said(wire), "");
	let_in(session, false);
	assert_string_equal(said(wire), welcome);
	assert_string_equal(said(wire),
						"{\"event\":\"notification:unread\",\"room\":\"user:7\",\"data\":{\"count\":3},\"id\":null}");
	room_join(session, "post:42");
	publish("post:liked", "post:42");
	assert_string_equal(said(wire),
						"{\"event\":\"post:liked\",\"room\":\"post:42\",\"data\":{},\"id\":\"1\",\"position\":\"1\"}");
	free(welcome);
	wire_close(wire);
	assert_null(session_of_user("7"));
}

static void
test_plain_answers(void **state)
{
	Wire *wire = live_plain();

	(void) state;
	hear(wire, "{\"id\":1,\"action\":\"ping\"}");
	assert_string_equal(said(wire), "{\"id\":1,\"ok\":true,\"data\":{}}");
	hear(wire, "{\"id\":\"a\\\"b\",\"action\":\"ping\",\"data\":null}");
	assert_string_equal(said(wire), "{\"id\":\"a\\\"b\",\"ok\":true,\"data\":{}}");
	hear(wire, "{\"action\":\"ping\"}");
	assert_string_equal(said(wire), "");
	hear(wire, "{\"id\":2,\"action\":\"room:join\",\"data\":{\"room\":7}}");
	assert_non_null(strstr(said(wire), "{\"id\":2,\"ok\":false,\"error\":{\"code\":\"bad_request\""));
	hear(wire, "{\"id\":3,\"action\":\"room:join\",\"data\":{\"room\":\"post:1\"}}");
	assert_non_null(strstr(said(wire), "{\"id\":3,\"ok\":false,\"error\":{\"code\":\"unavailable\""));
	assert_int_equal(wire->close_code, 0);
	wire_close(wire);
}

static void
test_plain_token_in_the_first_frame(void **state)
{
	Wire *wire = wire_open(&plain_protocol, NULL);
	char *token = token_of("7");
	char *auth = memory_format("{\"action\":\"auth\",\"data\":{\"token\":\"%s\",\"position\":\"1~x\",\"sessionId\":\"" KEY "\"}}", token);

	(void) state;
	hear(wire, auth);
	assert_string_equal(session_of_user("7")->key, KEY);
	assert_string_equal(session_of_user("7")->position, "1~x");
	let_in(session_of_user("7"), true);
	assert_non_null(strstr(said(wire), "\"recovered\":true},\"position\":\"1~x\"}"));
	wire_close(wire);
	free(auth);
	free(token);
}

/* Input that ends the connection; what came before stays said, and nobody else notices. */
static const char *const bad_plain[] = {
	"", "hello", "[]", "42", "null", "{", "{\"id\":1}", "{\"id\":1,\"action\":1}", "{\"action\":null}", "{\"action\":\"a\",\"action\":\"b\"}",
	"{\"action\":\"\\ud800\"}", "\xff\xfe", "{\"action\":\"auth\",\"data\":{\"token\":\"a.b.c\"}}", "{\"action\":\"auth\"}"
};

static void
test_plain_bad_input(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(bad_plain) / sizeof(*bad_plain); i++)
	{
		Wire *wire = live_plain();

		hear(wire, bad_plain[i]);
		assert_int_not_equal(wire->close_code, 0);
		assert_non_null(strstr(said(wire), "{\"event\":\"error\",\"data\":{\"code\":\""));
		wire_close(wire);
	}
}

static void
test_plain_without_a_token(void **state)
{
	Wire *wire = wire_open(&plain_protocol, NULL);

	(void) state;
	hear(wire, "{\"id\":1,\"action\":\"ping\"}");
	assert_int_equal(wire->close_code, CLOSE_UNAUTHORIZED);
	assert_non_null(strstr(said(wire), "\"code\":\"token_missing\""));
	wire_close(wire);
}

static void
test_plain_another_user(void **state)
{
	Wire *wire = live_plain();
	char *token = token_of("8");
	char *auth = memory_format("{\"action\":\"auth\",\"data\":{\"token\":\"%s\"}}", token);

	(void) state;
	hear(wire, auth);
	assert_non_null(strstr(said(wire), "\"code\":\"token_wrong_user\""));
	assert_null(session_of_user("7"));
	assert_null(session_of_user("8"));
	wire_close(wire);
	free(auth);
	free(token);
}

static void
test_socketio_welcome_and_event(void **state)
{
	Wire *wire = open_socketio("", "");
	Session *session = session_of_user("7");
	const char *welcome;
	char *pid = memory_format("\"pid\":\"%s.", session->key);

	(void) state;
	let_in(session, false);
	welcome = said(wire);
	assert_memory_equal(welcome, "40{\"sid\":\"", 10);
	assert_non_null(strstr(welcome, pid));
	assert_non_null(strstr(welcome, ".1~a~b~c\"}"));
	assert_string_equal(said(wire), "42[\"notification:unread\",{\"count\":3},\"1~a~b~c\"]");
	room_join(session, "post:42");
	publish("post:liked", "post:42");
	assert_string_equal(said(wire), "42[\"post:liked\",{},\"1\"]");
	free(pid);
	wire_close(wire);
}

static void
test_socketio_recovery(void **state)
{
	Wire *wire = open_socketio("", ",\"pid\":\"" KEY "." SID ".1~be9a\",\"offset\":\"1~seen\"");
	Session *session = session_of_user("7");

	(void) state;
	assert_string_equal(session->key, KEY);
	assert_string_equal(session->position, "1~seen");
	let_in(session, true);
	assert_string_equal(said(wire), "40{\"sid\":\"" SID "\",\"pid\":\"" KEY "." SID ".1~be9a\"}");
	wire_close(wire);

	wire = open_socketio("", ",\"pid\":\"" KEY "." SID ".1~be9a\"");
	assert_string_equal(session_of_user("7")->position, "1~be9a");
	wire_close(wire);
}

/* A pid that was not made here is none: nothing of it comes back. */
static void
test_socketio_bad_pids(void **state)
{
	static const char *const pids[] = {
		"x", "", KEY, KEY ".", KEY "." SID, KEY "-" SID ".1", "\\\"\\\"\\\"" KEY "." SID ".1~be9a",
		"0123456789abcdef0123456789abcd\\\"\\\"." SID ".1~be9a", KEY ".\\\"123456789abcdef0123.1~be9a"
	};

	(void) state;
	for (size_t i = 0; i < sizeof(pids) / sizeof(*pids); i++)
	{
		char *more = memory_format(",\"pid\":\"%s\",\"offset\":\"1~seen\"", pids[i]);
		Wire *wire = open_socketio("", more);

		assert_string_not_equal(session_of_user("7")->key, KEY);
		assert_null(session_of_user("7")->position);
		wire_close(wire);
		free(more);
	}
}

static void
test_socketio_namespaces(void **state)
{
	Wire *wire = open_socketio("/notifications,", "");
	Session *session = session_of_user("7");

	(void) state;
	let_in(session, false);
	assert_memory_equal(said(wire), "40/notifications,{\"sid\":\"", 25);
	assert_string_equal(said(wire), "42/notifications,[\"notification:unread\",{\"count\":3},\"1~a~b~c\"]");
	room_join(session, "user:7");
	publish("message:created", "user:7");
	publish("user:followed", "user:7");
	assert_string_equal(said(wire), "42/notifications,[\"user:followed\",{},\"1\"]");
	hear(wire, "40/random");
	assert_string_equal(said(wire), "44/random,{\"message\":\"Invalid namespace\"}");
	hear(wire, "41/notifications");
	assert_null(session_of_user("7"));
	assert_int_equal(wire->close_code, 0);
	wire_close(wire);
}

static void
test_socketio_refusal(void **state)
{
	Wire *wire = wire_open(&engineio_protocol, NULL);

	(void) state;
	said(wire);
	hear(wire, "40");
	assert_non_null(strstr(said(wire), "44{\"message\":\"a token is needed\",\"data\":{\"code\":\"token_missing\"}}"));
	hear(wire, "40/chat,{\"token\":\"Bearer a.b.c\"}");
	assert_non_null(strstr(said(wire), "44/chat,{\"message\":"));
	assert_int_equal(wire->close_code, 0);
	wire_close(wire);
}

static void
attach(Wire *wire, const char *base64)
{
	wire->carrier.connection->protocol->binary(wire->carrier.connection, base64, strlen(base64));
}

static void
test_socketio_answers(void **state)
{
	Wire *wire = live_socketio();

	(void) state;
	hear(wire, "420[\"ping\"]");
	assert_string_equal(said(wire), "430[{\"ok\":true,\"data\":{}}]");
	hear(wire, "42007[\"ping\",{}] ");
	assert_string_equal(said(wire), "43007[{\"ok\":true,\"data\":{}}]");
	hear(wire, "42[\"ping\"]");
	assert_string_equal(said(wire), "");
	hear(wire, "452-5[\"ping\",{\"_placeholder\":true,\"num\":0},[{\"_placeholder\":true,\"num\":1}]]");
	attach(wire, "AQID");
	assert_string_equal(said(wire), "");
	attach(wire, "");
	assert_string_equal(said(wire), "435[{\"ok\":true,\"data\":{}}]");
	hear(wire, "421[\"ping\"]");
	assert_string_equal(said(wire), "431[{\"ok\":true,\"data\":{}}]");
	assert_int_equal(wire->close_code, 0);
	wire_close(wire);
}

static void
test_socketio_harmless_input(void **state)
{
	static const char *const harmless[] = { "0", "3", "5", "6", "42", "43[]", "4399[]" };
	Wire *wire = live_socketio();

	(void) state;
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		hear(wire, harmless[i]);
	assert_string_equal(said(wire), "");
	assert_int_equal(wire->close_code, 0);
	wire_close(wire);
}

static void
test_socketio_bad_input(void **state)
{
	static const char *const bad[] = {
		"", "2", "2probe", "7", "abc", "\xff", "4", "47", "4abc", "40", "40[]", "40\"x\"", "40null", "40{", "41{}", "42{}", "42[]",
		"42[null]", "42[\"x\"]zzz", "42abc[\"x\"]", "42[\"connect\"]", "42[\"disconnecting\"]", "42/chat,[\"x\"]", "43/chat,1[]", "41/chat,",
		"44{}", "450-[\"x\"]", "4511-[\"x\"]", "45-[\"x\"]", "451[\"x\"]", "45x-[\"x\"]", "451-", "42[\"\\ud800\"]", "42[\"x\",1"
	};

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
	{
		Wire *wire = live_socketio();

		hear(wire, bad[i]);
		assert_int_equal(wire->close_code, CLOSE_PROTOCOL_ERROR);
		wire_close(wire);
	}
}

static void
test_socketio_event_before_the_welcome(void **state)
{
	Wire *wire = open_socketio("", "");

	(void) state;
	hear(wire, "42[\"ping\"]");
	assert_int_equal(wire->close_code, CLOSE_PROTOCOL_ERROR);
	wire_close(wire);
}

static void
test_socketio_unexpected_binary(void **state)
{
	Wire *wire = live_socketio();

	(void) state;
	attach(wire, "AQID");
	assert_int_equal(wire->close_code, CLOSE_PROTOCOL_ERROR);
	wire_close(wire);
	wire = live_socketio();
	hear(wire, "451-[\"ping\",{\"_placeholder\":true,\"num\":1}]");
	attach(wire, "AQID");
	assert_int_equal(wire->close_code, CLOSE_PROTOCOL_ERROR);
	wire_close(wire);
}

static void
assert_begins(const char *text, const char *beginning)
{
	char *begun = memory_copy_bytes(text, strnlen(text, strlen(beginning)));

	assert_string_equal(begun, beginning);
	free(begun);
}

static Wire *
open_stream(const char *room)
{
	char *token = token_of("7");
	Handshake handshake = { .token = token, .rooms = json_pack("[s]", room) };
	Wire *wire = wire_open_by(&socket_transport, &sse_format_protocol, &handshake);
	Refusal refusal;

	assert_true(sse_format_admitted(wire->carrier.connection, &refusal));
	json_decref(handshake.rooms);
	free(token);
	return wire;
}

/* A name or a payload with line breaks is still one event. */
static void
test_stream_welcome_and_event(void **state)
{
	Wire *wire = open_stream("post:42");
	Session *session = session_of_user("7");
	Event *event = support_event("post\nid: 7\r", "post:42");
	unsigned int milliseconds;

	(void) state;
	let_in(session, false);
	assert_int_equal(sscanf(said(wire), "retry: %u\n\n", &milliseconds), 1);
	assert_in_range(milliseconds, 1000, 2999);
	assert_begins(said(wire), "id: 1~a~b~c\nevent: welcome\ndata: {\"event\":\"welcome\",");
	assert_string_equal(said(wire), "event: notification:unread\ndata: {\"event\":\"notification:unread\",\"room\":\"user:7\","
									"\"data\":{\"count\":3},\"id\":null}\n\n");
	room_join(session, "post:42");
	free(event->payload);
	event->payload = memory_copy("{\r\n\"a\":\n1}");
	room_publish(AUDIENCE_LIVE, event);
	event_unref(event);
	assert_string_equal(said(wire), "id: 1\nevent: post id: 7 \ndata: {\"event\":\"post\\nid: 7\\r\",\"room\":\"post:42\","
									"\"data\":{  \"a\": 1},\"id\":\"1\",\"position\":\"1\"}\n\n");
	wire_close(wire);
	assert_null(session_of_user("7"));
}

/* A name that no room can have is told behind the welcome; a room that cannot be asked for now ends the stream. */
static void
test_stream_rooms(void **state)
{
	Wire *wire = open_stream("");
	Session *session = session_of_user("7");

	(void) state;
	session->ops->join(session);
	assert_string_equal(said(wire), "");
	let_in(session, false);
	for (int i = 0; i < 3; i++)
		said(wire);
	assert_begins(said(wire), "event: error\ndata: {\"event\":\"error\",\"room\":\"\",\"data\":{\"code\":\"bad_request\"");
	wire_close(wire);
	wire = open_stream("post:42");
	session = session_of_user("7");
	session->ops->join(session);
	assert_null(session_of_user("7"));
	assert_begins(said(wire), "event: error\ndata: {\"event\":\"error\",\"data\":{\"code\":\"unavailable\"");
	assert_int_equal(wire->close_code, CLOSE_RESTART);
	wire_close(wire);
}

static void
test_stream_refusal(void **state)
{
	Wire *wire = wire_open(&sse_format_protocol, "a.b.c");
	Refusal refusal;

	(void) state;
	assert_false(sse_format_admitted(wire->carrier.connection, &refusal));
	assert_string_equal(refusal.code, "token_invalid");
	assert_string_equal(said(wire), "");
	wire_close(wire);
}

/* A session that is carried by polls, and the id that its client was told. */
static Wire *
open_polls(char *sid, size_t size)
{
	Handshake handshake = { 0 };
	Wire *wire = wire_open_by(&polling_transport, &engineio_protocol, &handshake);
	const char *open = said(wire);

	assert_non_null(strstr(open, "\"upgrades\":[\"websocket\"]"));
	snprintf(sid, size, "%.32s", open + strlen("0{\"sid\":\""));
	return wire;
}

static Wire *
open_upgrade(const char *sid)
{
	Handshake handshake = { .sid = sid };

	return wire_open_by(&socket_transport, &upgrade_protocol, &handshake);
}

static void
test_upgrade(void **state)
{
	char sid[40];
	Wire *polls = open_polls(sid, sizeof(sid));
	Wire *socket = open_upgrade(sid);
	Connection *session = polls->carrier.connection;

	(void) state;
	hear(socket, "2probe");
	assert_string_equal(said(socket), "3probe");
	hear(polls, "40/random");
	hear(socket, "5");
	assert_ptr_equal(socket->carrier.connection, session);
	assert_string_equal(said(socket), "44/random,{\"message\":\"Invalid namespace\"}");
	assert_int_equal(polls->close_code, CLOSE_GOING_AWAY);
	assert_int_equal(socket->close_code, 0);
	wire_close(polls);
	hear(socket, "3");
	assert_int_equal(socket->close_code, 0);
	wire_close(socket);
}

static void
test_upgrade_of_what_is_none(void **state)
{
	char sid[40];
	Wire *polls = open_polls(sid, sizeof(sid));
	Wire *first = open_upgrade(sid);
	Wire *second = open_upgrade(sid);
	Wire *nobodys = open_upgrade("00000000000000000000000000000000");

	(void) state;
	assert_int_equal(second->close_code, CLOSE_PROTOCOL_ERROR);
	assert_int_equal(nobodys->close_code, CLOSE_PROTOCOL_ERROR);
	wire_close(second);
	wire_close(nobodys);
	hear(first, "2probe");
	wire_close(polls);
	hear(first, "5");
	assert_int_equal(first->close_code, CLOSE_PROTOCOL_ERROR);
	wire_close(first);
}

static void
test_upgrade_that_goes_wrong(void **state)
{
	static const char *const wrong[] = { "", "5", "2", "2prob", "3probe", "2probex", "42[\"ping\"]" };
	char sid[40];
	Wire *polls = open_polls(sid, sizeof(sid));

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
	{
		Wire *socket = open_upgrade(sid);

		hear(socket, wrong[i]);
		assert_int_equal(socket->close_code, CLOSE_PROTOCOL_ERROR);
		wire_close(socket);
	}
	hear(polls, "3");
	assert_int_equal(polls->close_code, 0);
	wire_close(polls);
}

/* A session that comes back while its old connection still stands: the old one is told and ended. */
static void
test_take_over(void **state)
{
	const char *pid = ",\"pid\":\"" KEY "." SID ".1~be9a\"";
	Wire *old = open_socketio("", pid);
	Session *session = session_of_user("7");
	Wire *new;

	(void) state;
	let_in(session, true);
	new = open_socketio("", pid);
	assert_int_equal(old->close_code, CLOSE_RESTART);
	assert_non_null(session_of_user("7"));
	assert_null(session_of_user("7")->next_of_user);
	wire_close(old);
	assert_non_null(session_of_user("7"));
	wire_close(new);
}

/* Whatever comes, the process stays whole: good packets with bytes changed, cut off and doubled. */
static void
test_any_bytes(void **state)
{
	static const char *const seeds[] = {
		"40/chat,{\"token\":\"x\",\"pid\":\"" KEY "." SID ".1~a\"}", "4212[\"room:join\",{\"room\":\"post:42\"}]", "452-3[\"x\",{\"_placeholder\":true}]",
		"{\"id\":1,\"action\":\"room:leave\",\"data\":{\"room\":\"post:42\"}}", "{\"action\":\"auth\",\"data\":{\"token\":\"x\",\"position\":\"1~a\"}}"
	};
	char text[256];

	(void) state;
	srandom(7);
	for (int round = 0; round < 20000; round++)
	{
		const char *seed = seeds[(size_t) round % (sizeof(seeds) / sizeof(*seeds))];
		Wire *wire = *seed == '{' ? live_plain() : live_socketio();
		size_t length = (size_t) snprintf(text, sizeof(text), "%s", seed);

		for (long changes = random() % 4; changes >= 0; changes--)
			text[(size_t) random() % length] = (char) (random() % 4 ? "{}[]\",:/-0149"[random() % 13] : random());
		text[random() % 3 ? length : (size_t) random() % length] = '\0';
		hear(wire, text);
		wire_close(wire);
	}
	assert_null(session_of_user("7"));
}

static int
begin(void **state)
{
	FILE *file;

	(void) state;
	snprintf(secret_path, sizeof(secret_path), "/tmp/herald-secret.%d", (int) getpid());
	file = fopen(secret_path, "w");
	fputs(SECRET, file);
	fclose(file);
	if (!auth_configure(&config) || !dialect_load("../../bridge/dialects/canonical.json"))
		return -1;
	outbox_start();
	gateway_start(&config);
	return 0;
}

static int
end(void **state)
{
	(void) state;
	gateway_stop();
	dialect_unload();
	return unlink(secret_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_welcome_and_event),
		cmocka_unit_test(test_plain_answers),
		cmocka_unit_test(test_plain_token_in_the_first_frame),
		cmocka_unit_test(test_plain_bad_input),
		cmocka_unit_test(test_plain_without_a_token),
		cmocka_unit_test(test_plain_another_user),
		cmocka_unit_test(test_socketio_welcome_and_event),
		cmocka_unit_test(test_socketio_recovery),
		cmocka_unit_test(test_socketio_bad_pids),
		cmocka_unit_test(test_socketio_namespaces),
		cmocka_unit_test(test_socketio_refusal),
		cmocka_unit_test(test_socketio_answers),
		cmocka_unit_test(test_socketio_harmless_input),
		cmocka_unit_test(test_socketio_bad_input),
		cmocka_unit_test(test_socketio_event_before_the_welcome),
		cmocka_unit_test(test_socketio_unexpected_binary),
		cmocka_unit_test(test_stream_welcome_and_event),
		cmocka_unit_test(test_stream_rooms),
		cmocka_unit_test(test_stream_refusal),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_upgrade_of_what_is_none),
		cmocka_unit_test(test_upgrade_that_goes_wrong),
		cmocka_unit_test(test_take_over),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
