/*-------------------------------------------------------------------------
 *
 * limits.c
 *	  Limits how often clients ask for something: by session, by user and by address.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/limits.h"

#include <arpa/inet.h>
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

/* Buckets of two more kinds, behind those of the limits. */
enum
{
	BUCKET_REFUSALS = LIMIT_KINDS * SCOPES,
	BUCKET_LOG
};

/* A client is told of so many refusals before it is closed. */
static const Rate refusal_rate = { .per_second = 1, .burst = 20 };

/* The lines in the log about one offender. */
static const Rate line_rate = { .per_second = 1.0 / 60, .burst = 1 };

/* Nobody has to wait for longer because of things that have happened already. */
#define LONGEST_DEBT_MS 60000

static const char *const scope_names[] = { "session", "user", "address" };

typedef struct Limit
{
	const char *name; /* in the log and in the metric */
	size_t setting;
	LogLimit log_limit;
} Limit;

static Limit limits[LIMIT_KINDS] = {
	[LIMIT_CONNECTS] = { "connects", offsetof(Config, limit_connects) },
	[LIMIT_MESSAGES] = { "messages", offsetof(Config, limit_messages) },
	[LIMIT_JOINS] = { "joins", offsetof(Config, limit_joins) },
	[LIMIT_ACTIONS] = { "actions", offsetof(Config, limit_actions) },
	[LIMIT_SIGNALS] = { "signals", offsetof(Config, limit_signals) },
	[LIMIT_FAILED_TOKENS] = { "failed_tokens", offsetof(Config, limit_failed_tokens) },
	[LIMIT_SOCKETS] = { "sockets", offsetof(Config, limit_sockets) },
};

_Static_assert(LIMIT_KINDS == METRICS_LIMITS, "each limit has its metric");

static Rate rates[LIMIT_KINDS][SCOPES];

/* The addresses of proxies; empty: none is known. */
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

/* Returns whether an address is of the own machine or of a private network: RFC 1918, 4193, 4291. */
static bool
is_private(const unsigned char address[16], bool is_v4)
{
	const unsigned char *v4 = address + 12;

	if (is_v4)
		return v4[0] == 127 || v4[0] == 10 || (v4[0] == 172 && v4[1] >> 4 == 1) || (v4[0] == 192 && v4[1] == 168);
	return IN6_IS_ADDR_LOOPBACK((const struct in6_addr *) address) || (address[0] & 0xFE) == 0xFC ||
		   (address[0] == 0xFE && (address[1] & 0xC0) == 0x80);
}

/*
 * Returns whether an address is that of a proxy, which speaks for many clients.  Unless the proxies are known, any
 * private address may be one.
 */
static bool
may_be_proxy(const unsigned char address[16], bool is_v4)
{
	NetworkAddress proxy = network_address_of_bytes(is_v4 ? address + 12 : address, is_v4 ? 4 : 16);

	if (trusted_proxy == NULL || *trusted_proxy == NULL || (*trusted_proxy)[0] == '\0')
		return is_private(address, is_v4);
	return network_list_has(*trusted_proxy, &proxy);
}

/*
 * Writes the name under which an address counts: of IPv6 the network of 64 bits, which one client may own.  Returns
 * false if it does not count, because it may be that of a proxy.
 */
static bool
address_name(LimitKind kind, const char *text, char name[INET6_ADDRSTRLEN])
{
	unsigned char address[16] = { 0 };
	bool is_v4 = inet_pton(AF_INET, text, address + 12) == 1;

	if (!is_v4 && inet_pton(AF_INET6, text, address) != 1)
		return false;
	is_v4 = is_v4 || IN6_IS_ADDR_V4MAPPED((const struct in6_addr *) address);
	if (kind != LIMIT_FAILED_TOKENS && may_be_proxy(address, is_v4))
		return false;
	if (!is_v4)
		memset(address + 8, 0, 8);
	return inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? address + 12 : address, name, INET6_ADDRSTRLEN) != NULL;
}

static void
log_offender(LimitKind kind, LimitScope scope, const LimitSubject *subject, uint64_t bucket, int64_t now)
{
	char name[24];
	uint64_t key;

	snprintf(name, sizeof(name), "%llx", (unsigned long long) bucket);
	key = rate_key(BUCKET_LOG, name);
	if (rate_wait(key, line_rate, now) > 0)
		return;
	rate_take(key, line_rate, 1, now);
	log_limited(&limits[kind].log_limit, LOG_LEVEL_WARNING, "limited", "reason", limits[kind].name, "by",
				scope_names[scope], "user", subject->user, "peer", subject->address);
}

/* Writes the keys of the buckets of a subject; 0: the scope has none. */
static void
bucket_keys(LimitKind kind, const LimitSubject *subject, uint64_t keys[SCOPES])
{
	char address[INET6_ADDRSTRLEN];
	bool counts = subject->address != NULL && address_name(kind, subject->address, address);
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
			log_offender(kind, scope, subject, keys[scope], now);
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
charge_tokens(LimitKind kind, const uint64_t keys[SCOPES], double tokens)
{
	int64_t now = (int64_t) loop_now();

	for (int scope = 0; scope < SCOPES; scope++)
	{
		double most = scope == SCOPE_ADDRESS ? rates[kind][SCOPE_SESSION].burst : tokens;

		if (keys[scope] == 0)
			continue;
		rate_take(keys[scope], rates[kind][scope], tokens < most ? tokens : most, now);
		rate_end_wait(keys[scope], rates[kind][scope], LONGEST_DEBT_MS, now);
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
	charge_tokens(kind, keys, (double) count);
	return bucket_wait(kind, subject, keys);
}

int64_t
limits_wait(LimitKind kind, const LimitSubject *subject)
{
	uint64_t keys[SCOPES];

	bucket_keys(kind, subject, keys);
	return bucket_wait(kind, subject, keys);
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
