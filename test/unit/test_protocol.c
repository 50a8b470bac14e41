/*-------------------------------------------------------------------------
 *
 * test_protocol.c
 *	  The protocols answer valid input and survive invalid input.
 *
 * A fake carrier holds each connection.  The gateway is the real one.  It never reaches its
 * database, because the loop does not run: admitted sessions wait until the test welcomes them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/budget.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "catchup/joined_rooms.h"
#include "fanout/room.h"
#include "fanout/user.h"
#include "gateway/gateway.h"
#include "protocol/dialect.h"
#include "protocol/old_client.h"
#include "protocol/sse_format.h"
#include "protocol/connection.h"
#include "secret.h"
#include "support.h"

#define KEY "0123456789abcdef0123456789abcdef"
#define SID "0123456789abcdef0123"

static Config config = {
	.max_rooms = 1000,
	.max_session_actions = 100,
	.max_user_actions = 300,
	.database = "host=/nonexistent",
	.database_timeout = 1000,
	.action_timeout = 1000,
	.jwt_audience = "",
	SECRET_SETTINGS,
	.max_payload = 100000,
	.max_connections = 100,
	.queue_limit = 1000000,
	.ping_interval = 25000,
	.ping_timeout = 20000,
	.connect_timeout = 45000,
};

/* A carrier that sends nothing: frames stay in the outbox, where sent() takes them. */
typedef struct FakeCarrier
{
	Carrier base;	/* first */
	int close_code; /* 0: the protocol has not closed the connection */
} FakeCarrier;

static void
fake_close(Carrier *carrier, int code, const char *reason)
{
	(void) reason;
	((FakeCarrier *) carrier)->close_code = code;
}

static void
fake_ignore(Carrier *carrier)
{
	(void) carrier;
}

static const Transport socket_transport = { fake_ignore, fake_ignore, fake_close, NULL, "websocket", &metrics.websockets };
static const Transport polling_transport = { fake_ignore, fake_ignore, fake_close, fake_ignore, "polling", &metrics.polling };

static FakeCarrier *
connect_by(const Transport *transport, const Protocol *protocol, const Handshake *handshake)
{
	FakeCarrier *carrier = memory_new(sizeof(FakeCarrier));

	carrier->base.transport = transport;
	connection_open(&carrier->base, &config, protocol, handshake);
	return carrier;
}

static FakeCarrier *
connect_to(const Protocol *protocol, const char *token)
{
	Handshake handshake = { .token = token };

	return connect_by(&socket_transport, protocol, &handshake);
}

static void
disconnect(FakeCarrier *carrier)
{
	connection_end(carrier->base.connection);
	free(carrier);
}

/* Passes a copy of exactly this size, so that AddressSanitizer reports a read behind it. */
static void
receive(FakeCarrier *carrier, const char *text)
{
	size_t length = strlen(text);
	char *exact = malloc(length + 1);
	Connection *connection = carrier->base.connection;

	memcpy(exact, text, length + 1);
	if (!connection->closing)
		connection->protocol->text(connection, exact, length);
	free(exact);
}

/* Takes the next frame from the outbox and returns its payload, which is valid until the next call. */
static const char *
sent(FakeCarrier *carrier)
{
	static char text[4096];
	Outbox *outbox = &carrier->base.connection->outbox;
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
	char *claims = memory_format("{\"sub\":\"%s\",\"exp\":4102444800}", user);
	char *token = secret_sign(claims);

	free(claims);
	return token;
}

/* Stands for the database's answer.  The session leaves its list, which is never looked at: there is no database. */
static void
locate(Session *session)
{
	const char *position = session->cursor.position;

	session->list = LIST_NONE;
	catchup_cursor_locate(&session->cursor, memory_copy(position ? position : "1~a~b~c"), seen_snapshots_new(0));
}

/* Welcomes a session, as the gateway does when it knows its rooms. */
static void
welcome_session(Session *session, bool recovered)
{
	assert_int_equal(session->state, SESSION_ARRIVING);
	locate(session);
	catchup_cursor_set_recovered(&session->cursor, recovered);
	session->unread = 3;
	roster_welcome(session);
	roster_go_live(session);
}

static void
publish(const char *name, const char *room)
{
	Event *event = support_event(name, room);

	room_publish(AUDIENCE_LIVE, event);
	event_unref(event);
}

static FakeCarrier *
open_plain(void)
{
	char *token = token_of("7");
	FakeCarrier *carrier = connect_to(&plain_protocol, token);

	free(token);
	return carrier;
}

static FakeCarrier *
open_socketio(const char *namespace, const char *more)
{
	char *token = token_of("7");
	char *packet = memory_format("40%s{\"token\":\"%s\"%s}", namespace, token, more);
	FakeCarrier *carrier = connect_to(&engineio_protocol, NULL);

	assert_memory_equal(sent(carrier), "0{\"sid\":\"", 9);
	receive(carrier, packet);
	free(packet);
	free(token);
	return carrier;
}

/* Connects a plain client and a client of "/", each as the only session of user "7". */
static FakeCarrier *
live_plain(void)
{
	FakeCarrier *carrier = open_plain();

	welcome_session(user_sessions("7"), false);
	sent(carrier);
	sent(carrier);
	return carrier;
}

static FakeCarrier *
live_socketio(void)
{
	FakeCarrier *carrier = open_socketio("", "");

	welcome_session(user_sessions("7"), false);
	sent(carrier);
	sent(carrier);
	return carrier;
}

static void
test_plain_welcome_and_event(void **state)
{
	FakeCarrier *carrier = open_plain();
	Session *session = user_sessions("7");
	char *welcome = memory_format("{\"event\":\"welcome\",\"data\":{\"userId\":\"7\",\"sessionId\":\"%s\",\"recovered\":false},"
								  "\"position\":\"1~a~b~c\"}",
								  session->key);

	(void) state;
	assert_string_equal(sent(carrier), "");
	welcome_session(session, false);
	assert_string_equal(sent(carrier), welcome);
	assert_string_equal(sent(carrier),
						"{\"event\":\"notification:unread\",\"room\":\"user:7\",\"data\":{\"count\":3},\"id\":null}");
	room_join(session, "post:42");
	publish("post:liked", "post:42");
	assert_string_equal(sent(carrier),
						"{\"event\":\"post:liked\",\"room\":\"post:42\",\"data\":{},\"id\":\"1\",\"position\":\"1\"}");
	free(welcome);
	disconnect(carrier);
	assert_null(user_sessions("7"));
}

static void
test_plain_answers(void **state)
{
	FakeCarrier *carrier = live_plain();

	(void) state;
	receive(carrier, "{\"id\":1,\"action\":\"ping\"}");
	assert_string_equal(sent(carrier), "{\"id\":1,\"ok\":true,\"data\":{}}");
	receive(carrier, "{\"id\":\"a\\\"b\",\"action\":\"ping\",\"data\":null}");
	assert_string_equal(sent(carrier), "{\"id\":\"a\\\"b\",\"ok\":true,\"data\":{}}");
	receive(carrier, "{\"action\":\"ping\"}");
	assert_string_equal(sent(carrier), "");
	receive(carrier, "{\"id\":2,\"action\":\"room:join\",\"data\":{\"room\":7}}");
	assert_non_null(strstr(sent(carrier), "{\"id\":2,\"ok\":false,\"error\":{\"code\":\"bad_request\""));
	receive(carrier, "{\"id\":3,\"action\":\"room:join\",\"data\":{\"room\":\"post:1\"}}");
	assert_non_null(strstr(sent(carrier), "{\"id\":3,\"ok\":false,\"error\":{\"code\":\"unavailable\""));
	receive(carrier, "{\"id\":4,\"action\":\"room:join\",\"data\":{\"room\":\"post:1\\u0000\"}}");
	assert_non_null(strstr(sent(carrier), "{\"id\":4,\"ok\":false,\"error\":{\"code\":\"bad_request\""));
	receive(carrier, "{\"id\":5,\"action\":\"\\ud800\"}");
	assert_non_null(strstr(sent(carrier), "{\"id\":5,\"ok\":false,\"error\":{\"code\":\"bad_request\""));
	receive(carrier, "{\"action\":\"\\ud800\"}");
	assert_string_equal(sent(carrier), "");
	assert_int_equal(carrier->close_code, 0);
	disconnect(carrier);
}

static void
test_plain_token_in_the_first_frame(void **state)
{
	FakeCarrier *carrier = connect_to(&plain_protocol, NULL);
	char *token = token_of("7");
	char *auth = memory_format("{\"action\":\"auth\",\"data\":{\"token\":\"%s\",\"position\":\"1~x\",\"sessionId\":\"" KEY "\"}}", token);

	(void) state;
	receive(carrier, auth);
	assert_string_equal(user_sessions("7")->key, KEY);
	assert_string_equal(user_sessions("7")->cursor.position, "1~x");
	welcome_session(user_sessions("7"), true);
	assert_non_null(strstr(sent(carrier), "\"recovered\":true},\"position\":\"1~x\"}"));
	disconnect(carrier);
	free(auth);
	free(token);
}

/* Input that ends the connection. */
static const char *const bad_plain[] = {
	"", "hello", "[]", "42", "null", "{", "{\"id\":1}", "{\"id\":1,\"action\":1}", "{\"action\":null}",
	"\xff\xfe", "{\"action\":\"auth\",\"data\":{\"token\":\"a.b.c\"}}", "{\"action\":\"auth\"}"
};

static void
test_plain_bad_input(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(bad_plain) / sizeof(*bad_plain); i++)
	{
		FakeCarrier *carrier = live_plain();

		receive(carrier, bad_plain[i]);
		assert_int_not_equal(carrier->close_code, 0);
		assert_non_null(strstr(sent(carrier), "{\"event\":\"error\",\"data\":{\"code\":\""));
		disconnect(carrier);
	}
}

static void
test_plain_without_a_token(void **state)
{
	FakeCarrier *carrier = connect_to(&plain_protocol, NULL);

	(void) state;
	receive(carrier, "{\"id\":1,\"action\":\"ping\"}");
	assert_int_equal(carrier->close_code, CLOSE_UNAUTHORIZED);
	assert_non_null(strstr(sent(carrier), "\"code\":\"token_missing\""));
	disconnect(carrier);
}

static void
test_plain_token_of_another_user(void **state)
{
	FakeCarrier *carrier = live_plain();
	char *token = token_of("8");
	char *auth = memory_format("{\"action\":\"auth\",\"data\":{\"token\":\"%s\"}}", token);

	(void) state;
	receive(carrier, auth);
	assert_non_null(strstr(sent(carrier), "\"code\":\"token_wrong_user\""));
	assert_null(user_sessions("7"));
	assert_null(user_sessions("8"));
	disconnect(carrier);
	free(auth);
	free(token);
}

static void
test_socketio_welcome_and_event(void **state)
{
	FakeCarrier *carrier = open_socketio("", "");
	Session *session = user_sessions("7");
	const char *welcome;
	char *pid = memory_format("\"pid\":\"%s.", session->key);

	(void) state;
	welcome_session(session, false);
	welcome = sent(carrier);
	assert_memory_equal(welcome, "40{\"sid\":\"", 10);
	assert_non_null(strstr(welcome, pid));
	assert_non_null(strstr(welcome, ".1~a~b~c\"}"));
	assert_string_equal(sent(carrier), "42[\"notification:unread\",{\"count\":3},\"1~a~b~c\"]");
	room_join(session, "post:42");
	publish("post:liked", "post:42");
	assert_string_equal(sent(carrier), "42[\"post:liked\",{},\"1\"]");
	free(pid);
	disconnect(carrier);
}

static void
test_socketio_recovery(void **state)
{
	FakeCarrier *carrier = open_socketio("", ",\"pid\":\"" KEY "." SID ".1~be9a\",\"offset\":\"1~seen\"");
	Session *session = user_sessions("7");

	(void) state;
	assert_string_equal(session->key, KEY);
	assert_string_equal(session->cursor.position, "1~seen");
	welcome_session(session, true);
	assert_string_equal(sent(carrier), "40{\"sid\":\"" SID "\",\"pid\":\"" KEY "." SID ".1~be9a\"}");
	disconnect(carrier);

	carrier = open_socketio("", ",\"pid\":\"" KEY "." SID ".1~be9a\"");
	assert_string_equal(user_sessions("7")->cursor.position, "1~be9a");
	disconnect(carrier);
}

/* A malformed pid is ignored: neither key nor position come from it. */
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
		FakeCarrier *carrier = open_socketio("", more);

		assert_string_not_equal(user_sessions("7")->key, KEY);
		assert_null(user_sessions("7")->cursor.position);
		disconnect(carrier);
		free(more);
	}
}

static void
test_socketio_namespaces(void **state)
{
	FakeCarrier *carrier = open_socketio("/notifications,", "");
	Session *session = user_sessions("7");

	(void) state;
	welcome_session(session, false);
	assert_memory_equal(sent(carrier), "40/notifications,{\"sid\":\"", 25);
	assert_string_equal(sent(carrier), "42/notifications,[\"notification:unread\",{\"count\":3},\"1~a~b~c\"]");
	room_join(session, "user:7");
	publish("message:created", "user:7");
	publish("user:followed", "user:7");
	assert_string_equal(sent(carrier), "42/notifications,[\"user:followed\",{},\"1\"]");
	receive(carrier, "40/random");
	assert_string_equal(sent(carrier), "44/random,{\"message\":\"Invalid namespace\"}");
	receive(carrier, "41/notifications");
	assert_null(user_sessions("7"));
	assert_int_equal(carrier->close_code, 0);
	disconnect(carrier);
}

static void
test_socketio_refusal(void **state)
{
	FakeCarrier *carrier = connect_to(&engineio_protocol, NULL);

	(void) state;
	sent(carrier);
	receive(carrier, "40");
	assert_non_null(strstr(sent(carrier), "44{\"message\":\"a token is needed\",\"data\":{\"code\":\"token_missing\"}}"));
	receive(carrier, "40/chat,{\"token\":\"Bearer a.b.c\"}");
	assert_non_null(strstr(sent(carrier), "44/chat,{\"message\":"));
	assert_int_equal(carrier->close_code, 0);
	disconnect(carrier);
}

static void
receive_binary(FakeCarrier *carrier, const char *base64)
{
	carrier->base.connection->protocol->binary(carrier->base.connection, base64, strlen(base64));
}

static void
test_socketio_answers(void **state)
{
	FakeCarrier *carrier = live_socketio();

	(void) state;
	receive(carrier, "420[\"ping\"]");
	assert_string_equal(sent(carrier), "430[{\"ok\":true,\"data\":{}}]");
	receive(carrier, "42007[\"ping\",{}] ");
	assert_string_equal(sent(carrier), "43007[{\"ok\":true,\"data\":{}}]");
	receive(carrier, "42[\"ping\"]");
	assert_string_equal(sent(carrier), "");
	receive(carrier, "452-5[\"ping\",{\"_placeholder\":true,\"num\":0},[{\"_placeholder\":true,\"num\":1}]]");
	receive_binary(carrier, "AQID");
	assert_string_equal(sent(carrier), "");
	receive_binary(carrier, "");
	assert_string_equal(sent(carrier), "435[{\"ok\":true,\"data\":{}}]");
	receive(carrier, "421[\"ping\"]");
	assert_string_equal(sent(carrier), "431[{\"ok\":true,\"data\":{}}]");
	receive(carrier, "428[\"ping\",\"\\ud800\"]");
	assert_non_null(strstr(sent(carrier), "438[{\"ok\":false,\"error\":{\"code\":\"bad_request\""));
	assert_int_equal(carrier->close_code, 0);
	disconnect(carrier);
}

static void
test_socketio_harmless_input(void **state)
{
	static const char *const harmless[] = { "0", "3", "5", "6", "42", "43[]", "4399[]" };
	FakeCarrier *carrier = live_socketio();

	(void) state;
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		receive(carrier, harmless[i]);
	assert_string_equal(sent(carrier), "");
	assert_int_equal(carrier->close_code, 0);
	disconnect(carrier);
}

static void
test_socketio_bad_input(void **state)
{
	static const char *const bad[] = {
		"", "2", "2probe", "7", "abc", "\xff", "4", "47", "4abc", "40", "40[]", "40\"x\"", "40null", "40{", "41{}", "42{}", "42[]",
		"42[null]", "42[\"x\"]zzz", "42abc[\"x\"]", "42[\"connect\"]", "42[\"disconnecting\"]", "42/chat,[\"x\"]", "43/chat,1[]", "41/chat,",
		"44{}", "450-[\"x\"]", "451000000-[\"x\"]", "45-[\"x\"]", "451[\"x\"]", "45x-[\"x\"]", "451-", "42[\"x\",1"
	};

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
	{
		FakeCarrier *carrier = live_socketio();

		receive(carrier, bad[i]);
		assert_int_equal(carrier->close_code, CLOSE_PROTOCOL_ERROR);
		disconnect(carrier);
	}
}

static void
test_socketio_event_before_welcome(void **state)
{
	FakeCarrier *carrier = open_socketio("", "");

	(void) state;
	receive(carrier, "42[\"ping\"]");
	assert_int_equal(carrier->close_code, CLOSE_PROTOCOL_ERROR);
	disconnect(carrier);
}

/* The client may send packets before it hears that the bridge has ended its session. */
static void
test_socketio_packets_cross_the_end(void **state)
{
	static const char *const late[] = { "42[\"ping\"]", "421[\"ping\"]", "432[]", "451-[\"x\",{\"_placeholder\":true,\"num\":0}]", "41", "41" };
	FakeCarrier *carrier = live_socketio();
	Session *session = user_sessions("7");

	(void) state;
	session->ops->dismiss(session, "token_expired", "the token has expired", 0);
	assert_string_equal(sent(carrier), "42[\"error\",{\"code\":\"token_expired\",\"message\":\"the token has expired\"}]");
	assert_string_equal(sent(carrier), "41");
	for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++)
	{
		receive(carrier, late[i]);
		if (strstr(late[i], "451") == late[i])
			receive_binary(carrier, "AQID");
	}
	assert_string_equal(sent(carrier), "");
	assert_int_equal(carrier->close_code, 0);
	receive(carrier, "42/chat,[\"ping\"]");
	assert_int_equal(carrier->close_code, CLOSE_PROTOCOL_ERROR);
	disconnect(carrier);
}

static void
expect_refused_answer(FakeCarrier *carrier, const char *id)
{
	char *beginning = memory_format("43%s[{\"ok\":false,\"error\":{\"code\":\"bad_request\"", id);

	assert_non_null(strstr(sent(carrier), beginning));
	assert_int_equal(carrier->close_code, 0);
	free(beginning);
}

/* Too many binary arguments, and too large ones, are an error of their event. */
static void
test_socketio_refuses_binary_arguments(void **state)
{
	FakeCarrier *carrier = live_socketio();
	size_t limit = (size_t) carrier->base.connection->config->max_payload;
	char *large = calloc(1, limit / 2 + 2);

	(void) state;
	memset(large, 'A', limit / 2 + 1);
	receive(carrier, "4512-8[\"ping\",{\"_placeholder\":true,\"num\":11}]");
	for (int i = 0; i < 12; i++)
		receive_binary(carrier, "AQID");
	expect_refused_answer(carrier, "8");
	receive(carrier, "453-9[\"ping\",{\"_placeholder\":true,\"num\":0}]");
	for (int i = 0; i < 3; i++)
		receive_binary(carrier, large);
	expect_refused_answer(carrier, "9");
	receive(carrier, "421[\"ping\"]");
	assert_string_equal(sent(carrier), "431[{\"ok\":true,\"data\":{}}]");
	disconnect(carrier);
	free(large);
}

/* Attachments that a client sends without the last one count on the budget of all, and are refused when it is spent. */
static void
test_socketio_bounds_unfinished_binary_arguments(void **state)
{
	static Config all = { .total_queue_limit = LONG_MAX };
	FakeCarrier *carrier = live_socketio();
	int64_t before = metrics.waiting_bytes;
	int64_t refused;
	char text[10001] = "";

	(void) state;
	budget_start(&all);
	memset(text, 'A', sizeof(text) - 1);
	receive(carrier, "452-8[\"ping\",{\"_placeholder\":true,\"num\":0}]");
	receive_binary(carrier, text);
	assert_true(metrics.waiting_bytes - before >= 10000);
	receive_binary(carrier, "AQID");
	assert_non_null(strstr(sent(carrier), "438[{\"ok\":true"));
	receive(carrier, "452-9[\"ping\",{\"_placeholder\":true,\"num\":0}]");
	all.total_queue_limit = metrics.waiting_bytes + 9999;
	refused = metrics.waiting_bytes;
	receive_binary(carrier, text);
	assert_int_equal(metrics.waiting_bytes, refused); /* the packet stays until its last attachment */
	receive_binary(carrier, "AQID");
	expect_refused_answer(carrier, "9");
	all.total_queue_limit = LONG_MAX;
	receive(carrier, "452-10[\"ping\",{\"_placeholder\":true,\"num\":0}]");
	receive_binary(carrier, text);
	disconnect(carrier);
	assert_int_equal(metrics.waiting_bytes, before);
}

static void
test_socketio_unexpected_binary(void **state)
{
	FakeCarrier *carrier = live_socketio();

	(void) state;
	receive_binary(carrier, "AQID");
	assert_int_equal(carrier->close_code, CLOSE_PROTOCOL_ERROR);
	disconnect(carrier);
	carrier = live_socketio();
	receive(carrier, "451-[\"ping\",{\"_placeholder\":true,\"num\":1}]");
	receive_binary(carrier, "AQID");
	assert_int_equal(carrier->close_code, CLOSE_PROTOCOL_ERROR);
	disconnect(carrier);
}

static void
assert_begins(const char *text, const char *beginning)
{
	char *begun = memory_copy_bytes(text, strnlen(text, strlen(beginning)));

	assert_string_equal(begun, beginning);
	free(begun);
}

static FakeCarrier *
open_stream(const char *room)
{
	char *token = token_of("7");
	Handshake handshake = { .token = token, .rooms = json_pack("[s]", room) };
	FakeCarrier *carrier = connect_by(&socket_transport, &sse_format_protocol, &handshake);
	Refusal refusal;

	assert_true(sse_format_admitted(carrier->base.connection, &refusal));
	json_decref(handshake.rooms);
	free(token);
	return carrier;
}

/* Line breaks in a name or payload do not break the event. */
static void
test_stream_welcome_and_event(void **state)
{
	FakeCarrier *carrier = open_stream(NULL);
	Session *session = user_sessions("7");
	Event *event = support_event("post\nid: 7\r", "post:42");
	unsigned int milliseconds;

	(void) state;
	welcome_session(session, false);
	assert_int_equal(sscanf(sent(carrier), "retry: %u\n\n", &milliseconds), 1);
	assert_in_range(milliseconds, 1000, 2999);
	assert_begins(sent(carrier), "id: 1~a~b~c\nevent: welcome\ndata: {\"event\":\"welcome\",");
	assert_string_equal(sent(carrier), "event: notification:unread\ndata: {\"event\":\"notification:unread\",\"room\":\"user:7\","
									   "\"data\":{\"count\":3},\"id\":null}\n\n");
	room_join(session, "post:42");
	free(event->payload);
	event->payload = memory_copy("{\r\n\"a\":\n1}");
	room_publish(AUDIENCE_LIVE, event);
	event_unref(event);
	assert_string_equal(sent(carrier), "id: 1\nevent: post id: 7 \ndata: {\"event\":\"post\\nid: 7\\r\",\"room\":\"post:42\","
									   "\"data\":{  \"a\": 1},\"id\":\"1\",\"position\":\"1\"}\n\n");
	disconnect(carrier);
	assert_null(user_sessions("7"));
}

/* The rooms of the URL that the session may not join are reported after the welcome. */
static void
test_stream_rooms(void **state)
{
	FakeCarrier *carrier = open_stream("post:42");
	Session *session = user_sessions("7");

	(void) state;
	assert_string_equal(session->asked, "[\"post:42\"]");
	locate(session);
	session_tell_left(session, "post:42", &room_forbidden);
	welcome_session(session, false);
	for (int i = 0; i < 3; i++)
		sent(carrier);
	assert_begins(sent(carrier), "event: error\ndata: {\"event\":\"error\",\"room\":\"post:42\",\"data\":{\"code\":\"forbidden\"");
	assert_string_equal(sent(carrier), "");
	disconnect(carrier);
}

/* A check withdraws the access to each room that its answer lacks, also if the answer is malformed. */
static void
test_check_without_answer(void **state)
{
	FakeCarrier *carrier = open_plain();
	Session *session = user_sessions("7");
	Snapshot *checked = snapshot_parse("40:40:");
	const char *const answers[] = { "[]", "[{" };

	(void) state;
	welcome_session(session, false);
	locate(session);
	for (int i = 0; i < 2; i++)
	{
		char *held;

		room_admit(session, "post:42", access_new(checked, NULL, 0));
		held = joined_rooms_held(session);
		assert_string_equal(held, "[\"post:42\"]");
		free(held);
		joined_rooms_take(session, answers[i], "50:50:", false, 1000);
		assert_false(room_has(session, "post:42"));
	}
	snapshot_unref(checked);
	disconnect(carrier);
}

static void
test_stream_refusal(void **state)
{
	FakeCarrier *carrier = connect_to(&sse_format_protocol, "a.b.c");
	Refusal refusal;

	(void) state;
	assert_false(sse_format_admitted(carrier->base.connection, &refusal));
	assert_string_equal(refusal.code, "token_invalid");
	assert_non_null(strstr(sent(carrier), "token_invalid")); /* for a stream that has begun */
	disconnect(carrier);
}

static void
test_old_client_is_told(void **state)
{
	FakeCarrier *carrier = connect_to(&old_client_protocol, NULL);
	char *payload = old_client_payload();

	(void) state;
	assert_non_null(strstr(sent(carrier), "0{\"sid\":\"none\""));
	assert_string_equal(sent(carrier), "44\"" OLD_CLIENT_MESSAGE "\"");
	assert_string_equal(sent(carrier), "41");
	assert_string_equal(sent(carrier), "1");
	assert_int_equal(carrier->close_code, CLOSE_NORMAL);
	assert_non_null(strstr(payload, ":44\"" OLD_CLIENT_MESSAGE "\"2:411:1"));
	free(payload);
	disconnect(carrier);
}

/* Opens a polling session and copies its sid. */
static FakeCarrier *
open_polls(char *sid, size_t size)
{
	Handshake handshake = { 0 };
	FakeCarrier *carrier = connect_by(&polling_transport, &engineio_protocol, &handshake);
	const char *open = sent(carrier);

	assert_non_null(strstr(open, "\"upgrades\":[\"websocket\"]"));
	snprintf(sid, size, "%.32s", open + strlen("0{\"sid\":\""));
	return carrier;
}

static FakeCarrier *
open_upgrade(const char *sid)
{
	Handshake handshake = { .sid = sid };

	return connect_by(&socket_transport, &upgrade_protocol, &handshake);
}

static void
test_upgrade(void **state)
{
	char sid[40];
	FakeCarrier *polls = open_polls(sid, sizeof(sid));
	FakeCarrier *socket = open_upgrade(sid);
	Connection *session = polls->base.connection;

	(void) state;
	receive(socket, "2probe");
	assert_string_equal(sent(socket), "3probe");
	receive(polls, "40/random");
	receive(socket, "5");
	assert_ptr_equal(socket->base.connection, session);
	assert_string_equal(sent(socket), "44/random,{\"message\":\"Invalid namespace\"}");
	assert_int_equal(polls->close_code, CLOSE_GOING_AWAY);
	assert_int_equal(socket->close_code, 0);
	disconnect(polls);
	receive(socket, "3");
	assert_int_equal(socket->close_code, 0);
	disconnect(socket);
}

static void
test_upgrade_of_wrong_session(void **state)
{
	char sid[40];
	FakeCarrier *polls = open_polls(sid, sizeof(sid));
	FakeCarrier *first = open_upgrade(sid);
	FakeCarrier *second = open_upgrade(sid);
	FakeCarrier *unknown = open_upgrade("00000000000000000000000000000000");

	(void) state;
	assert_int_equal(second->close_code, CLOSE_PROTOCOL_ERROR);
	assert_int_equal(unknown->close_code, CLOSE_PROTOCOL_ERROR);
	disconnect(second);
	disconnect(unknown);
	receive(first, "2probe");
	disconnect(polls);
	receive(first, "5");
	assert_int_equal(first->close_code, CLOSE_PROTOCOL_ERROR);
	disconnect(first);
}

static void
test_malformed_upgrade(void **state)
{
	static const char *const wrong[] = { "", "5", "2", "2prob", "3probe", "2probex", "42[\"ping\"]" };
	char sid[40];
	FakeCarrier *polls = open_polls(sid, sizeof(sid));

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
	{
		FakeCarrier *socket = open_upgrade(sid);

		receive(socket, wrong[i]);
		assert_int_equal(socket->close_code, CLOSE_PROTOCOL_ERROR);
		disconnect(socket);
	}
	receive(polls, "3");
	assert_int_equal(polls->close_code, 0);
	disconnect(polls);
}

/* A session that returns while its old connection is still open takes over: the old connection is closed. */
static void
test_take_over(void **state)
{
	const char *pid = ",\"pid\":\"" KEY "." SID ".1~be9a\"";
	FakeCarrier *old = open_socketio("", pid);
	Session *session = user_sessions("7");
	FakeCarrier *new;

	(void) state;
	welcome_session(session, true);
	new = open_socketio("", pid);
	assert_int_equal(old->close_code, CLOSE_RESTART);
	assert_non_null(user_sessions("7"));
	assert_null(user_sessions("7")->next_of_user);
	disconnect(old);
	assert_non_null(user_sessions("7"));
	disconnect(new);
}

/* No input harms the process: valid packets are mutated and truncated. */
static void
test_mutated_input(void **state)
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
		FakeCarrier *carrier = *seed == '{' ? live_plain() : live_socketio();
		size_t length = (size_t) snprintf(text, sizeof(text), "%s", seed);

		for (long changes = random() % 4; changes >= 0; changes--)
			text[(size_t) random() % length] = (char) (random() % 4 ? "{}[]\",:/-0149"[random() % 13] : random());
		text[random() % 3 ? length : (size_t) random() % length] = '\0';
		receive(carrier, text);
		disconnect(carrier);
	}
	assert_null(user_sessions("7"));
}

static int
begin(void **state)
{
	(void) state;
	if (!secret_configure(&config) || !dialect_load("../../bridge/dialects/canonical.json"))
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
	return 0;
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
		cmocka_unit_test(test_plain_token_of_another_user),
		cmocka_unit_test(test_socketio_welcome_and_event),
		cmocka_unit_test(test_socketio_recovery),
		cmocka_unit_test(test_socketio_bad_pids),
		cmocka_unit_test(test_socketio_namespaces),
		cmocka_unit_test(test_socketio_refusal),
		cmocka_unit_test(test_socketio_answers),
		cmocka_unit_test(test_socketio_harmless_input),
		cmocka_unit_test(test_socketio_bad_input),
		cmocka_unit_test(test_socketio_event_before_welcome),
		cmocka_unit_test(test_socketio_packets_cross_the_end),
		cmocka_unit_test(test_socketio_refuses_binary_arguments),
		cmocka_unit_test(test_socketio_bounds_unfinished_binary_arguments),
		cmocka_unit_test(test_socketio_unexpected_binary),
		cmocka_unit_test(test_stream_welcome_and_event),
		cmocka_unit_test(test_stream_rooms),
		cmocka_unit_test(test_check_without_answer),
		cmocka_unit_test(test_stream_refusal),
		cmocka_unit_test(test_old_client_is_told),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_upgrade_of_wrong_session),
		cmocka_unit_test(test_malformed_upgrade),
		cmocka_unit_test(test_take_over),
		cmocka_unit_test(test_mutated_input),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
