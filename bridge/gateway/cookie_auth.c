/*-------------------------------------------------------------------------
 *
 * cookie_auth.c
 *	  Asks the application for the user of a session cookie.
 *
 * 1. An answer is good for session-cookie-cache, a refusal for a fifth of that.  Clients that show
 *	  the same cookie meanwhile share one query.
 *
 * 2. The queries have connections of their own, and the time of an action.  A client waits for
 *	  twice that time at most, so that a slow function of the application delays nothing else.
 *
 * 3. The addresses of clients take turns, and none has all connections.  So slow cookies of one address leave the last
 *	  one to the others.
 *
 * 4. An error of the function that the cookie may have caused is believed like a refusal, and the client is to blame.
 *	  Errors of the server or of its schema are an outage, and a query that takes too long is one of a slow server:
 *	  no client can be blamed for these, and the next one asks again.
 *
 * 5. The application ends sessions of a user by the log.  The latest users are remembered, each with
 *	  a number.  An answer for a user added since the query was sent may be older than
 *	  the end: the bridge asks again.
 *
 * 6. Cookies are secrets: the cache has their digests, and the log no message of the function, which may quote one.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/cookie_auth.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/fair_queue.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/timer.h"
#include "gateway/cookie_place.h"
#include "source/database_pool.h"

/*
 * Answers that are kept, cookies that wait for theirs, and users that are remembered as forgotten.  An address may have
 * no more waiting cookies than are left for the others.
 */
#define MOST_ANSWERS 10000
#define MOST_WAITING 1000
#define FORGOTTEN_USERS 256

#define DIGEST 32

/* A refusal is believed for this part of the time of an answer. */
#define REFUSAL_PART 5

/* One cookie: it is being asked about, or has an answer. */
typedef struct Cookie
{
	FairItem queued; /* until there is an answer */
	Database *connection;
	unsigned char digest[DIGEST];
	char *text;				   /* until there is an answer */
	CookieQuestion *questions; /* that wait for it */
	uint64_t forgotten;		   /* number of the next forgotten user when the query was sent */
	uint64_t good_until;	   /* by loop_now(); 0: there is no answer yet */
	Identity identity;		   /* without a user: refused, for this reason */
	const Refusal *refusal;
	Timer deadline;		 /* of the questions */
	struct Cookie *next; /* among the answers, the oldest first */
	struct Cookie *prev;
	UT_hash_handle hh;
} Cookie;

struct CookieQuestion
{
	Cookie *cookie;
	CookieAnswer answer;
	void *context;
	CookieQuestion *next;
	CookieQuestion *prev;
};

static struct
{
	const Config *config;
	Cookie *by_digest;
	Cookie *answers;
	int answer_count;
	DatabasePool pool;				  /* asks about them, by address */
	CookieQuestion *asking;			  /* by cookie_auth_ask(), and not answered yet; or NULL */
	char *forgotten[FORGOTTEN_USERS]; /* a ring, each at its number */
	uint64_t next_forgotten;
	LogLimit failures;
} cookies;

static const Refusal refused = { "token_refused", "the application does not know the session of the cookie", 0 };
const Refusal cookie_auth_failed = { "unavailable", "the application has failed to name the user of the cookie", 0 };
static const Refusal unavailable = { "unavailable", "the session of the cookie cannot be checked at the moment", 0 };

static Identity *
copy_identity(const Identity *identity, Identity *copy)
{
	*copy = *identity;
	copy->user = memory_copy(identity->user);
	copy->claims = memory_copy(identity->claims);
	return copy;
}

static void
cookie_detach(CookieQuestion *question)
{
	DL_DELETE(question->cookie->questions, question);
	if (cookies.asking == question)
		cookies.asking = NULL;
}

/* Answers and frees a question.  NULL: there is no answer, for this reason. */
static void
answer_question(CookieQuestion *question, const Identity *identity, const Refusal *refusal)
{
	Identity copy;

	cookie_detach(question);
	if (identity != NULL)
		question->answer(question->context, copy_identity(identity, &copy), NULL);
	else
		question->answer(question->context, NULL, refusal);
	free(question);
}

static void
answer_all(Cookie *cookie, const Identity *identity, const Refusal *refusal)
{
	while (cookie->questions != NULL)
		answer_question(cookie->questions, identity, refusal);
}

static void
free_cookie(Cookie *cookie)
{
	assert(cookie->questions == NULL);
	HASH_DEL(cookies.by_digest, cookie);
	if (cookie->good_until > 0)
	{
		DL_DELETE(cookies.answers, cookie);
		cookies.answer_count--;
	}
	timer_stop(&cookie->deadline);
	free(cookie->text);
	free(cookie->identity.user);
	free(cookie->identity.claims);
	free(cookie);
}

/* Frees a cookie whose turn has come, but that gets no answer.  The next ones may be asked about when this returns. */
static void
drop_cookie(Cookie *cookie)
{
	fair_queue_end(&cookies.pool.waiting, &cookie->queued);
	free_cookie(cookie);
}

/* The query goes on, and its answer will serve others. */
static void
cookie_on_deadline(void *context)
{
	answer_all(context, NULL, &unavailable);
}

/* Has the user of an answer been forgotten since it was asked for? */
static bool
is_outdated(const Cookie *cookie, const char *user)
{
	if (cookies.next_forgotten - cookie->forgotten > FORGOTTEN_USERS)
		return true;
	for (uint64_t number = cookie->forgotten; number < cookies.next_forgotten; number++)
	{
		if (strcmp(cookies.forgotten[number % FORGOTTEN_USERS], user) == 0)
			return true;
	}
	return false;
}

static void cookie_on_answer(void *context, const PGresult *result);

static void
send_question(Cookie *cookie)
{
	const char *const values[] = { cookie->text };

	cookie->forgotten = cookies.next_forgotten;
	database_query(cookie->connection, "SELECT herald.authenticate($1)", 1, values, cookie_on_answer, cookie);
}

static void take_failure(Cookie *cookie, const char *sqlstate);

/* Asks about a cookie, if somebody still waits for it. */
static void
start_question(FairItem *item, Database *connection)
{
	Cookie *cookie = (Cookie *) item;

	cookie->connection = connection;
	if (connection == NULL)
		take_failure(cookie, NULL);
	else if (cookie->questions != NULL)
		send_question(cookie);
	else
		drop_cookie(cookie);
}

/* Queues a new cookie, unless too many wait. */
static bool
queue_cookie(Cookie *cookie, const char *text, const char *address)
{
	const FairQueue *waiting = &cookies.pool.waiting;
	char *place = cookie_place_of(waiting, address);
	bool fits = waiting->load.items + fair_queue_load_of(waiting, place).items < MOST_WAITING;

	if (fits)
	{
		cookie->text = memory_copy(text);
		fair_queue_add(&cookies.pool.waiting, place, &cookie->queued, strlen(text));
	}
	free(place);
	return fits;
}

static void
keep_answer(Cookie *cookie)
{
	uint64_t time = (uint64_t) cookies.config->session_cookie_cache;

	cookie->good_until = loop_now() + (cookie->identity.user ? time : time / REFUSAL_PART);
	DL_APPEND(cookies.answers, cookie);
	if (++cookies.answer_count > MOST_ANSWERS)
		free_cookie(cookies.answers);
}

/* Gives everybody the answer, which may be a refusal, and keeps it. */
static void
settle_cookie(Cookie *cookie, const Refusal *refusal)
{
	timer_stop(&cookie->deadline);
	free(cookie->text);
	cookie->text = NULL;
	fair_queue_end(&cookies.pool.waiting, &cookie->queued);
	answer_all(cookie, cookie->identity.user ? &cookie->identity : NULL, refusal);
	keep_answer(cookie);
}

/* Takes the claims of the user, or NULL. */
static void
take_claims(Cookie *cookie, const char *claims)
{
	Refusal refusal = refused;
	bool good = claims != NULL && auth_read_answer(claims, &cookie->identity, &refusal);

	if (good && is_outdated(cookie, cookie->identity.user))
	{
		free(cookie->identity.user);
		free(cookie->identity.claims);
		cookie->identity = (Identity){ 0 };
		send_question(cookie);
		return;
	}
	cookie->refusal = &refused;
	settle_cookie(cookie, &refusal);
}

/* Errors of the server, of the schema, or of others at the same time.  NULL: the connection was lost. */
static bool
may_blame_cookie(const char *sqlstate)
{
	static const char *const others[] = { "08", "25", "28", "40", "42", "53", "55", "57", "58", "XX" };

	for (size_t i = 0; sqlstate != NULL && i < sizeof(others) / sizeof(others[0]); i++)
	{
		if (strncmp(sqlstate, others[i], strlen(others[i])) == 0)
			return false;
	}
	return sqlstate != NULL;
}

static void
take_failure(Cookie *cookie, const char *sqlstate)
{
	log_limited(&cookies.failures, LOG_LEVEL_WARNING, "cookie_not_checked", "sqlstate", sqlstate, "reason",
				sqlstate ? "herald.authenticate() has failed" : "no connection to the database");
	if (may_blame_cookie(sqlstate))
	{
		cookie->refusal = &cookie_auth_failed;
		settle_cookie(cookie, &cookie_auth_failed);
		return;
	}
	answer_all(cookie, NULL, &unavailable);
	drop_cookie(cookie);
}

static void
cookie_on_answer(void *context, const PGresult *result)
{
	Cookie *cookie = context;

	if (result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
		take_claims(cookie, PQgetisnull(result, 0, 0) ? NULL : PQgetvalue(result, 0, 0));
	else
		take_failure(cookie, result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL);
	database_pool_go_on(&cookies.pool);
}

static void
digest_of(const char *text, unsigned char *digest)
{
	unsigned int length = DIGEST;

	if (EVP_Digest(text, strlen(text), digest, &length, EVP_sha256(), NULL) != 1)
		abort();
}

/* Returns whether an answer may still be given. */
static bool
is_still_good(const Cookie *cookie)
{
	return loop_now() < cookie->good_until &&
		   (cookie->identity.user == NULL || !is_outdated(cookie, cookie->identity.user));
}

/* Returns the cookie with its answer, if that is still good, or with its query; else a new one. */
static Cookie *
find_or_add(const char *text)
{
	unsigned char digest[DIGEST];
	Cookie *cookie;

	digest_of(text, digest);
	HASH_FIND(hh, cookies.by_digest, digest, DIGEST, cookie);
	if (cookie != NULL && cookie->good_until > 0 && !is_still_good(cookie))
	{
		free_cookie(cookie);
		cookie = NULL;
	}
	if (cookie != NULL)
		return cookie;
	cookie = memory_new(sizeof(Cookie));
	memcpy(cookie->digest, digest, DIGEST);
	HASH_ADD(hh, cookies.by_digest, digest, DIGEST, cookie);
	return cookie;
}

static CookieQuestion *
add_question(Cookie *cookie, CookieAnswer answer, void *context)
{
	CookieQuestion *question = memory_new(sizeof(CookieQuestion));

	*question = (CookieQuestion){ .cookie = cookie, .answer = answer, .context = context };
	DL_APPEND(cookie->questions, question);
	if (!timer_is_running(&cookie->deadline))
		timer_start(&cookie->deadline, 2 * (uint64_t) cookies.config->action_timeout, cookie_on_deadline, cookie);
	return question;
}

CookieQuestion *
cookie_auth_ask(const char *text, const char *address, CookieAnswer answer, void *context)
{
	Cookie *cookie;
	Identity copy;

	if (!database_pool_is_connected(&cookies.pool))
	{
		answer(context, NULL, &unavailable);
		return NULL;
	}
	cookie = find_or_add(text);
	if (cookie->good_until > 0)
	{
		bool good = cookie->identity.user != NULL;

		answer(context, good ? copy_identity(&cookie->identity, &copy) : NULL, good ? NULL : cookie->refusal);
		return NULL;
	}
	if (cookie->text == NULL && !queue_cookie(cookie, text, address))
	{
		free_cookie(cookie);
		answer(context, NULL, &unavailable);
		return NULL;
	}
	cookies.asking = add_question(cookie, answer, context);
	database_pool_go_on(&cookies.pool);
	return cookies.asking;
}

void
cookie_auth_give_up(CookieQuestion *question)
{
	cookie_detach(question);
	free(question);
}

void
cookie_auth_forget(const char *user)
{
	char **slot = &cookies.forgotten[cookies.next_forgotten++ % FORGOTTEN_USERS];

	free(*slot);
	*slot = memory_copy(user);
}

/* No answer reaches that far back. */
void
cookie_auth_forget_all(void)
{
	cookies.next_forgotten += FORGOTTEN_USERS + 1;
}

void
cookie_auth_start(const Config *config)
{
	cookies.config = config;
	if (config->session_cookie[0] != '\0')
		database_pool_open(&cookies.pool, "cookies", config->database, config->action_timeout, start_question);
}

void
cookie_auth_stop(void)
{
	database_pool_close(&cookies.pool);
	while (cookies.answers != NULL)
		free_cookie(cookies.answers);
	for (int i = 0; i < FORGOTTEN_USERS; i++)
	{
		free(cookies.forgotten[i]);
		cookies.forgotten[i] = NULL;
	}
}
