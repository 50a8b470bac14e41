/*-------------------------------------------------------------------------
 *
 * sse_format.c
 *	  The text of Server-Sent Events, as a browser's EventSource reads it.
 *
 * Its data are the frames of the plain protocol, its ids are positions.  What a
 * client wants it says when it comes: there is no way to ask for anything later,
 * and it comes back with the same request and the last id that it has seen.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/sse_format.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "gateway/action.h"
#include "gateway/gateway.h"
#include "protocol/plain_json.h"

/* A client that has lost its stream comes back after such a time, and not all of them at the same. */
#define SHORTEST_RETRY_MS 1000
#define RETRY_SPREAD_MS 2000

typedef struct Stream
{
	Connection *connection;
	Session *session; /* NULL: it has left */
	json_t *rooms;	  /* that the client wants; or NULL */
	size_t asked;	  /* so many of them have been asked for */
	char *complaints; /* about them, until the welcome */
	Refusal refusal;  /* of a client that was not let in */
	Timer heartbeat;
} Stream;

/* A line break would end a field; in JSON it is white space. */
static void
make_one_line(char *text)
{
	for (text = strpbrk(text, "\r\n"); text != NULL; text = strpbrk(text, "\r\n"))
		*text = ' ';
}

/* One event of the stream; takes over the data.  "position" may be NULL. */
static char *
compose(const char *position, const char *name, char *data)
{
	char *line = memory_copy(name);
	char *text;

	make_one_line(line);
	make_one_line(data);
	text = memory_format("%s%s%sevent: %s\ndata: %s\n\n", position ? "id: " : "", position ? position : "", position ? "\n" : "",
						 line, data);
	free(line);
	free(data);
	return text;
}

static Frame *
encode(const Format *format, const Event *event)
{
	(void) format;
	return frame_of_text(FRAME_RAW, compose(event->position, event->name, plain_json_event(event, false)));
}

static const Format stream_format = { .slot = SLOT_SSE, .encode = encode };

/* Takes over the text. */
static void
say(Stream *stream, char *text)
{
	outbox_push_own(&stream->connection->outbox, frame_of_text(FRAME_RAW, text));
}

static char *
retry_field(void)
{
	return memory_format("retry: %u\n\n", SHORTEST_RETRY_MS + random_below(RETRY_SPREAD_MS));
}

Frame *
sse_format_farewell(void)
{
	return frame_of_text(FRAME_RAW, retry_field());
}

/* A comment: what is between here and there sees that the connection lives. */
static void
beat(void *context)
{
	Stream *stream = context;

	say(stream, memory_copy(":\n\n"));
	timer_start(&stream->heartbeat, (uint64_t) stream->connection->config->ping_interval, beat, stream);
}

static void
welcome(Session *session)
{
	Stream *stream = session->protocol;

	say(stream, retry_field());
	say(stream, compose(session->position, "welcome", plain_json_welcome(session)));
	say(stream, compose(NULL, "notification:unread", plain_json_unread(session)));
	if (stream->complaints != NULL)
		say(stream, stream->complaints);
	stream->complaints = NULL;
}

static void
dismiss(Session *session, const char *code, const char *message)
{
	Stream *stream = session->protocol;

	stream->session = NULL;
	session_leave(session);
	say(stream, compose(NULL, "error", plain_json_error(NULL, code, message)));
	connection_close(stream->connection, CLOSE_RESTART, code);
}

static void
complain(Stream *stream, const char *room, const char *code, const char *message)
{
	char *before = stream->complaints;
	char *text = compose(NULL, "error", plain_json_error(room, code, message));

	stream->complaints = memory_format("%s%s", before ? before : "", text);
	free(before);
	free(text);
}

/* Is the failure one of the moment, so that the client will get its room when it comes back? */
static bool
will_pass(const char *code)
{
	static const char *const beginnings[] = { "busy", "unavailable", "08", "53", "57P", NULL };

	for (int i = 0; beginnings[i] != NULL; i++)
	{
		if (strncmp(code, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return false;
}

static void join_next(Session *session);

static void
on_join(Session *session, const char *room, const char *body)
{
	char *text = memory_format("{%s}", body);
	json_t *answer = json_object_from(text, strlen(text));
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_member(error, "code");
	const char *message = json_member(error, "message");

	if (code != NULL && will_pass(code))
		dismiss(session, code, message);
	else
	{
		if (code != NULL)
			complain(session->protocol, room, code, message);
		join_next(session);
	}
	json_decref(answer);
	free(text);
}

/* Asks for the rooms that the client wants, one after another; then it can be welcomed. */
static void
join_next(Session *session)
{
	Stream *stream = session->protocol;
	const char *room = json_string_value(json_array_get(stream->rooms, stream->asked++));
	json_t *data;

	if (room == NULL)
	{
		gateway_arrived(session);
		return;
	}
	data = json_pack("{s:s}", "room", room);
	action_submit(session, "room:join", data, memory_copy(room), on_join);
	json_decref(data);
}

static const SessionOps session_ops = { welcome, dismiss, join_next };

static void
opened(Connection *connection, const Handshake *handshake)
{
	Stream *stream = memory_new(sizeof(Stream));
	Arrival arrival = {
		.token = handshake->token,
		.position = handshake->position,
		.from = connection_address(connection),
		.format = &stream_format,
		.ops = &session_ops,
		.outbox = &connection->outbox,
		.protocol = stream,
	};

	stream->connection = connection;
	stream->rooms = json_incref(handshake->rooms);
	connection->state = stream;
	stream->session = gateway_admit(&arrival, &stream->refusal);
	if (stream->session == NULL)
		return;
	connection_settle(connection);
	timer_start(&stream->heartbeat, (uint64_t) connection->config->ping_interval, beat, stream);
}

bool
sse_format_admitted(const Connection *connection, Refusal *refusal)
{
	const Stream *stream = connection->state;

	*refusal = stream->refusal;
	return refusal->code == NULL;
}

static void
closed(Connection *connection)
{
	Stream *stream = connection->state;

	timer_stop(&stream->heartbeat);
	if (stream->session != NULL)
		session_leave(stream->session);
	json_decref(stream->rooms);
	free(stream->complaints);
	free(stream);
}

const Protocol sse_format_protocol = { .opened = opened, .closed = closed };
