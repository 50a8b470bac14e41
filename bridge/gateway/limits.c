/*-------------------------------------------------------------------------
 *
 * limits.c
 *	  Limits how often clients ask for something: by session, by user and by address.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/limits.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/network_address.h"
#include "base/rate.h"

typedef enum LimitScope
{
	SCOPE_SESSION,
	SCOPE_USER,
	SCOPE_ADDRESS,
	SCOPES
} LimitScope;

/* Buckets of three more kinds, behind those of the limits. */
enum
{
	BUCKET_REFUSALS = LIMIT_KINDS * SCOPES,
	BUCKET_LOG,
	BUCKET_LOG_OF_ALL
};

/* A client is told of so many refusals before it is closed. */
static const Rate refusal_rate = { .per_second = 1, .burst = 20 };

/* The lines in the log about one offender, and about all. */
static const Rate line_rate = { .per_second = 1.0 / 60, .burst = 1 };
static const Rate lines_rate = { .per_second = 1, .burst = 60 };

/* Nobody has to wait for longer because of things that have happened already; others may share the address. */
static const int64_t longest_debt_ms[SCOPES] = { 60000, 60000, 2000 };

/* Things that have happened already count for an address at once as much as so many sessions may do, of strangers. */
#define STRANGER_SESSIONS 10

static const char *const scope_names[] = { "session", "user", "address" };

typedef struct Limit
{
	const char *name; /* in the log and in the metric */
	size_t setting;
} Limit;

static const Limit limits[LIMIT_KINDS] = {
	[LIMIT_CONNECTS] = { "connects", offsetof(Config, limit_connects) },
	[LIMIT_MESSAGES] = { "messages", offsetof(Config, limit_messages) },
	[LIMIT_JOINS] = { "joins", offsetof(Config, limit_joins) },
	[LIMIT_ACTIONS] = { "actions", offsetof(Config, limit_actions) },
	[LIMIT_SIGNALS] = { "signals", offsetof(Config, limit_signals) },
	[LIMIT_FAILED_TOKENS] = { "failed_tokens", offsetof(Config, limit_failed_tokens) },
	[LIMIT_SOCKETS] = { "sockets", offsetof(Config, limit_sockets) },
	[LIMIT_ANONYMOUS] = { "anonymous", offsetof(Config, limit_anonymous) },
};

_Static_assert(LIMIT_KINDS == METRICS_LIMITS, "each limit has its metric");

static Rate rates[LIMIT_KINDS][SCOPES];

/* The addresses of proxies. */
static const char *const *trusted_proxy;

void
limits_configure(const Config *config)
{
	double factors[SCOPES] = { 1, (double) config->limit_user_sessions, (double) config->limit_address_sessions };

	trusted_proxy = (const char *const *) &config->trusted_proxy;
	for (int kind = 0; kind < LIMIT_KINDS; kind++)
	{
		Rate rate;
		bool good = rate_read(*(char *const *) ((const char *) config + limits[kind].setting), &rate);

		assert(good);
		(void) good;
		for (int scope = 0; scope < SCOPES; scope++)
			rates[kind][scope] = (Rate){ rate.per_second * factors[scope], rate.burst * factors[scope] };
	}
}

/*
 * Writes the name under which an address counts: that of its owner's network.  Returns false if it does not count: a
 * trusted proxy speaks for many clients.
 */
static bool
address_name(const char *text, char name[NETWORK_ADDRESS_TEXT])
{
	NetworkAddress address;

	if (!network_address_read(text, strlen(text), &address) || network_list_has(*trusted_proxy, &address))
		return false;
	address = network_address_of_owner(address);
	network_address_write(&address, name);
	return true;
}

/* An address that many share, such as a proxy's, is no offender. */
static const char *
hint_of(LimitScope scope)
{
	return scope == SCOPE_ADDRESS ? "If this is a proxy, name it in trusted-proxy." : NULL;
}

/* Returns the number of offenders that had no line since the latest line, or notes that this one gets none. */
static long
count_left_out(bool gets_line)
{
	static long left_out;
	long count = left_out;

	left_out = gets_line ? 0 : count + 1;
	return count;
}

static void
log_line(LimitKind kind, LimitScope scope, const LimitSubject *subject)
{
	char left_out[24];
	long count = count_left_out(true);

	snprintf(left_out, sizeof(left_out), "%ld", count);
	log_warning("limited", "reason", limits[kind].name, "by", scope_names[scope], "user", subject->user, "peer",
				subject->address, "hint", hint_of(scope), "left_out", count > 0 ? left_out : NULL);
}

/*
 * An offender gets a line a minute, unless there are too many offenders: the next line has their number.  A stranger
 * is known by the address alone, however many sessions they open.
 */
static void
log_offender(LimitKind kind, LimitScope scope, const LimitSubject *subject, const uint64_t keys[SCOPES], int64_t now)
{
	bool by_address = subject->user == NULL && keys[SCOPE_ADDRESS] != 0;
	uint64_t of_all = rate_key(BUCKET_LOG_OF_ALL, "");
	char name[32];
	uint64_t key;

	snprintf(name, sizeof(name), "%d:%llx", scope, (unsigned long long) keys[by_address ? SCOPE_ADDRESS : scope]);
	key = rate_key(BUCKET_LOG, name);
	if (rate_wait(key, line_rate, now) > 0)
		return;
	rate_take(key, line_rate, 1, now);
	if (rate_wait(of_all, lines_rate, now) > 0)
	{
		count_left_out(false);
		return;
	}
	rate_take(of_all, lines_rate, 1, now);
	log_line(kind, scope, subject);
}

/* Writes the keys of the buckets of a subject; 0: the scope has none. */
static void
bucket_keys(LimitKind kind, const LimitSubject *subject, uint64_t keys[SCOPES])
{
	char address[NETWORK_ADDRESS_TEXT];
	bool counts = subject->address != NULL && trusted_proxy != NULL && address_name(subject->address, address);
	const char *names[SCOPES] = { subject->session, subject->user, counts ? address : NULL };

	for (int scope = 0; scope < SCOPES; scope++)
	{
		bool limited = names[scope] != NULL && rates[kind][scope].burst > 0;

		keys[scope] = limited ? rate_key(kind * SCOPES + scope, names[scope]) : 0;
	}
}

/* Returns the time until each bucket has a token.  If one has none, that is counted and logged. */
static int64_t
bucket_wait(LimitKind kind, const LimitSubject *subject, const uint64_t keys[SCOPES])
{
	int64_t now = (int64_t) loop_now();

	for (int scope = 0; scope < SCOPES; scope++)
	{
		int64_t wait = keys[scope] != 0 ? rate_wait(keys[scope], rates[kind][scope], now) : 0;

		if (wait > 0)
		{
			metrics.limited[kind]++;
			log_offender(kind, scope, subject, keys, now);
			return wait;
		}
	}
	return 0;
}

/* Takes a token out of each bucket. */
static void
take_token(LimitKind kind, const uint64_t keys[SCOPES])
{
	for (int scope = 0; scope < SCOPES; scope++)
	{
		if (keys[scope] != 0)
			rate_take(keys[scope], rates[kind][scope], 1, (int64_t) loop_now());
	}
}

/* Takes tokens out of each bucket, whether it has them or not. */
static void
charge_tokens(LimitKind kind, const LimitSubject *subject, const uint64_t keys[SCOPES], double tokens)
{
	int64_t now = (int64_t) loop_now();

	for (int scope = 0; scope < SCOPES; scope++)
	{
		double share = subject->user != NULL ? 1 : STRANGER_SESSIONS;
		double most = scope == SCOPE_ADDRESS ? share * rates[kind][SCOPE_SESSION].burst : tokens;

		if (keys[scope] == 0)
			continue;
		rate_take(keys[scope], rates[kind][scope], tokens < most ? tokens : most, now);
		rate_end_wait(keys[scope], rates[kind][scope], longest_debt_ms[scope], now);
	}
}

int64_t
limits_take(LimitKind kind, const LimitSubject *subject)
{
	uint64_t keys[SCOPES];
	int64_t wait;

	bucket_keys(kind, subject, keys);
	wait = bucket_wait(kind, subject, keys);
	if (wait == 0)
		take_token(kind, keys);
	return wait;
}

int64_t
limits_charge(LimitKind kind, const LimitSubject *subject, int64_t count)
{
	uint64_t keys[SCOPES];

	assert(count > 0);
	bucket_keys(kind, subject, keys);
	charge_tokens(kind, subject, keys, (double) count);
	return bucket_wait(kind, subject, keys);
}

void
limits_give(LimitKind kind, const LimitSubject *subject, int64_t count)
{
	uint64_t keys[SCOPES];

	assert(count > 0);
	bucket_keys(kind, subject, keys);
	for (int scope = 0; scope < SCOPES; scope++)
	{
		if (keys[scope] != 0)
			rate_give(keys[scope], rates[kind][scope], (double) count, (int64_t) loop_now());
	}
}

int64_t
limits_wait(LimitKind kind, const LimitSubject *subject)
{
	uint64_t keys[SCOPES];

	bucket_keys(kind, subject, keys);
	return bucket_wait(kind, subject, keys);
}

bool
limits_is_used_up(LimitKind kind, const LimitSubject *subject)
{
	uint64_t keys[SCOPES];

	bucket_keys(kind, subject, keys);
	for (int scope = 0; scope < SCOPES; scope++)
	{
		if (keys[scope] != 0 && rate_wait(keys[scope], rates[kind][scope], (int64_t) loop_now()) > 0)
			return true;
	}
	return false;
}

bool
limits_tolerate(const char *session)
{
	uint64_t key = rate_key(BUCKET_REFUSALS, session);
	int64_t now = (int64_t) loop_now();
	bool tolerates = rate_wait(key, refusal_rate, now) == 0;

	if (tolerates)
		rate_take(key, refusal_rate, 1, now);
	return tolerates;
}

/* Returns the subject of a session; it belongs to the session. */
static LimitSubject
subject_of(const Session *session)
{
	return (LimitSubject){ session->key, session->user, session->origin.address };
}

const char *
limits_message(int64_t wait)
{
	static char message[80];

	snprintf(message, sizeof(message), "too many of these; try again in %lld s", (long long) (wait + 999) / 1000);
	return message;
}

/* Signals come often and are of use for a moment only. */
static bool
is_signal(const char *name)
{
	static const char *const signals[] = { "typing:start", "typing:stop", "presence:set" };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
	{
		if (strcmp(name, signals[i]) == 0)
			return true;
	}
	return false;
}

int64_t
limits_take_action(const Session *session, const char *name)
{
	LimitSubject subject = subject_of(session);
	int64_t wait;

	if (strcmp(name, "ping") == 0)
		return 0;
	if (strcmp(name, "room:join") == 0)
		return limits_take(LIMIT_JOINS, &subject);
	wait = is_signal(name) ? limits_take(LIMIT_SIGNALS, &subject) : 0;
	return wait > 0 ? wait : limits_take(LIMIT_ACTIONS, &subject);
}
