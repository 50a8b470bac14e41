/*-------------------------------------------------------------------------
 *
 * test_auth.c
 *	  Only tokens that are good in every respect are let in, and refusals say why.
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

#include <jwt.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "gateway/auth.h"
#include "base/metrics.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char path[64];
static Config config;

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
	snprintf(path, sizeof(path), "/tmp/herald-secret.%d", (int) getpid());
	write_secret(SECRET "\n");
	config = (Config){ .jwt_secret_file = path, .jwt_algorithm = "HS256" };
	config.jwt_audience = config.jwt_issuer = "";
	config.jwt_user_claim = "sub";
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
make_token(const char *claims, jwt_alg_t algorithm, const char *secret)
{
	jwt_t *token;
	char *text;

	assert_int_equal(jwt_new(&token), 0);
	assert_int_equal(jwt_add_grants_json(token, claims), 0);
	assert_int_equal(jwt_set_alg(token, algorithm, (const unsigned char *) secret, secret ? (int) strlen(secret) : 0),
					 0);
	text = jwt_encode_str(token);
	assert_non_null(text);
	jwt_free(token);
	return text;
}

/* Takes over the token; "wanted" is the code of the refusal. */
static void
refuses_token(char *token, const char *wanted)
{
	Identity identity;
	Refusal refusal = { "", "" };
	int64_t before = metrics.authentications_failed;

	assert_false(auth_verify(token, &identity, &refusal));
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
	refuses_token(make_token(claims, JWT_ALG_HS256, SECRET), wanted);
}

static void
accepts_token(char *token, const char *user, int64_t expires)
{
	Identity identity;
	Refusal refusal = { "", "" };

	if (!auth_verify(token, &identity, &refusal))
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
	accepts_token(make_token(claims, JWT_ALG_HS256, SECRET), user, 0);
}

static void
test_good(void **state)
{
	char claims[128];
	time_t later = time(NULL) + 10;
	Identity identity;
	Refusal refusal;
	char *token = make_token("{\"sub\":\"42\",\"role\":\"x\"}", JWT_ALG_HS256, SECRET);

	(void) state;
	assert_true(auth_verify(token, &identity, &refusal));
	assert_non_null(strstr(identity.claims, "\"role\":\"x\""));
	free(identity.user);
	free(identity.claims);
	free(token);
	snprintf(claims, sizeof(claims), "{\"sub\":\"42\",\"exp\":%ld,\"nbf\":%ld}", (long) later, (long) later - 10);
	accepts_token(make_token(claims, JWT_ALG_HS256, SECRET), "42", later);
	accepts("{\"sub\":\"42\",\"exp\":1e300}", "42"); /* never */
}

static void
test_signature(void **state)
{
	char *token = make_token("{\"sub\":\"42\"}", JWT_ALG_HS256, SECRET);
	char *other = make_token("{\"sub\":\"43\"}", JWT_ALG_HS256, SECRET);
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
	refuses_token(make_token("{\"sub\":\"42\"}", JWT_ALG_HS256, "another secret of sufficient length"), "token_invalid");
	refuses_token(make_token("{\"sub\":\"42\"}", JWT_ALG_HS256, SECRET "\n"), "token_invalid");
}

static void
test_algorithm(void **state)
{
	(void) state;
	refuses_token(make_token("{\"sub\":\"42\"}", JWT_ALG_NONE, NULL), "token_invalid");
	refuses_token(make_token("{\"sub\":\"42\"}", JWT_ALG_HS512, SECRET), "token_invalid");
	refuses_token(make_token("{\"sub\":\"42\"}", JWT_ALG_HS384, SECRET), "token_invalid");
	config.jwt_algorithm = "HS512";
	assert_true(auth_configure(&config));
	accepts_token(make_token("{\"sub\":\"42\"}", JWT_ALG_HS512, SECRET), "42", 0);
	refuses("{\"sub\":\"42\"}", "token_invalid");
}

static void
test_times(void **state)
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
test_audience(void **state)
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
test_issuer(void **state)
{
	(void) state;
	config.jwt_issuer = "https://id";
	accepts("{\"sub\":\"42\",\"iss\":\"https://id\"}", "42");
	refuses("{\"sub\":\"42\"}", "token_wrong_issuer");
	refuses("{\"sub\":\"42\",\"iss\":\"https://id/\"}", "token_wrong_issuer");
}

static void
test_user(void **state)
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
test_garbage(void **state)
{
	static const char *const texts[] = { "x", ".", "..", "...", "a.b.c", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9..", "\xff\xfe.\x01.", "{\"sub\":\"42\"}" };
	char *token = make_token("{\"sub\":\"42\"}", JWT_ALG_HS256, SECRET);
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

/* A bad setting leaves what was there in force. */
static void
test_configure(void **state)
{
	Config bad = config;

	(void) state;
	bad.jwt_algorithm = "none";
	assert_false(auth_configure(&bad));
	bad.jwt_algorithm = "RS256";
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
	accepts("{\"sub\":\"42\"}", "42");
	write_secret("another secret of sufficient length\n");
	assert_true(auth_configure(&config));
	refuses("{\"sub\":\"42\"}", "token_invalid");
	accepts_token(make_token("{\"sub\":\"42\"}", JWT_ALG_HS256, "another secret of sufficient length"), "42", 0);
}

#define AUTH_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AUTH_TEST(test_good),
		AUTH_TEST(test_signature),
		AUTH_TEST(test_algorithm),
		AUTH_TEST(test_times),
		AUTH_TEST(test_audience),
		AUTH_TEST(test_issuer),
		AUTH_TEST(test_user),
		AUTH_TEST(test_garbage),
		AUTH_TEST(test_configure),
	};

	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
