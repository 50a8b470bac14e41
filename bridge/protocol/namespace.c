/*-------------------------------------------------------------------------
 *
 * namespace.c
 *	  A Socket.IO namespace of a dialect: translates its events, actions and results.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/namespace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "protocol/conflation.h"
#include "protocol/packet.h"
#include "protocol/template.h"

static Frame *namespace_encode(const Format *format, const Event *event);

static const Namespace *
namespace_of(const Format *format)
{
	assert(format->encode == namespace_encode);
	return (const Namespace *) format;
}

/* Returns the member for a name: the name itself, else the longest pattern "prefix*" that matches it. */
static const json_t *
find_rule(const json_t *rules, const char *name)
{
	const json_t *found = json_object_get(rules, name);
	size_t longest = 0;
	const char *pattern;
	json_t *rule;

	if (found != NULL)
		return found;
	json_object_foreach((json_t *) rules, pattern, rule)
	{
		size_t length = strlen(pattern);

		if (length > longest && pattern[length - 1] == '*' && strncmp(pattern, name, length - 1) == 0)
		{
			found = rule;
			longest = length;
		}
	}
	return found;
}

/* Returns whether the content has the demanded value at each path of a condition.  A missing value counts as null. */
static bool
condition_holds(const json_t *condition, json_t *content)
{
	const char *path;
	json_t *wanted;

	json_object_foreach((json_t *) condition, path, wanted)
	{
		json_t *there = template_look_up(path, content);

		if (!json_equal(there ? there : json_null(), wanted))
			return false;
	}
	return true;
}

/* One rule counts as a list with only that rule. */
static size_t
rule_count(const json_t *rules)
{
	return json_is_object(rules) ? 1 : json_array_size(rules);
}

static const json_t *
rule_at(const json_t *rules, size_t place)
{
	return json_is_object(rules) ? rules : json_array_get(rules, place);
}

/* Returns the place of the first rule with a condition that holds; that after the last one: there is none. */
static size_t
find_place(const json_t *rules, json_t *content)
{
	size_t place = 0;

	while (place < rule_count(rules) && !condition_holds(json_object_get(rule_at(rules, place), "when"), content))
		place++;
	return place;
}

/* Returns the first rule with a condition that holds; NULL: there is none. */
static const json_t *
choose_rule(const json_t *rules, json_t *content)
{
	size_t place = find_place(rules, content);

	return place < rule_count(rules) ? rule_at(rules, place) : NULL;
}

/* Returns the arguments for a template; an array stands for several. */
static json_t *
fill_arguments(const json_t *template, json_t *source)
{
	json_t *filled = template_fill(template, source);

	return json_is_array(template) ? filled : json_pack("[o]", filled);
}

/* Returns the content of an EVENT packet, an array, by a rule. */
static json_t *
fill_event(const json_t *rule, const char *name, json_t *content)
{
	const json_t *new_name = json_object_get(rule, "name");
	const json_t *to = json_object_get(rule, "to");
	json_t *filled = new_name ? template_fill(new_name, content) : NULL;
	json_t *arguments = to ? fill_arguments(to, content) : json_pack("[O]", content);

	json_array_insert_new(arguments, 0, json_is_string(filled) ? json_incref(filled) : json_string(name));
	json_decref(filled);
	return arguments;
}

/* Returns the text of an array without its brackets.  Releases the reference. */
static char *
without_brackets(json_t *arguments)
{
	char *text = json_dumps(arguments, JSON_COMPACT);
	char *inside = memory_copy_bytes(text + 1, strlen(text) - 2);

	json_decref(arguments);
	free(text);
	return inside;
}

/*
 * Adds to the payload of a part, as "room", the rest of its room's name.  Returns false if the rule is not for this
 * room.
 */
static bool
add_part_room(const json_t *rule, const Event *event, json_t *payload)
{
	const char *prefix = json_member(rule, "each_room");
	size_t length = prefix ? strlen(prefix) : 0;

	if (event->part_room == NULL)
		return true;
	if (prefix == NULL || strncmp(event->part_room, prefix, length) != 0)
		return false;
	json_object_set_new(payload, "room", json_string(event->part_room + length));
	return true;
}

static char *
content_by_rules(const json_t *rules, const Event *event)
{
	json_t *payload = json_read(event->payload);
	const json_t *rule = payload ? choose_rule(rules, payload) : NULL;
	bool wanted = rule != NULL && add_part_room(rule, event, payload);
	json_t *shaped = wanted ? fill_event(rule, event->name, payload) : NULL;

	json_decref(payload);
	return shaped ? without_brackets(shaped) : NULL;
}

/*
 * Returns name and arguments of an event as text; NULL: the namespace drops the event.  An empty rule
 * leaves the event as it is, so its payload is not parsed.
 */
static char *
content_of(const Namespace *namespace, const Event *event)
{
	const json_t *rules = find_rule(event->only ? namespace->batches : namespace->events, event->name);
	char *name;
	char *content;

	if (event->payload == NULL)
		return json_quoted(event->name);
	if (rules == NULL)
		return NULL;
	if (!json_is_object(rules) || json_object_size(rules) > 0)
		return content_by_rules(rules, event);
	name = json_quoted(event->name);
	content = memory_format("%s,%s", name, event->payload);
	free(name);
	return content;
}

/* The position is the last argument: socket.io-client keeps it as its offset and sends it when it reconnects. */
static Frame *
namespace_encode(const Format *format, const Event *event)
{
	char *content = content_of(namespace_of(format), event);
	char *start;
	char *id;
	char *text;

	if (content == NULL)
		return NULL;
	start = packet_header(PACKET_EVENT, format->namespace);
	id = event->ack ? memory_format("%u", event_ack_id(event)) : memory_copy("");
	text = memory_format("%s%s[%s,\"%s\"]", start, id, content, event->position);
	free(content);
	free(start);
	free(id);
	return frame_of_text(FRAME_TEXT, text);
}

/* Adds an event to its batch if a rule conflates it.  Batches themselves are not conflated. */
static void
conflate_event(const Format *format, const Event *event)
{
	const Namespace *namespace = namespace_of(format);
	const json_t *rules = find_rule(namespace->events, event->name);
	json_t *payload;
	const json_t *conflate;

	if (event->payload == NULL || event->only != NULL || (json_is_object(rules) && json_object_get(rules, "conflate") == NULL))
		return;
	payload = json_read(event->payload);
	conflate = json_object_get(choose_rule(rules, payload), "conflate");
	if (conflate != NULL && event->room_count > 0)
		conflation_add(event, format, conflate, namespace->batches, payload);
	json_decref(payload);
}

static Event *
namespace_part(const Format *format, const Event *event, const char *room)
{
	const json_t *rules = find_rule(namespace_of(format)->events, event->name);
	json_t *payload = event->payload != NULL && event->only == NULL ? json_read(event->payload) : NULL;
	const json_t *rule = payload ? choose_rule(rules, payload) : NULL;
	Event *part = json_member(rule, "each_room") != NULL ? event_part(event, room) : NULL;

	json_decref(payload);
	return part;
}

/* Returns whether a rule of events sends them for each room. */
static bool
has_parts(const json_t *events)
{
	const char *name;
	json_t *rules;

	json_object_foreach((json_t *) events, name, rules)
	{
		for (size_t i = 0; i < rule_count(rules); i++)
		{
			if (json_object_get(rule_at(rules, i), "each_room") != NULL)
				return true;
		}
	}
	return false;
}

Namespace *
namespace_new(int slot, const char *name, const json_t *description)
{
	Namespace *made = memory_new(sizeof(Namespace));

	made->format = (Format){
		.slot = slot,
		.namespace = name,
		.encode = namespace_encode,
		.part = has_parts(json_object_get(description, "events")) ? namespace_part : NULL,
		.on_first_delivery = json_object_get(description, "batches") ? conflate_event : NULL,
		.wants_acks = true,
		.repeats_position = true, /* the listener gets a function in its place, which the client does not keep */
	};
	made->events = json_object_get(description, "events");
	made->actions = json_object_get(description, "actions");
	made->batches = json_object_get(description, "batches");
	made->failed = json_object_get(description, "failed");
	return made;
}

bool
namespace_request(const Format *format, const char *name, json_t *arguments, ActionRequest *request)
{
	const json_t *rules = find_rule(namespace_of(format)->actions, name);
	const json_t *rule = choose_rule(rules, arguments);
	const json_t *data = json_object_get(rule, "data");
	const char *action = json_member(rule, "action");

	if (rule == NULL)
		return false;
	request->rule = find_place(rules, arguments);
	request->action = action ? action : name;
	request->data = data ? template_fill(data, arguments) : json_incref(json_array_get(arguments, 0));
	return true;
}

static json_t *
read_result(const char *body)
{
	char *text = memory_format("{%s}", body);
	json_t *answer = json_read(text);

	free(text);
	return answer;
}

char *
namespace_ack(const Format *format, const char *name, size_t rule, const char *body)
{
	const json_t *ack = json_object_get(rule_at(find_rule(namespace_of(format)->actions, name), rule), "ack");
	json_t *answer;
	json_t *arguments;

	if (ack == NULL)
		return memory_format("{%s}", body);
	answer = read_result(body);
	arguments = fill_arguments(ack, answer);
	json_decref(answer);
	return without_brackets(arguments);
}

size_t
namespace_failure_count(const Format *format)
{
	return rule_count(namespace_of(format)->failed);
}

char *
namespace_failure(const Format *format, size_t which, bool awaited, const char *body)
{
	const json_t *rule = rule_at(namespace_of(format)->failed, which);
	bool reports = rule != NULL && (!awaited || json_is_true(json_object_get(rule, "always")));
	json_t *answer = reports ? read_result(body) : NULL;
	json_t *error = json_object_get(answer, "error");
	json_t *shaped = error ? fill_event(rule, "error", error) : NULL;

	json_decref(answer);
	return shaped ? without_brackets(shaped) : NULL;
}
