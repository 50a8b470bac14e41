/*-------------------------------------------------------------------------
 *
 * pid.c
 *	  The private id of a Socket.IO session (pid), with which a client recovers it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/pid.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "fanout/session.h"

#define SID_START (SESSION_KEY_LENGTH + 1)
#define POSITION_START (SID_START + PID_SID_LENGTH + 1)

static const char hexadecimal[] = "0123456789abcdef";

char *
pid_new(const char *key, const char *sid, const char *position)
{
	assert(strlen(key) == SESSION_KEY_LENGTH && strlen(sid) == PID_SID_LENGTH && position != NULL);
	return memory_format("%s.%s.%s", key, sid, position);
}

bool
pid_is_valid(const char *text)
{
	return text != NULL && strspn(text, hexadecimal) == SESSION_KEY_LENGTH && text[SESSION_KEY_LENGTH] == '.' &&
		   strspn(text + SID_START, hexadecimal) == PID_SID_LENGTH && text[POSITION_START - 1] == '.' &&
		   text[strspn(text, "0123456789abcdef.~")] == '\0';
}

char *
pid_key(const char *pid)
{
	assert(pid_is_valid(pid));
	return memory_copy_bytes(pid, SESSION_KEY_LENGTH);
}

char *
pid_position(const char *pid)
{
	assert(pid_is_valid(pid));
	return memory_copy(pid + POSITION_START);
}

void
pid_copy_sid(const char *pid, char sid[PID_SID_LENGTH + 1])
{
	assert(pid_is_valid(pid));
	memcpy(sid, pid + SID_START, PID_SID_LENGTH);
	sid[PID_SID_LENGTH] = '\0';
}
