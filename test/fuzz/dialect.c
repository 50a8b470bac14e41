/*-------------------------------------------------------------------------
 *
 * dialect.c
 *	  Loads dialect files, and writes an event and translates an action in each.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <unistd.h>

#include "fanout/event.h"
#include "fuzz.h"
#include "protocol/dialect.h"
#include "protocol/namespace.h"

static char path[64];

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void) count;
	(void) arguments;
	fuzz_silence();
	snprintf(path, sizeof(path), "/tmp/herald-dialect.%d.json", (int) getpid());
	freopen("/dev/null", "w", stdout);
	return 0;
}

static void
use(const Format *format)
{
	static const char payload[] = "{\"id\":\"7\",\"a\":[1,{\"b\":null}],\"content\":\"x\"}";
	Event *event = event_new();
	json_t *arguments = json_pack("[{s:s}, i]", "conversationId", "7", "receiverId", 3);
	ActionRequest request = { 0 };
	Event *part;

	event->name = memory_copy("message:created");
	event->payload = memory_copy(payload);
	event->position = memory_copy("1~a");
	event_frame(event, format);
	event->ephemeral = true;
	part = format->part ? format->part(format, event, "conversation:7") : NULL;
	if (part != NULL)
	{
		event_frame(part, format);
		event_unref(part);
	}
	event_unref(event);
	if (namespace_request(format, "message", arguments, &request))
		json_decref(request.data);
	free(namespace_ack(format, "message", request.rule, "\"ok\":true,\"data\":{\"a\":1}"));
	for (size_t i = 0; i < namespace_failure_count(format); i++)
		free(namespace_failure(format, i, i % 2, "\"ok\":false,\"error\":{\"code\":\"x\",\"message\":\"y\"}"));
	json_decref(arguments);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	FILE *file = fopen(path, "w");
	const Format *format;

	fwrite(bytes, 1, length, file);
	fclose(file);
	if (dialect_load(path) && (format = dialect_namespace(NULL, "/")) != NULL)
		use(format);
	dialect_unload();
	unlink(path);
	return 0;
}
