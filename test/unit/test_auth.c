/*-------------------------------------------------------------------------
 *
 * test_auth.c
 *	  The bridge accepts only tokens that are good in every respect, and names the reason of a refusal.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/auth.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "sign.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char path[64];
static Config config;
static const ClientAddress from = { "192.0.2.7", "https://app.example" };

static void
write_secret(const char *secret)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(secret, file);
	fclose(file);
}

static int
begin(void **state)
{
	(void) state;
	umask(077);
	snprintf(path, sizeof(path), "/tmp/herald-secret.%d", (int) getpid());
	write_secret(SECRET "\n");
	config = (Config){ .jwt_secret_file = path, .jwt_key_file = "", .jwt_algorithm = "", .allow_tokens_without_expiry = true };
	config.jwt_audience = config.jwt_issuer = "";
	config.jwt_user_claim = "sub";
	config.session_cookie = "";
	assert_true(auth_configure(&config));
	return 0;
}

static int
end(void **state)
{
	(void) state;
	unlink(path);
	return 0;
}

static char *
make_token(const char *claims, const char *algorithm, const char *secret)
{
	char *header = memory_format("{\"alg\":\"%s\",\"typ\":\"JWT\"}", algorithm);
	char *digest = memory_format("SHA%s", algorithm + 2);
	char *token = sign_by_secret(header, claims, digest, secret, strlen(secret));

	free(header);
	free(digest);
	return token;
}

/* Takes over the token; "wanted" is the code of the refusal. */
static void
refuses_token(char *token, const char *wanted)
{
	Identity identity;
	Refusal refusal = { "", "" };
	int64_t before = metrics.authentications_failed;

	assert_false(auth_verify(token, from, &identity, &refusal));
	assert_string_equal(refusal.code, wanted);
	assert_true(strlen(refusal.message) > 10);
	assert_null(identity.user);
	assert_null(identity.claims);
	assert_int_equal(metrics.authentications_failed - before, 1);
	free(token);
}

static void
refuses(const char *claims, const char *wanted)
{
	refuses_token(make_token(claims, "HS256", SECRET), wanted);
}

static void
accepts_token(char *token, const char *user, int64_t expires)
{
	Identity identity;
	Refusal refusal = { "", "" };

	if (!auth_verify(token, from, &identity, &refusal))
		fail_msg("%s is refused: %s", token, refusal.code);
	assert_string_equal(identity.user, user);
	assert_int_equal(identity.expires, expires);
	assert_non_null(strchr(identity.claims, '{'));
	free(identity.user);
	free(identity.claims);
	free(token);
}

static void
accepts(const char *claims, const char *user)
{
	accepts_token(make_token(claims, "HS256", SECRET), user, 0);
}

static void
accepts_a_good_token(void **state)
{
	char claims[128];
	time_t later = time(NULL) + 10;
	Identity identity;
	Refusal refusal;
	char *token = make_token("{\"sub\":\"42\",\"role\":\"x\"}", "HS256", SECRET);

	(void) state;
	assert_true(auth_verify(token, from, &identity, &refusal));
	assert_non_null(strstr(identity.claims, "\"role\":\"x\""));
	free(identity.user);
	free(identity.claims);
	free(token);
	snprintf(claims, sizeof(claims), "{\"sub\":\"42\",\"exp\":%ld,\"nbf\":%ld}", (long) later, (long) later - 10);
	accepts_token(make_token(claims, "HS256", SECRET), "42", later);
	accepts("{\"sub\":\"42\",\"exp\":1e300}", "42"); /* never */
}

static void
refuses_a_token_with_another_signature(void **state)
{
	char *token = make_token("{\"sub\":\"42\"}", "HS256", SECRET);
	char *other = make_token("{\"sub\":\"43\"}", "HS256", SECRET);
	char *mixed = malloc(strlen(token) + strlen(other));

	(void) state;
	/* the claims of one with the signature of the other */
	strcpy(mixed, other);
	strcpy(strrchr(mixed, '.'), strrchr(token, '.'));
	refuses_token(mixed, "token_invalid");
	*strrchr(other, '.') = '\0';
	refuses_token(other, "token_invalid");
	strrchr(token, '.')[1] = '\0';
	refuses_token(token, "token_invalid");
	refuses_token(make_token("{\"sub\":\"42\"}", "HS256", "another secret of sufficient length"), "token_invalid");
	refuses_token(make_token("{\"sub\":\"42\"}", "HS256", SECRET "\n"), "token_invalid");
}

/* A token that names an algorithm, and has no signature. */
static char *
unsigned_token(const char *algorithm)
{
	char *header = memory_format("{\"alg\":\"%s\"}", algorithm);
	char *token = sign_join(sign_content(header, "{\"sub\":\"42\"}"), "", 0);

	free(header);
	return token;
}

static void
refuses_another_algorithm_than_configured(void **state)
{
	static const char *const names[] = { "none", "None", "NONE", "nOnE", "", "HS256", "HS", "HS256 ", "hs256" };

	(void) state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		refuses_token(unsigned_token(names[i]), "token_invalid");
	refuses_token(make_token("{\"sub\":\"42\"}", "HS512", SECRET), "token_invalid");
	refuses_token(make_token("{\"sub\":\"42\"}", "HS384", SECRET), "token_invalid");
	config.jwt_algorithm = "HS512";
	assert_true(auth_configure(&config));
	accepts_token(make_token("{\"sub\":\"42\"}", "HS512", SECRET), "42", 0);
	refuses("{\"sub\":\"42\"}", "token_invalid");
}

static void
checks_the_times_of_a_token(void **state)
{
	char claims[128];

	(void) state;
	snprintf(claims, sizeof(claims), "{\"sub\":\"42\",\"exp\":%ld}", (long) time(NULL) - 1);
	refuses(claims, "token_expired");
	snprintf(claims, sizeof(claims), "{\"sub\":\"42\",\"exp\":%ld}", (long) time(NULL));
	refuses(claims, "token_expired");
	refuses("{\"sub\":\"42\",\"exp\":0}", "token_expired");
	refuses("{\"sub\":\"42\",\"exp\":1.5}", "token_expired");
	snprintf(claims, sizeof(claims), "{\"sub\":\"42\",\"nbf\":%ld}", (long) time(NULL) + 100);
	refuses(claims, "token_not_yet_valid");
	refuses("{\"sub\":\"42\",\"exp\":\"9999999999\"}", "token_invalid");
	refuses("{\"sub\":\"42\",\"exp\":null}", "token_invalid");
	refuses("{\"sub\":\"42\",\"nbf\":\"0\"}", "token_invalid");
}

static void
requires_an_expiry_unless_told_otherwise(void **state)
{
	(void) state;
	config.allow_tokens_without_expiry = false;
	refuses("{\"sub\":\"42\"}", "token_invalid");
	refuses("{\"sub\":\"42\",\"Exp\":4102444800}", "token_invalid");
	accepts_token(make_token("{\"sub\":\"42\",\"exp\":4102444800}", "HS256", SECRET), "42", 4102444800);
}

/* Returns claims with a time so many seconds from now. */
static const char *
claims_at(const char *name, long seconds)
{
	static char claims[128];

	snprintf(claims, sizeof(claims), "{\"sub\":\"42\",\"%s\":%ld}", name, (long) time(NULL) + seconds);
	return claims;
}

static void
allows_for_wrong_clocks(void **state)
{
	(void) state;
	config.jwt_clock_skew = 5000;
	accepts_token(make_token(claims_at("exp", -3), "HS256", SECRET), "42", time(NULL) + 2);
	refuses(claims_at("exp", -5), "token_expired");
	accepts(claims_at("nbf", 4), "42");
	refuses(claims_at("nbf", 8), "token_not_yet_valid");
	accepts(claims_at("iat", 4), "42");
	refuses(claims_at("iat", 8), "token_not_yet_valid");
	config.jwt_clock_skew = 0;
	refuses(claims_at("iat", 3), "token_not_yet_valid");
	refuses("{\"sub\":\"42\",\"iat\":\"1\"}", "token_invalid");
	refuses("{\"sub\":\"42\",\"iat\":null}", "token_invalid");
}

static void
limits_the_age_of_tokens(void **state)
{
	(void) state;
	accepts(claims_at("iat", -100000), "42");
	config.jwt_max_age = 60000;
	accepts_token(make_token(claims_at("iat", -20), "HS256", SECRET), "42", time(NULL) + 40);
	refuses(claims_at("iat", -60), "token_expired");
	refuses(claims_at("exp", 20), "token_invalid"); /* its age is unknown */
	config.jwt_clock_skew = 5000;
	accepts_token(make_token(claims_at("iat", -62), "HS256", SECRET), "42", time(NULL) + 3);
	accepts_token(make_token(claims_at("exp\":99999999999,\"iat", -50), "HS256", SECRET), "42", time(NULL) + 15);
	refuses(claims_at("exp\":9,\"iat", -1), "token_expired");
}

static void
refuses_claims_that_come_twice(void **state)
{
	(void) state;
	refuses("{\"sub\":\"42\",\"sub\":\"42\"}", "token_invalid");
	refuses("{\"sub\":\"42\",\"s\\u0075b\":\"43\"}", "token_invalid");
	refuses("{\"sub\":\"42\",\"exp\":1,\"exp\":4102444800}", "token_invalid");
	refuses("{\"sub\":\"42\",\"other\":{\"a\":1,\"a\":2}}", "token_invalid");
	accepts("{\"sub\":\"42\",\"Sub\":\"43\"}", "42");
}

static void
refuses_malformed_claims(void **state)
{
	static const char *const claims[] = { "", "null", "[]", "[\"sub\",\"42\"]", "\"sub\"", "{\"sub\":\"42\"", "{\"sub\":\"42\"}x",
										  "{\"sub\":\"\xff\"}", "{\"sub\":\"4\\u0000\"}", "{\"sub\":\"\\ud800\"}",
										  "{\"sub\":12345678901234567890}", "{\"sub\":\"42\",\"exp\":1e400}" };

	(void) state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++)
		refuses(claims[i], "token_invalid");
}

static void
checks_the_audience(void **state)
{
	(void) state;
	accepts("{\"sub\":\"42\",\"aud\":\"other\"}", "42"); /* none is required */
	config.jwt_audience = "app";
	accepts("{\"sub\":\"42\",\"aud\":\"app\"}", "42");
	accepts("{\"sub\":\"42\",\"aud\":[\"x\",\"app\"]}", "42");
	refuses("{\"sub\":\"42\"}", "token_wrong_audience");
	refuses("{\"sub\":\"42\",\"aud\":\"apps\"}", "token_wrong_audience");
	refuses("{\"sub\":\"42\",\"aud\":\"\"}", "token_wrong_audience");
	refuses("{\"sub\":\"42\",\"aud\":[]}", "token_wrong_audience");
	refuses("{\"sub\":\"42\",\"aud\":[\"x\",7,null]}", "token_wrong_audience");
	refuses("{\"sub\":\"42\",\"aud\":{\"app\":1}}", "token_wrong_audience");
	refuses("{\"sub\":\"42\",\"aud\":7}", "token_wrong_audience");
}

static void
checks_the_issuer(void **state)
{
	(void) state;
	config.jwt_issuer = "https://id";
	accepts("{\"sub\":\"42\",\"iss\":\"https://id\"}", "42");
	refuses("{\"sub\":\"42\"}", "token_wrong_issuer");
	refuses("{\"sub\":\"42\",\"iss\":\"https://id/\"}", "token_wrong_issuer");
}

static void
reads_the_user_from_the_configured_claim(void **state)
{
	(void) state;
	accepts("{\"sub\":42}", "42");
	accepts("{\"sub\":-9007199254740993}", "-9007199254740993");
	accepts("{\"sub\":\"\u00e4 b\"}", "\xc3\xa4 b");
	refuses("{\"name\":\"x\"}", "token_without_user");
	refuses("{\"sub\":\"\"}", "token_without_user");
	refuses("{\"sub\":null}", "token_without_user");
	refuses("{\"sub\":true}", "token_without_user");
	refuses("{\"sub\":1.5}", "token_without_user");
	refuses("{\"sub\":[\"42\"]}", "token_without_user");
	config.jwt_user_claim = "uid";
	accepts("{\"sub\":\"42\",\"uid\":\"7\"}", "7");
	refuses("{\"sub\":\"42\"}", "token_without_user");
}

static void
refuses_garbage(void **state)
{
	static const char *const texts[] = { "x", ".", "..", "...", "a.b.c", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9..", "\xff\xfe.\x01.", "{\"sub\":\"42\"}" };
	char *token = make_token("{\"sub\":\"42\"}", "HS256", SECRET);
	size_t length = strlen(token);

	(void) state;
	refuses_token(NULL, "token_missing");
	refuses_token(strdup(""), "token_missing");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		refuses_token(strdup(texts[i]), "token_invalid");
	for (size_t i = 1; i < length; i++)
		refuses_token(strndup(token, i), "token_invalid");
	free(token);
}

static void
keeps_its_settings_when_new_ones_are_bad(void **state)
{
	Config bad = config;

	(void) state;
	bad.jwt_algorithm = "none";
	assert_false(auth_configure(&bad));
	bad.jwt_algorithm = "RS256"; /* it does not suit a secret */
	assert_false(auth_configure(&bad));
	bad.jwt_algorithm = "HS256";
	bad.jwt_secret_file = "";
	assert_false(auth_configure(&bad));
	bad.jwt_secret_file = "/nowhere/at/all";
	assert_false(auth_configure(&bad));
	write_secret("");
	assert_false(auth_configure(&config));
	write_secret("short\n");
	assert_false(auth_configure(&config));
	write_secret("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ\n");
	assert_false(auth_configure(&config));
	accepts("{\"sub\":\"42\"}", "42");
	write_secret("another secret of sufficient length\n");
	assert_true(auth_configure(&config));
	refuses("{\"sub\":\"42\"}", "token_invalid");
	accepts_token(make_token("{\"sub\":\"42\"}", "HS256", "another secret of sufficient length"), "42", 0);
}

/* Collects the output on standard error until captured() is called. */
static FILE *capture;
static int former_stderr;

static void
begin_capture(void)
{
	capture = tmpfile();
	assert_non_null(capture);
	fflush(stderr);
	former_stderr = dup(STDERR_FILENO);
	dup2(fileno(capture), STDERR_FILENO);
}

static const char *
captured(void)
{
	static char text[4096];

	fflush(stderr);
	dup2(former_stderr, STDERR_FILENO);
	close(former_stderr);
	rewind(capture);
	text[fread(text, 1, sizeof(text) - 1, capture)] = '\0';
	fclose(capture);
	return text;
}

/* The settings are taken over in each case; "wanted" NULL: without a warning. */
static void
warns_of_secret(const char *content, mode_t mode, const char *wanted)
{
	const char *text;

	write_secret(content);
	assert_int_equal(chmod(path, mode), 0);
	begin_capture();
	if (!auth_configure(&config))
		fail_msg("the settings are refused");
	text = captured();
	if (strstr(text, SECRET) != NULL)
		fail_msg("the log has the secret: %s", text);
	if (wanted == NULL)
		assert_string_equal(text, "");
	else if (strstr(text, wanted) == NULL || strstr(text, "level=warning") == NULL)
		fail_msg("\"%s\" is missing in: %s", wanted, text);
}

static void
warns_of_strange_secret_files(void **state)
{
	(void) state;
	warns_of_secret(SECRET, 0600, NULL);
	warns_of_secret(SECRET "\n", 0640, NULL);
	warns_of_secret(SECRET "\r\n", 0600, "ending=\"a carriage return\"");
	warns_of_secret(SECRET "\n\n", 0600, "ending=\"more than one line feed\"");
	warns_of_secret(SECRET " \n", 0600, "ending=blanks");
	warns_of_secret(SECRET "\t", 0600, "ending=blanks");
	warns_of_secret(SECRET, 0644, "Run: chmod o= FILE");
	warns_of_secret(SECRET "\n\n", 0604, "event=secret_is_not_private");
	accepts_token(make_token("{\"sub\":\"42\"}", "HS256", SECRET "\n"), "42", 0); /* the secret stays as it is */
}

static void
do_nothing(uv_timer_t *timer)
{
	(void) timer;
}

/* Runs the loop until the log has a word, for a minute at most. */
static void
wait_for_log(const char *word)
{
	static char text[4096];
	static uv_timer_t beat; /* timers alone do not keep the loop alive */
	time_t end = time(NULL) + 60;

	uv_timer_init(loop_uv(), &beat);
	uv_timer_start(&beat, do_nothing, 20, 20);
	for (text[0] = '\0'; strstr(text, word) == NULL;)
	{
		assert_true(time(NULL) < end);
		uv_run(loop_uv(), UV_RUN_ONCE);
		fflush(stderr);
		rewind(capture);
		text[fread(text, 1, sizeof(text) - 1, capture)] = '\0';
	}
	uv_timer_stop(&beat);
}

static void
reads_keys_again_when_their_file_changes(void **state)
{
	const char *text;

	(void) state;
	log_configure(&(LogSettings){ LOG_LEVEL_INFO, LOG_FORMAT_TEXT });
	begin_capture();
	write_secret("another secret of sufficient length\n");
	wait_for_log("event=keys_read");
	write_secret("short\n");
	wait_for_log("event=keys_not_read");
	text = captured();
	assert_null(strstr(text, "another secret"));
	accepts_token(make_token("{\"sub\":\"42\"}", "HS256", "another secret of sufficient length"), "42", 0);
	refuses("{\"sub\":\"42\"}", "token_invalid");
	begin_capture();
	unlink(path);
	write_secret(SECRET "\n");
	wait_for_log("event=keys_read");
	captured();
	log_configure(&(LogSettings){ LOG_LEVEL_WARNING, LOG_FORMAT_TEXT });
	accepts("{\"sub\":\"42\"}", "42");
}

static void
names_the_claim_that_it_misses(void **state)
{
	Identity identity;
	Refusal refusal;
	char *token = make_token("{\"sub\":\"42\"}", "HS256", SECRET);

	(void) state;
	config.jwt_user_claim = "uid";
	assert_true(auth_configure(&config));
	assert_false(auth_verify(token, from, &identity, &refusal));
	assert_non_null(strstr(refusal.message, "claim \"uid\" is missing"));
	free(token);
}

static int
lines_with(const char *text, const char *word)
{
	int count = 0;

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
		count++;
	return count;
}

/* Returns the log of refusals that come while the second lasts. */
static const char *
log_of_refusals(void)
{
	Identity identity;
	Refusal refusal;

	begin_capture();
	for (int i = 0; i < 100; i++)
	{
		assert_false(auth_verify("x", from, &identity, &refusal));
		assert_false(auth_verify(NULL, (ClientAddress){ NULL, NULL }, &identity, &refusal));
	}
	return captured();
}

static void
logs_one_refusal_of_a_kind_per_second(void **state)
{
	const char *text;
	struct timespec now;

	(void) state;
	/* Waits for the beginning of a second that no earlier test has logged in. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (time_t start = now.tv_sec; now.tv_sec < start + 2; clock_gettime(CLOCK_MONOTONIC, &now))
		usleep(1000);
	text = log_of_refusals();
	assert_int_equal(lines_with(text, "event=token_refused"), 2);
	assert_int_equal(lines_with(text, "level=warning"), 2);
	assert_non_null(strstr(text, "code=token_invalid"));
	assert_non_null(strstr(text, "peer=192.0.2.7 origin=https://app.example"));
	assert_non_null(strstr(text, "code=token_missing"));
	for (time_t start = now.tv_sec; now.tv_sec == start; clock_gettime(CLOCK_MONOTONIC, &now))
		usleep(1000);
	text = log_of_refusals();
	assert_int_equal(lines_with(text, "event=token_refused"), 2);
	assert_int_equal(lines_with(text, "left_out=99"), 2);
}

#define AUTH_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AUTH_TEST(accepts_a_good_token),
		AUTH_TEST(refuses_a_token_with_another_signature),
		AUTH_TEST(refuses_another_algorithm_than_configured),
		AUTH_TEST(checks_the_times_of_a_token),
		AUTH_TEST(requires_an_expiry_unless_told_otherwise),
		AUTH_TEST(allows_for_wrong_clocks),
		AUTH_TEST(limits_the_age_of_tokens),
		AUTH_TEST(refuses_claims_that_come_twice),
		AUTH_TEST(refuses_malformed_claims),
		AUTH_TEST(checks_the_audience),
		AUTH_TEST(checks_the_issuer),
		AUTH_TEST(reads_the_user_from_the_configured_claim),
		AUTH_TEST(refuses_garbage),
		AUTH_TEST(keeps_its_settings_when_new_ones_are_bad),
		AUTH_TEST(warns_of_strange_secret_files),
		AUTH_TEST(reads_keys_again_when_their_file_changes),
		AUTH_TEST(names_the_claim_that_it_misses),
		AUTH_TEST(logs_one_refusal_of_a_kind_per_second),
	};

	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
