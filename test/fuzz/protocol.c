/*-------------------------------------------------------------------------
 *
 * protocol.c
 *	  Lets clients of all protocols, the database and the reader act in any order.
 *
 * The input is a sequence of steps, a byte each: the low four bits name it, the high ones say to which of
 * four clients.  A step with a text is followed by its length, a byte, and the text; "@" in it stands for a token.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/loop.h"
#include "base/metrics.h"
#include "fake_source.h"
#include "fanout/roster.h"
#include "fanout/user.h"
#include "fanout/user_work.h"
#include "fuzz.h"
#include "gateway/gateway.h"
#include "protocol/dialect.h"
#include "protocol/engineio.h"
#include "protocol/old_client.h"
#include "protocol/sse_format.h"
#include "secret.h"
#include "transport/payload.h"

#define CLIENTS 4

/* Enough for everything that waits to notice that its session has gone. */
#define LAST_TURNS 3
#define LAST_ANSWERS 100

typedef enum Step
{
	STEP_OPEN,
	STEP_TEXT,
	STEP_BINARY,
	STEP_PONG,
	STEP_SEND,	  /* the network takes queued frames */
	STEP_CLOSE,	  /* the client is gone */
	STEP_ANSWER,  /* the database answers the oldest query */
	STEP_LOSE,	  /* its connection is lost instead */
	STEP_WINDOW,  /* the reader ends a window */
	STEP_EVENT,	  /* the reader reads an event */
	STEP_DISMISS, /* the bridge ends a session of user 7 */
	STEP_ROUND,	  /* quiet clients are told their position */
	STEP_TURN,	  /* of the event loop */
	STEP_RESYNC
} Step;

typedef struct Input
{
	const uint8_t *at;
	const uint8_t *end;
} Input;

typedef struct FakeClient
{
	Carrier base; /* first */
	bool open;
} FakeClient;

static Config config = {
	.max_rooms = 20,
	.max_session_actions = 5,
	.max_user_actions = 8,
	.user_work = "100000/s:300", /* users rest, and go on */
	.database = "",
	.database_timeout = 1000,
	.action_timeout = 1000,
	.jwt_audience = "",
	SECRET_SETTINGS,
	.max_payload = 200,
	.max_connections = CLIENTS,
	.queue_limit = 2000,
	.page_size = 10,
	.event_cache_size = 10000,
	.ping_interval = 25000,
	.ping_timeout = 20000,
	.connect_timeout = 45000,
};
static char *token;
static FakeClient clients[CLIENTS];

/*
 * The event cache and other state outlive an input, so that libFuzzer would look for leaks after each.  A leak shows in
 * a long run, by the limit of memory.
 */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void
ignore(Carrier *carrier)
{
	(void) carrier;
}

static void
ignore_close(Carrier *carrier, int code, const char *reason)
{
	(void) carrier;
	REQUIRE(code >= 1000 && reason != NULL);
}

static const Transport socket_transport = { ignore, ignore, ignore_close, NULL, "websocket", &metrics.websockets };
static const Transport polling_transport = { ignore, ignore, ignore_close, ignore, "polling", &metrics.polling };

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void) count;
	(void) arguments;
	fuzz_silence();
	REQUIRE(secret_configure(&config));
	REQUIRE(dialect_load("../../bridge/dialects/canonical.json"));
	token = secret_sign("{\"sub\":\"7\",\"exp\":4102444800}");
	outbox_start();
	user_work_configure(&config);
	gateway_start(&config);
	return 0;
}

static uint8_t
next_byte(Input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

/* Returns the next text, with the token for "@"; the caller frees it. */
static char *
next_text(Input *input, size_t *length)
{
	size_t announced = next_byte(input);
	size_t left = (size_t) (input->end - input->at);
	size_t size = announced < left ? announced : left;
	const uint8_t *place = memchr(input->at, '@', size);
	size_t before = place ? (size_t) (place - input->at) : size;
	size_t behind = place ? size - before - 1 : 0;
	size_t inside = place ? strlen(token) : 0;
	char *text = malloc(before + inside + behind + 1); /* without a zero byte at the end */

	memcpy(text, input->at, before);
	memcpy(text + before, token, inside);
	if (behind > 0)
		memcpy(text + before + inside, place + 1, behind);
	input->at += size;
	*length = before + inside + behind;
	return text;
}

static void
open_client(FakeClient *client, int kind, const FakeClient *other)
{
	const Connection *of_other = other->open ? other->base.connection : NULL;
	bool upgrades = kind == 3 && of_other != NULL && of_other->protocol == &engineio_protocol;
	const Protocol *protocols[] = { &plain_protocol, &engineio_protocol, &engineio_protocol, &engineio_protocol,
									&sse_format_protocol, &plain_protocol, &old_client_protocol };
	Handshake handshake = { .token = kind >= 4 ? token : NULL };

	client->base.transport = kind == 2 ? &polling_transport : &socket_transport;
	client->open = true;
	if (kind == 4)
		handshake.rooms = json_pack("[s]", "post:42");
	if (upgrades)
		handshake.sid = ((const EngineIo *) of_other->state)->sid;
	connection_open(&client->base, &config, upgrades ? &upgrade_protocol : protocols[kind], &handshake);
	json_decref(handshake.rooms);
}

static void
close_client(FakeClient *client)
{
	client->open = false;
	connection_end(client->base.connection);
}

/* Connections that only listen read nothing.  A text by polling is a body with any number of packets. */
static void
receive(FakeClient *client, Input *input, bool is_text)
{
	Connection *connection = client->base.connection;
	size_t length;
	char *text = next_text(input, &length);

	if (client->base.transport == &polling_transport && is_text)
		payload_receive(connection, text, text + length);
	else if (!connection->closing && connection->protocol->text != NULL)
		(is_text ? connection->protocol->text : connection->protocol->binary)(connection, text, length);
	free(text);
}

static void
send_queued(FakeClient *client, uint32_t count)
{
	Outbox *outbox = &client->base.connection->outbox;
	size_t length;

	if (client->base.transport == &polling_transport && outbox->count > 0)
		free(payload_take(outbox, &length));
	else
		outbox_sent(outbox, count);
}

static void
read_event(uint8_t choice)
{
	static const char *const names[] = { "message:created", "notification:new", "post:liked", "typing:start" };
	static const char *const rooms[] = { "user:7", "conversation:1", "post:42" };
	static int64_t number;
	Event *event = event_new();

	event->ephemeral = choice & 1;
	event->name = memory_copy(names[choice >> 1 & 3]);
	event->payload = memory_copy("{\"content\":\"x\",\"conversationId\":\"1\"}");
	event->rooms = memory_new(sizeof(char *));
	event->rooms[event->room_count++] = memory_copy(rooms[(choice >> 3 & 3) % 3]);
	event->number = ++number;
	event->xid = (uint64_t) number;
	if (!event->ephemeral)
		event->id = memory_format("%lld", (long long) number);
	if (choice & 32 && !event->ephemeral)
		event->ack = memory_copy("seen");
	if (choice & 64)
		event->key = memory_copy("k");
	fake_event(event);
}

static void
tell_position(Session *session, void *event)
{
	roster_tell_position(session, event);
}

static void
dismiss(uint8_t choice)
{
	static const char *const codes[] = { "token_expired", "resync", "taken_over", "unavailable" };
	Session *session = user_sessions("7");

	if (session != NULL)
		session->ops->dismiss(session, codes[choice & 3], "over", choice);
}

/* A step that nobody takes part in. */
static void
take_common_step(Step step, Input *input)
{
	Event *event;

	if (step == STEP_ANSWER && fake_source.queries != NULL)
		fake_answer_query(next_byte(input));
	else if (step == STEP_LOSE && fake_source.queries != NULL)
		fake_answer(NULL);
	else if (step == STEP_WINDOW)
		fake_end_window();
	else if (step == STEP_EVENT)
		read_event(next_byte(input));
	else if (step == STEP_DISMISS)
		dismiss(next_byte(input));
	else if (step == STEP_TURN)
		uv_run(loop_uv(), UV_RUN_NOWAIT);
	else if (step == STEP_RESYNC)
		fake_source.reader->resync("fuzz");
	else if (step == STEP_ROUND)
	{
		event = event_of_position(reader_position());
		roster_each(tell_position, event);
		event_unref(event);
	}
}

static void
take_step(Step step, FakeClient *client, Input *input)
{
	if (step == STEP_OPEN && !client->open && connection_make_room(&config))
		open_client(client, next_byte(input) % 7, &clients[next_byte(input) % CLIENTS]);
	else if (step == STEP_OPEN || step > STEP_CLOSE)
		take_common_step(step, input);
	else if (!client->open)
		return;
	else if (step == STEP_TEXT || step == STEP_BINARY)
		receive(client, input, step == STEP_TEXT);
	else if (step == STEP_PONG && client->base.connection->protocol->pong != NULL && !client->base.connection->closing)
		client->base.connection->protocol->pong(client->base.connection);
	else if (step == STEP_SEND)
		send_queued(client, 1 + (uint32_t) next_byte(input) % 8);
	else if (step == STEP_CLOSE)
		close_client(client);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	Input input = { bytes, bytes + length };

	while (input.at < input.end)
	{
		uint8_t step = next_byte(&input);

		take_step(step & 15, &clients[(step >> 4) % CLIENTS], &input);
	}
	for (int i = 0; i < CLIENTS; i++)
	{
		if (clients[i].open)
			close_client(&clients[i]);
	}
	for (int i = 0; i < LAST_TURNS; i++)
	{
		for (int k = 0; k < LAST_ANSWERS && fake_source.queries != NULL; k++)
			fake_answer(NULL);
		fake_end_window();
		uv_run(loop_uv(), UV_RUN_NOWAIT);
	}
	REQUIRE(metrics.connections == 0 && metrics.websockets == 0 && metrics.polling == 0 && metrics.sessions == 0 && user_sessions("7") == NULL);
	return 0;
}
