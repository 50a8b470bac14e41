/*-------------------------------------------------------------------------
 *
 * namespace_session.c
 *	  The session of a Socket.IO connection in one namespace.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/namespace_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "fanout/roster.h"
#include "gateway/action.h"
#include "gateway/gateway.h"
#include "protocol/namespace.h"

static NamespaceSession *entry_of(const Session *session);

/* Queues a packet; takes over its content. */
static void
send_packet(NamespaceSession *entry, PacketType type, char *content)
{
	char *start = packet_header(type, entry->format->namespace);

	outbox_push_own(&entry->connection->outbox, frame_of_text(FRAME_TEXT, memory_format("%s%s", start, content)));
	free(start);
	free(content);
}

static void
send_unread_count(Session *session, const char *position)
{
	Event *event = event_new();
	Frame *frame;

	event->name = memory_copy("notification:unread");
	event->payload = memory_format("{\"count\":%lld}", (long long) session->unread);
	event->position = memory_copy(position);
	frame = event_frame(event, session->format);
	if (frame != NULL)
		outbox_push(session->outbox, frame);
	event_unref(event);
}

static void
socketio_welcome(Session *session)
{
	NamespaceSession *entry = entry_of(session);
	char *pid;

	if (session->cursor.recovered)
	{
		pid = memory_copy(entry->pid);
		pid_copy_sid(pid, entry->sid);
	}
	else
		pid = pid_new(session->key, entry->sid, session->cursor.position);
	timer_stop(entry->deadline);
	send_packet(entry, PACKET_CONNECT, memory_format("{\"sid\":\"%s\",\"pid\":\"%s\"}", entry->sid, pid));
	send_unread_count(session, session->cursor.position);
	free(pid);
}

static void
send_connect_error(NamespaceSession *entry, const Refusal *refusal)
{
	char *message = json_quoted(refusal->message);
	char *retry = refusal->wait > 0 ? memory_format(",\"retryAfter\":%lld", (long long) refusal->wait) : memory_copy("");

	send_packet(entry, PACKET_CONNECT_ERROR,
				memory_format("{\"message\":%s,\"data\":{\"code\":\"%s\"%s}}", message, refusal->code, retry));
	if (refusal->wait > 0)
		connection_close(entry->connection, CLOSE_TOO_MANY, "too_many");
	free(message);
	free(retry);
}

/* A client whose CONNECT was not answered yet is refused, any other disconnected: neither reconnects by itself. */
static void
end_namespace(NamespaceSession *entry, bool was_welcomed, const char *code, const char *message)
{
	const Refusal refusal = { code, message, 0 };

	if (was_welcomed)
		send_packet(entry, PACKET_DISCONNECT, memory_copy(""));
	else
		send_connect_error(entry, &refusal);
}

/* A session that ends for good leaves the connection open.  Any other reason closes it: the client reconnects. */
static void
socketio_dismiss(Session *session, const char *code, const char *message, int64_t wait)
{
	NamespaceSession *entry = entry_of(session);
	char *content = json_error_to_retry(code, message, wait);
	bool was_welcomed = session->state != SESSION_ARRIVING;

	entry->session = NULL;
	entry->dismissed = true;
	if (was_welcomed)
		send_packet(entry, PACKET_EVENT, memory_format("[\"error\",%s]", content));
	gateway_end(session, code);
	if (gateway_ends_for_good(code))
		end_namespace(entry, was_welcomed, code, message);
	else
		connection_close(entry->connection, strcmp(code, "too_many") == 0 ? CLOSE_TOO_MANY : CLOSE_RESTART, code);
	free(content);
}

static const SessionOps socketio_session_ops = { socketio_welcome, socketio_dismiss };

static NamespaceSession *
entry_of(const Session *session)
{
	assert(session->ops == &socketio_session_ops);
	return session->protocol;
}

static const char *
without_bearer(const char *token)
{
	return token != NULL && strncasecmp(token, "Bearer ", 7) == 0 ? token + 7 : token;
}

/* Draws a new sid, and keeps the pid that the client has shown if it is valid. */
static void
set_ids(NamespaceSession *entry, const char *pid)
{
	free(entry->pid);
	entry->pid = pid_is_valid(pid) ? memory_copy(pid) : NULL;
	random_digits(entry->sid, PID_SID_LENGTH);
}

static void
socketio_admitted(Session *session)
{
	NamespaceSession *entry = entry_of(session);

	entry->pending = NULL;
	entry->session = session;
	connection_admitted(entry->connection, session->user);
}

static void
socketio_refused(void *protocol, const Refusal *refusal)
{
	NamespaceSession *entry = protocol;
	Refusal answer = *refusal;

	entry->pending = NULL;
	if (answer.wait == 0)
		answer.wait = connection_debt(entry->connection);
	send_connect_error(entry, &answer);
}

void
namespace_session_connect(NamespaceSession *entry, const json_t *auth, const char *token, const char *cookie)
{
	static const AdmissionOps answer = { socketio_admitted, socketio_refused };
	const char *own_token = json_member(auth, "token");
	const char *offset = json_member(auth, "offset");
	Admission admission = {
		.token = without_bearer(own_token != NULL ? own_token : token),
		.cookie = cookie,
		.from = connection_address(entry->connection),
		.format = entry->format,
		.answer = &answer,
		.ops = &socketio_session_ops,
		.outbox = &entry->connection->outbox,
		.protocol = entry,
	};
	char *key;
	char *first_position;

	entry->dismissed = false;
	set_ids(entry, json_member(auth, "pid"));
	key = entry->pid ? pid_key(entry->pid) : NULL;
	first_position = entry->pid ? pid_position(entry->pid) : NULL;
	admission.key = key;
	admission.position = first_position != NULL && offset != NULL ? offset : first_position;
	entry->pending = gateway_admit(&admission);
	free(key);
	free(first_position);
}

void
namespace_session_disconnect(NamespaceSession *entry)
{
	Session *session = entry->session;

	if (entry->pending != NULL)
		gateway_give_up(entry->pending);
	entry->pending = NULL;
	entry->session = NULL;
	if (session == NULL)
		return;
	gateway_end(session, entry->connection->closing ? connection_reason(entry->connection) : "client_disconnected");
}

static void
send_failures(NamespaceSession *entry, bool awaited, const char *body)
{
	for (size_t i = 0; i < namespace_failure_count(entry->format); i++)
	{
		char *content = namespace_failure(entry->format, i, awaited, body);

		if (content != NULL)
			send_packet(entry, PACKET_EVENT, memory_format("[%s]", content));
		free(content);
	}
}

/*
 * Sends the result of an action.  "reference" is the id of the acknowledgement, if the client wants one,
 * a space, the place of the action's rule, a space, and the client's name of the action.
 */
static void
socketio_answer(Session *session, const char *reference, const char *body)
{
	NamespaceSession *entry = entry_of(session);
	int id_length = (int) strcspn(reference, " ");
	char *name;
	size_t rule = strtoul(reference + id_length + 1, &name, 10);
	char *ack = id_length > 0 ? namespace_ack(session->format, name + 1, rule, body) : NULL;

	if (ack != NULL)
		send_packet(entry, PACKET_ACK, memory_format("%.*s[%s]", id_length, reference, ack));
	send_failures(entry, ack != NULL, body);
	free(ack);
}

/* Answers without asking the gateway; frees the reference. */
static void
reject_action(Session *session, char *reference, const char *code, const char *message)
{
	char *error = json_error(code, message);
	char *body = memory_format("\"ok\":false,\"error\":%s", error);

	socketio_answer(session, reference, body);
	free(reference);
	free(error);
	free(body);
}

static void
submit_action(Session *session, Packet *packet, const char *name)
{
	ActionRequest request = { 0 };
	bool known;
	char *reference;

	json_array_remove(packet->data, 0);
	known = packet->refusal == NULL && namespace_request(session->format, name, packet->data, &request);
	reference = memory_format("%s %zu %s", packet->id ? packet->id : "", request.rule, name);
	if (packet->refusal != NULL)
		reject_action(session, reference, "bad_request", packet->refusal);
	else if (!known)
		reject_action(session, reference, "HD404", "unknown action");
	else
		action_submit(session, request.action, request.data, reference, socketio_answer);
	json_decref(request.data);
}

const char *
namespace_session_event(NamespaceSession *entry, Packet *packet)
{
	char *name;

	if (packet->data == NULL)
		return NULL;
	if (entry->session == NULL || entry->session->state < SESSION_REPLAYING)
		return "event before the answer to CONNECT";
	name = packet_event_name(packet);
	if (name == NULL)
		return "event with a reserved name or none";
	submit_action(entry->session, packet, name);
	free(name);
	return NULL;
}

NamespaceSession *
namespace_session_new(Connection *connection, const Format *format, Timer *deadline)
{
	NamespaceSession *entry = memory_new(sizeof(NamespaceSession));

	entry->connection = connection;
	entry->format = format;
	entry->deadline = deadline;
	return entry;
}

void
namespace_session_free(NamespaceSession *entry)
{
	namespace_session_disconnect(entry);
	free(entry->pid);
	free(entry);
}
