/*-------------------------------------------------------------------------
 *
 * test_dialect.c
 *	  Dialects translate events, actions and results by their files, and locate mistakes in a file.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "gateway/gateway.h"
#include "protocol/dialect.h"
#include "protocol/namespace.h"
#include "protocol/template.h"

#define SHIPPED "../../bridge/dialects/"

/* No test here conflates events: see test_conflation.c. */
void
relay_publish(Event *event)
{
	(void) event;
	fail();
}

static char path[64];
static char error_output[4096]; /* standard error of the last load() */

static int
begin(void **state)
{
	(void) state;
	snprintf(path, sizeof(path), "/tmp/herald-dialect-%d.json", (int) getpid());
	return 0;
}

static int
end(void **state)
{
	(void) state;
	dialect_unload();
	unlink(path);
	return 0;
}

/* Loads dialects and captures standard error. */
static bool
load(const char *names)
{
	FILE *errors = tmpfile();
	int old = dup(2);
	bool good;

	fflush(stderr);
	dup2(fileno(errors), 2);
	good = dialect_load(names);
	fflush(stderr);
	dup2(old, 2);
	close(old);
	rewind(errors);
	error_output[fread(error_output, 1, sizeof(error_output) - 1, errors)] = '\0';
	fclose(errors);
	return good;
}

static bool
load_text(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return load(path);
}

/* Loads a dialect with one namespace, "/chat"; its single quotes are double quotes. */
static const Format *
load_chat(const char *description)
{
	char *text = memory_format("{'namespaces': {'/chat': {%s}}}", description);

	for (char *c = text; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	dialect_unload();
	assert_true(load_text(text));
	free(text);
	return dialect_namespace(NULL, "/chat");
}

/* Returns the content of an event's packet without its position; "" if the namespace drops the event. */
static const char *
packet(const Format *format, const char *name, const char *payload)
{
	static char text[4096];
	Event *event = event_new();
	Frame *frame;

	event->name = memory_copy(name);
	event->payload = memory_copy(payload);
	event->position = memory_copy("p");
	frame = event_frame(event, format);
	text[0] = '\0';
	if (frame != NULL)
	{
		size_t header = frame->bytes[1] < 126 ? 2 : 4;
		size_t length = frame->length - header - strlen("42/chat,[,\"p\"]");

		assert_memory_equal(frame->bytes + header, "42/chat,[", 9);
		assert_memory_equal(frame->bytes + frame->length - 5, ",\"p\"]", 5);
		snprintf(text, sizeof(text), "%.*s", (int) length, (char *) frame->bytes + header + 9);
	}
	event_unref(event);
	return text;
}

/* Returns the action that a client's event requests, as "action data"; "" if there is none. */
static const char *
request(const Format *format, const char *name, const char *arguments)
{
	static char text[4096];
	json_t *list = json_loads(arguments, 0, NULL);
	ActionRequest asked;
	char *data;

	strcpy(text, "");
	if (namespace_request(format, name, list, &asked))
	{
		data = asked.data ? json_dumps(asked.data, JSON_COMPACT | JSON_ENCODE_ANY) : memory_copy("nothing");
		snprintf(text, sizeof(text), "%s %s", asked.action, data);
		free(data);
		json_decref(asked.data);
	}
	json_decref(list);
	return text;
}

static const char *
take_text(char *answer)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%s", answer ? answer : "nothing");
	free(answer);
	return text;
}

static const char *
filled(const char *template, const char *source)
{
	json_t *from = json_loads(source, JSON_DECODE_ANY, NULL);
	json_t *shape = json_loads(template, JSON_DECODE_ANY, NULL);
	json_t *made;
	char *text;

	assert_non_null(from);
	assert_non_null(shape);
	assert_null(template_mistake(shape));
	made = template_fill(shape, from);
	text = json_dumps(made, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(made);
	json_decref(shape);
	json_decref(from);
	return take_text(text);
}

static void
test_placeholders_are_converted(void **state)
{
	static const char source[] = "{\"t\":\"Like_é1\",\"n\":7,\"z\":null,\"o\":{\"a\":[1]},\"l\":[\"x\"],\"e\":[]}";

	(void) state;
	assert_string_equal(filled("\"{t:upper}\"", source), "\"LIKE_é1\"");
	assert_string_equal(filled("\"{t:lower}\"", source), "\"like_é1\"");
	assert_string_equal(filled("\"NEW_{none|t:upper}!\"", source), "\"NEW_LIKE_é1!\"");
	assert_string_equal(filled("[\"{n:upper}\",\"{o:lower}\",\"{z:upper}\",\"{none:upper}\"]", source), "[7,{\"a\":[1]},null,null]");
	assert_string_equal(filled("[\"{o:json}\",\"{n:json}\",\"{t:json}\"]", source), "[\"{\\\"a\\\":[1]}\",\"7\",\"\\\"Like_é1\\\"\"]");
	assert_string_equal(filled("[\"{z:json}\",\"{none:json}\"]", source), "[null,null]");
	assert_string_equal(filled("[\"{n:list}\",\"{l:list}\",\"{e:list}\",\"{z:list}\"]", source), "[[7],[\"x\"],[],null]");
}

static void
test_keys_are_filled_and_objects_spread(void **state)
{
	static const char source[] = "{\"kind\":\"post\",\"id\":\"7\",\"data\":{\"postId\":\"8\",\"more\":[1]},\"z\":null}";

	(void) state;
	assert_string_equal(filled("{\"{kind}Id\":\"{id}\",\"b\":1}", source), "{\"postId\":\"7\",\"b\":1}");
	assert_string_equal(filled("{\"{z}Id\":\"{id}\",\"{none}\":1,\"b\":1}", source), "{\"b\":1}");
	assert_string_equal(filled("{\"{kind}Id\":\"{id}\",\"...\":\"{data}\"}", source), "{\"postId\":\"8\",\"more\":[1]}");
	assert_string_equal(filled("{\"...\":\"{data}\",\"postId\":\"{id}\"}", source), "{\"postId\":\"7\",\"more\":[1]}");
	assert_string_equal(filled("{\"...\":\"{none}\",\"a\":{\"...\":\"{id}\"}}", source), "{\"a\":{}}");
}

static void
test_placeholder_keeps_type(void **state)
{
	static const char source[] = "{\"id\":\"7\",\"n\":7,\"x\":0.5,\"t\":true,\"z\":null,\"o\":{\"a\":[1,{\"b\":2}]},\"Ü\":\"ß\"}";

	(void) state;
	assert_string_equal(filled("\"{id}\"", source), "\"7\"");
	assert_string_equal(filled("\"{n}\"", source), "7");
	assert_string_equal(filled("\"{x}\"", source), "0.5");
	assert_string_equal(filled("\"{t}\"", source), "true");
	assert_string_equal(filled("\"{z}\"", source), "null");
	assert_string_equal(filled("\"{o}\"", source), "{\"a\":[1,{\"b\":2}]}");
	assert_string_equal(filled("\"{o.a.1.b}\"", source), "2");
	assert_string_equal(filled("\"{Ü}\"", source), "\"ß\"");
	assert_string_equal(filled("\"{.}\"", "[1]"), "[1]");
	assert_string_equal(filled("{\"a\":{\"b\":[\"{n}\",\"{id}\"]},\"c\":1,\"d\":null,\"e\":\"as it is\"}", source),
						"{\"a\":{\"b\":[7,\"7\"]},\"c\":1,\"d\":null,\"e\":\"as it is\"}");
}

static void
test_placeholders_within_string(void **state)
{
	(void) state;
	assert_string_equal(filled("\"user:{0}\"", "[7]"), "\"user:7\"");
	assert_string_equal(filled("\"user:{0}\"", "[\"7\"]"), "\"user:7\"");
	assert_string_equal(filled("\"{a}{b}-{c}\"", "{\"a\":\"x\",\"b\":true,\"c\":0.5}"), "\"xtrue-0.5\"");
	assert_string_equal(filled("\"user:{0}\"", "[{\"id\":7}]"), "null");
	assert_string_equal(filled("\"user:{0}\"", "[null]"), "null");
	assert_string_equal(filled("\"{0}:{1}\"", "[1]"), "null");
	assert_string_equal(filled("\"\"", "[]"), "\"\"");
	assert_string_equal(filled("\"a{0}\"", "[\"{1}\",\"no\"]"), "\"a{1}\"");
}

static void
test_missing_values_become_null(void **state)
{
	(void) state;
	assert_string_equal(filled("\"{a.b}\"", "{\"a\":\"text\"}"), "null");
	assert_string_equal(filled("\"{1}\"", "[0]"), "null");
	assert_string_equal(filled("\"{-1}\"", "[0]"), "null");
	assert_string_equal(filled("\"{99999999999999999999}\"", "[0]"), "null");
	assert_string_equal(filled("\"{a}\"", "[0]"), "null");
	assert_string_equal(filled("[\"{a}\",{\"b\":\"{a}\"}]", "{}"), "[null,{\"b\":null}]");
}

static void
test_first_path_with_value_counts(void **state)
{
	(void) state;
	assert_string_equal(filled("\"{0.id|0}\"", "[{\"id\":7}]"), "7");
	assert_string_equal(filled("\"{0.id|0}\"", "[7]"), "7");
	assert_string_equal(filled("\"post:{a|b}\"", "{\"a\":null,\"b\":8}"), "\"post:8\"");
	assert_string_equal(filled("\"{a|b}\"", "{\"a\":null}"), "null");
	assert_string_equal(filled("\"{a|b}\"", "{\"a\":false,\"b\":1}"), "false");
}

static void
test_digits_become_numbers(void **state)
{
	static const char source[] = "{\"id\":\"42\",\"n\":7,\"u\":\"6f1c-4\",\"z\":\"007\",\"b\":\"99999999999999999999\",\"t\":\"true\",\"x\":\"\"}";

	(void) state;
	assert_string_equal(filled("\"{id:number}\"", source), "42");
	assert_string_equal(filled("\"{none|id:number}\"", source), "42");
	assert_string_equal(filled("\"{n:number}\"", source), "7");
	assert_string_equal(filled("\"{u:number}\"", source), "\"6f1c-4\"");
	assert_string_equal(filled("\"{z:number}\"", source), "\"007\"");
	assert_string_equal(filled("\"{b:number}\"", source), "\"99999999999999999999\"");
	assert_string_equal(filled("\"{t:number}\"", source), "\"true\"");
	assert_string_equal(filled("\"{x:number}\"", source), "\"\"");
	assert_string_equal(filled("\"{none:number}\"", source), "null");
	assert_string_equal(filled("\"post:{id:number}\"", source), "\"post:42\"");
}

static void
test_events_are_renamed_and_reshaped(void **state)
{
	const Format *format = load_chat("'events': {'a:b': {'name': 'ab', 'to': {'x': '{y}', 'k': 1}}, 'same': {}, 'renamed': {'name': 'new'},"
									 "'scalar': {'to': '{id}'}, 'several': {'to': ['{id}', {'n': '{n}'}]}, 'list': {'to': [['{id}']]},"
									 "'value': {'to': '{tags}'}, 'none': {'to': []}, 'by_type': {'name': 'new_{type}'}}");

	(void) state;
	assert_string_equal(packet(format, "a:b", "{\"y\":[1]}"), "\"ab\",{\"x\":[1],\"k\":1}");
	assert_string_equal(packet(format, "same", "{\"as\": \"it is\"}"), "\"same\",{\"as\": \"it is\"}");
	assert_string_equal(packet(format, "renamed", "{\"a\":1}"), "\"new\",{\"a\":1}");
	assert_string_equal(packet(format, "scalar", "{\"id\":\"7\"}"), "\"scalar\",\"7\"");
	assert_string_equal(packet(format, "several", "{\"id\":\"7\",\"n\":1}"), "\"several\",\"7\",{\"n\":1}");
	assert_string_equal(packet(format, "list", "{\"id\":7}"), "\"list\",[7]");
	assert_string_equal(packet(format, "value", "{\"tags\":[1,2]}"), "\"value\",[1,2]");
	assert_string_equal(packet(format, "none", "{}"), "\"none\"");
	assert_string_equal(packet(format, "by_type", "{\"type\":\"like\"}"), "\"new_like\",{\"type\":\"like\"}");
	assert_string_equal(packet(format, "by_type", "{}"), "\"by_type\",{}");
	assert_string_equal(packet(format, "other", "{}"), "");
}

static void
test_longest_pattern_wins(void **state)
{
	const Format *format = load_chat("'events': {'*': {'name': 'any'}, 'post:*': {'name': 'post'}, 'post:l*': {'name': 'l'}, 'post:liked': {'name': 'liked'}}");

	(void) state;
	assert_string_equal(packet(format, "post:liked", "{}"), "\"liked\",{}");
	assert_string_equal(packet(format, "post:lost", "{}"), "\"l\",{}");
	assert_string_equal(packet(format, "post:created", "{}"), "\"post\",{}");
	assert_string_equal(packet(format, "pos", "{}"), "\"any\",{}");
}

static void
test_conditions_select_rules(void **state)
{
	const Format *format = load_chat("'events': {'n': [{'when': {'type': 'like', 'data.n': 1}, 'name': 'one'}, {'when': {'type': 'like', 'data': null}, 'name': 'none'},"
									 "{'when': {'type': 'follow'}}], 'm': {'when': {'all': true}, 'name': 'all'}}");

	(void) state;
	assert_string_equal(packet(format, "n", "{\"type\":\"like\",\"data\":{\"n\":1}}"), "\"one\",{\"type\":\"like\",\"data\":{\"n\":1}}");
	assert_string_equal(packet(format, "n", "{\"type\":\"like\"}"), "\"none\",{\"type\":\"like\"}");
	assert_string_equal(packet(format, "n", "{\"type\":\"like\",\"data\":null}"), "\"none\",{\"type\":\"like\",\"data\":null}");
	assert_string_equal(packet(format, "n", "{\"type\":\"follow\"}"), "\"n\",{\"type\":\"follow\"}");
	assert_string_equal(packet(format, "n", "{\"type\":\"like\",\"data\":{\"n\":2}}"), "");
	assert_string_equal(packet(format, "m", "{\"all\":true}"), "\"all\",{\"all\":true}");
	assert_string_equal(packet(format, "m", "{}"), "");
}

/* A column of type json can hold a zero character. */
static void
test_zero_characters_survive(void **state)
{
	const Format *format = load_chat("'events': {'n': {'to': ['{a}']}}");

	(void) state;
	assert_string_equal(packet(format, "n", "{\"a\":\"x\\u0000y\"}"), "\"n\",\"x\\u0000y\"");
}

/* PostgreSQL's numeric exceeds 64 bits; JavaScript clients parse numbers as double, too. */
static void
test_large_numbers_survive(void **state)
{
	const Format *format = load_chat("'events': {'n': {'to': {'n': '{n}', 'm': '{m}'}}}");

	(void) state;
	assert_string_equal(packet(format, "n", "{\"n\":9007199254740993,\"m\":-1}"), "\"n\",{\"n\":9007199254740993,\"m\":-1}");
	assert_string_equal(packet(format, "n", "{\"n\":10000000000000000000000,\"m\":1}"), "\"n\",{\"n\":1e22,\"m\":1}");
}

static void
test_actions_are_translated(void **state)
{
	const Format *format = load_chat("'actions': {'join': {'action': 'room:join', 'data': {'room': 'user:{0}'}}, 'send': {'action': 'message:send'},"
									 "'two': {'data': {'a': '{0}', 'b': '{1}'}}, 'app:*': {}}");

	(void) state;
	assert_string_equal(request(format, "join", "[7]"), "room:join {\"room\":\"user:7\"}");
	assert_string_equal(request(format, "join", "[]"), "room:join {\"room\":null}");
	assert_string_equal(request(format, "send", "[{\"content\":\"hi\"},2]"), "message:send {\"content\":\"hi\"}");
	assert_string_equal(request(format, "send", "[]"), "message:send nothing");
	assert_string_equal(request(format, "two", "[\"x\",[1]]"), "two {\"a\":\"x\",\"b\":[1]}");
	assert_string_equal(request(format, "app:own", "[{}]"), "app:own {}");
	assert_string_equal(request(format, "other", "[{}]"), "");
	assert_string_equal(request(load_chat("'events': {}"), "other", "[{}]"), "");
}

static void
test_results_are_reshaped(void **state)
{
	static const char good[] = "\"ok\":true,\"data\":{\"id\":\"5\"}";
	static const char bad[] = "\"ok\":false,\"error\":{\"code\":\"42501\",\"message\":\"no\"}";
	const Format *format = load_chat("'actions': {'plain': {}, 'one': {'ack': {'success': '{ok}', 'id': '{data.id}'}}, 'node': {'ack': ['{error.message}', '{data}']}},"
									 "'failed': {'name': 'problem', 'to': '{message}'}");

	(void) state;
	assert_string_equal(take_text(namespace_ack(format, "plain", 0, good)), "{\"ok\":true,\"data\":{\"id\":\"5\"}}");
	assert_string_equal(take_text(namespace_ack(format, "unknown", 0, bad)), "{\"ok\":false,\"error\":{\"code\":\"42501\",\"message\":\"no\"}}");
	assert_string_equal(take_text(namespace_ack(format, "one", 0, good)), "{\"success\":true,\"id\":\"5\"}");
	assert_string_equal(take_text(namespace_ack(format, "node", 0, good)), "null,{\"id\":\"5\"}");
	assert_string_equal(take_text(namespace_ack(format, "node", 0, bad)), "\"no\",null");
	assert_string_equal(take_text(namespace_failure(format, 0, false, good)), "nothing");
	assert_string_equal(take_text(namespace_failure(format, 0, false, bad)), "\"problem\",\"no\"");
	assert_string_equal(take_text(namespace_failure(load_chat("'failed': {}"), 0, false, bad)), "\"error\",{\"code\":\"42501\",\"message\":\"no\"}");
	assert_string_equal(take_text(namespace_failure(load_chat("'actions': {}"), 0, false, bad)), "nothing");
}

static void
test_events_report_failures(void **state)
{
	static const char good[] = "\"ok\":true,\"data\":{}";
	static const char bad[] = "\"ok\":false,\"error\":{\"code\":\"42501\",\"message\":\"no\"}";
	const Format *format = load_chat("'failed': [{'name': 'late', 'to': '{message}'}, {'to': '{code}', 'always': true}]");

	(void) state;
	assert_int_equal(namespace_failure_count(format), 2);
	assert_string_equal(take_text(namespace_failure(format, 0, false, bad)), "\"late\",\"no\"");
	assert_string_equal(take_text(namespace_failure(format, 0, true, bad)), "nothing");
	assert_string_equal(take_text(namespace_failure(format, 1, true, bad)), "\"error\",\"42501\"");
	assert_string_equal(take_text(namespace_failure(format, 1, true, good)), "nothing");
	assert_int_equal(namespace_failure_count(load_chat("'failed': {}")), 1);
	assert_int_equal(namespace_failure_count(load_chat("'events': {}")), 0);
}

static void
test_arguments_choose_rule_of_action(void **state)
{
	const Format *format = load_chat("'actions': {'mark': [{'when': {'0': 'all'}, 'action': 'clear', 'ack': ['all']},"
									 "{'when': {'0.id': 7}, 'data': '{0.id}', 'ack': ['{ok}']}], 'none': []}");

	(void) state;
	assert_string_equal(request(format, "mark", "[\"all\"]"), "clear \"all\"");
	assert_string_equal(request(format, "mark", "[{\"id\":7}]"), "mark 7");
	assert_string_equal(request(format, "mark", "[{\"id\":8}]"), "");
	assert_string_equal(request(format, "mark", "[]"), "");
	assert_string_equal(request(format, "none", "[1]"), "");
	assert_string_equal(take_text(namespace_ack(format, "mark", 0, "\"ok\":true")), "\"all\"");
	assert_string_equal(take_text(namespace_ack(format, "mark", 1, "\"ok\":true")), "true");
	assert_string_equal(take_text(namespace_ack(format, "mark", 2, "\"ok\":true")), "{\"ok\":true}");
}

/* Returns the content of an ephemeral event's packet for one room; "whole": the event has no parts. */
static const char *
part_packet(const Format *format, const char *payload, const char *room)
{
	static char text[4096];
	Event *event = event_new();
	Event *part;
	Frame *frame;

	event->ephemeral = true;
	event->name = memory_copy("came");
	event->payload = memory_copy(payload);
	event->position = memory_copy("p");
	part = format->part(format, event, room);
	strcpy(text, "whole");
	if (part != NULL)
	{
		frame = event_frame(part, format);
		snprintf(text, sizeof(text), "%.*s", frame ? (int) (frame->length - 2) : 0, frame ? (char *) frame->bytes + 2 : "");
		event_unref(part);
	}
	event_unref(event);
	return text;
}

static void
test_event_for_each_room(void **state)
{
	const Format *format = load_chat("'events': {'came': [{'when': {'quiet': true}}, {'each_room': 'group:',"
									 "'to': {'u': '{user}', 'g': '{room}'}}]}");

	(void) state;
	assert_non_null(format->part);
	assert_string_equal(part_packet(format, "{\"user\":7}", "group:a:b"), "42/chat,[\"came\",{\"u\":7,\"g\":\"a:b\"},\"p\"]");
	assert_string_equal(part_packet(format, "{\"user\":7}", "feed:7"), "");
	assert_string_equal(part_packet(format, "{\"quiet\":true}", "group:a"), "whole");
	assert_string_equal(packet(format, "came", "{\"user\":7}"), "\"came\",{\"u\":7,\"g\":null}");
	assert_null(load_chat("'events': {'came': {}}")->part);
}

static void
test_client_chooses_dialect(void **state)
{
	const Format *canonical;
	const Format *snake;

	(void) state;
	assert_true(load(SHIPPED "snake.json " SHIPPED "canonical.json"));
	snake = dialect_namespace("snake", "/");
	canonical = dialect_namespace("canonical", "/");
	assert_non_null(snake);
	assert_non_null(canonical);
	assert_ptr_equal(dialect_namespace(NULL, "/"), snake);
	assert_ptr_equal(dialect_namespace(NULL, "/chat"), dialect_namespace("canonical", "/chat"));
	assert_int_not_equal(snake->slot, canonical->slot);
	assert_null(dialect_namespace("snake", "/chat"));
	assert_null(dialect_namespace("kebab", "/"));
	assert_null(dialect_namespace(NULL, "/random"));
}

typedef struct Mistake
{
	const char *text;
	const char *message; /* behind the file's path */
} Mistake;

#define IN_CHAT(text) "{\"namespaces\":{\"/chat\":{" text "}}}"

static const Mistake mistakes[] = {
	{ "", ":1: '[' or '{' expected near end of file" },
	{ "{\n\t\"namespaces\": {\n\t}\n", ":4: '}' expected near end of file" },
	{ "{\"about\": \"x\",\n\"about\": \"y\"}", ":2: duplicate object key near '\"about\"'" },
	{ "[]", ": must be an object" },
	{ "{}", ": has no namespaces" },
	{ "{\"namespaces\": {}}", ": has no namespaces" },
	{ "{\"namespaces\": {\"/\": {}}, \"version\": 2}", ": version: unknown key" },
	{ "{\"about\": 7, \"namespaces\": {\"/\": {}}}", ": about: must be a string that is not empty" },
	{ "{\"namespaces\": {\"chat\": {}}}", ": namespaces > chat: a namespace begins with /" },
	{ "{\"namespaces\": {\"/a,b\": {}}}", ": namespaces > /a,b: a namespace begins with / and has no comma" },
	{ "{\"namespaces\": {\"/\": {\"event\": {}}}}", ": namespaces > / > event: unknown key" },
	{ IN_CHAT("\"events\": []"), ": namespaces > /chat > events: must be an object" },
	{ IN_CHAT("\"events\": {\"a\": \"b\"}"), ": namespaces > /chat > events > a: must be an object" },
	{ IN_CHAT("\"events\": {\"\": {}}"), ": namespaces > /chat > events > : the name is empty" },
	{ IN_CHAT("\"events\": {\"*:a\": {}}"), ": namespaces > /chat > events > *:a: * stands for the rest of a name" },
	{ IN_CHAT("\"events\": {\"a\": {\"nmae\": \"b\"}}"), ": namespaces > /chat > events > a > nmae: unknown key" },
	{ IN_CHAT("\"events\": {\"a\": [{}, {\"nmae\": \"b\"}]}"), ": namespaces > /chat > events > a > nmae: unknown key" },
	{ IN_CHAT("\"events\": {\"a\": {\"name\": \"\"}}"), ": namespaces > /chat > events > a > name: must be a string that is not empty" },
	{ IN_CHAT("\"events\": {\"a\": {\"to\": [{\"x\": \"{b\"}]}}"), ": namespaces > /chat > events > a > to: \"{b\": braces enclose placeholders only" },
	{ IN_CHAT("\"events\": {\"a\": {\"to\": \"b}\"}}"), ": namespaces > /chat > events > a > to: \"b}\": braces" },
	{ IN_CHAT("\"events\": {\"a\": {\"to\": \"{}\"}}"), ": namespaces > /chat > events > a > to: \"{}\": braces" },
	{ IN_CHAT("\"events\": {\"a\": {\"to\": \"{{b}}\"}}"), ": namespaces > /chat > events > a > to: \"{{b}}\": braces" },
	{ IN_CHAT("\"events\": {\"a\": {\"to\": \"{b:int}\"}}"), ": namespaces > /chat > events > a > to: \"{b:int}\": braces" },
	{ IN_CHAT("\"events\": {\"a\": {\"to\": \"{:number}\"}}"), ": namespaces > /chat > events > a > to: \"{:number}\": braces" },
	{ IN_CHAT("\"events\": {\"a\": {\"when\": {\"{b}\": 1}}}"), ": namespaces > /chat > events > a > when > {b}: a path has no braces" },
	{ IN_CHAT("\"events\": {\"a\": {\"to\": \"{b:loud}\"}}"), ": namespaces > /chat > events > a > to: \"{b:loud}\": braces" },
	{ IN_CHAT("\"events\": {\"a\": {\"to\": {\"{b\": 1}}}"), ": namespaces > /chat > events > a > to: \"{b\": braces" },
	{ IN_CHAT("\"events\": {\"a\": {\"each_room\": 1}}"), ": namespaces > /chat > events > a > each_room: must be a string" },
	{ IN_CHAT("\"batches\": {\"b\": {\"every\": 60}}, \"events\": {\"a\": {\"each_room\": \"x:\", \"conflate\": {\"into\": \"b\", \"by\": \"c\", \"as\": {}}}}"),
	  ": namespaces > /chat > events > a: has \"each_room\" and \"conflate\"" },
	{ IN_CHAT("\"failed\": [{\"always\": 1}]"), ": namespaces > /chat > failed > always: must be true or false" },
	{ IN_CHAT("\"events\": {\"a\": {\"when\": {\"b\": []}}}"), ": namespaces > /chat > events > a > when > b: must be a string, a number" },
	{ IN_CHAT("\"actions\": {\"a\": {\"name\": \"b\"}}"), ": namespaces > /chat > actions > a > name: unknown key" },
	{ IN_CHAT("\"actions\": {\"a\": {\"action\": null}}"), ": namespaces > /chat > actions > a > action: must be a string that is not empty" },
	{ IN_CHAT("\"actions\": {\"a\": {\"ack\": \"{\"}}"), ": namespaces > /chat > actions > a > ack: \"{\": braces" },
	{ IN_CHAT("\"batches\": {\"b\": {}}"), ": namespaces > /chat > batches > b: \"every\" is missing" },
	{ IN_CHAT("\"batches\": {\"b\": {\"every\": 10}}"), ": namespaces > /chat > batches > b > every: must be a whole number of milliseconds, from 50" },
	{ IN_CHAT("\"batches\": {\"b\": {\"every\": \"1s\"}}"), ": namespaces > /chat > batches > b > every: must be a whole number" },
	{ IN_CHAT("\"batches\": {\"b\": {\"every\": 50, \"name\": \"c\"}}"), ": namespaces > /chat > batches > b > name: unknown key" },
	{ IN_CHAT("\"events\": {\"a\": {\"conflate\": {\"into\": \"b\"}}}"), ": namespaces > /chat > events > a > conflate: needs \"into\", \"by\" and \"as\"" },
	{ IN_CHAT("\"events\": {\"a\": {\"conflate\": {\"into\": \"b\", \"by\": \"{x}\", \"as\": \"{x}\"}}}"),
	  ": namespaces > /chat > events > a > conflate > as: must be an object" },
	{ IN_CHAT("\"batches\": {\"c\": {\"every\": 50}}, \"events\": {\"a\": [{}, {\"conflate\": {\"into\": \"b\", \"by\": \"{x}\", \"as\": {}}}]}"),
	  ": namespaces > /chat > events > a: \"b\" is not among the \"batches\" of the namespace" },
	{ IN_CHAT("\"failed\": {\"when\": {}}"), ": namespaces > /chat > failed > when: unknown key" },
};

static void
test_mistakes_are_located(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++)
	{
		char *wanted = memory_format("herald-bridge: %s%s", path, mistakes[i].message);

		if (load_text(mistakes[i].text))
			fail_msg("%s is accepted", mistakes[i].text);
		if (strncmp(error_output, wanted, strlen(wanted)) != 0)
			fail_msg("\"%s\" is not \"%s\"", error_output, wanted);
		assert_null(dialect_namespace(NULL, "/chat"));
		free(wanted);
	}
}

static void
test_missing_files(void **state)
{
	(void) state;
	assert_false(load("/nowhere/mine.json"));
	assert_non_null(strstr(error_output, "/nowhere/mine.json: No such file"));
	assert_false(load("klingon"));
	assert_non_null(strstr(error_output, "share/pg_herald/dialects/klingon.json: No such file"));
	assert_true(load(SHIPPED "canonical.json"));
	assert_false(load(SHIPPED "canonical.json"));
	assert_non_null(strstr(error_output, "canonical.json: a dialect of this name is loaded already"));
}

static void
test_shipped_dialects_load(void **state)
{
	(void) state;
	assert_true(load(SHIPPED "canonical.json " SHIPPED "namespaces.json " SHIPPED "snake.json " SHIPPED "kebab.json " SHIPPED "gateway.json"));
	assert_string_equal(error_output, "");
}

#define DIALECT_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DIALECT_TEST(test_placeholder_keeps_type),
		DIALECT_TEST(test_placeholders_within_string),
		DIALECT_TEST(test_missing_values_become_null),
		DIALECT_TEST(test_first_path_with_value_counts),
		DIALECT_TEST(test_digits_become_numbers),
		DIALECT_TEST(test_placeholders_are_converted),
		DIALECT_TEST(test_keys_are_filled_and_objects_spread),
		DIALECT_TEST(test_event_for_each_room),
		DIALECT_TEST(test_events_report_failures),
		DIALECT_TEST(test_arguments_choose_rule_of_action),
		DIALECT_TEST(test_events_are_renamed_and_reshaped),
		DIALECT_TEST(test_longest_pattern_wins),
		DIALECT_TEST(test_conditions_select_rules),
		DIALECT_TEST(test_zero_characters_survive),
		DIALECT_TEST(test_large_numbers_survive),
		DIALECT_TEST(test_actions_are_translated),
		DIALECT_TEST(test_results_are_reshaped),
		DIALECT_TEST(test_client_chooses_dialect),
		DIALECT_TEST(test_mistakes_are_located),
		DIALECT_TEST(test_missing_files),
		DIALECT_TEST(test_shipped_dialects_load),
	};

	return cmocka_run_group_tests_name("dialect", tests, NULL, NULL);
}
