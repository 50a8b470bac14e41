/*-------------------------------------------------------------------------
 *
 * test_config.c
 *	  Settings from options, environment and file; errors name the wrong setting.
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

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/config.h"

static Config config;
static char errors_printed[4096]; /* standard error of the last call */
static char path[64];

static const char *const variables[] = { "HERALD_CONFIG", "HERALD_LISTEN", "HERALD_MAX_CONNECTIONS", "HERALD_ALLOW_ORIGIN", "HERALD_PING_INTERVAL" };

static void
free_config(Config *c)
{
	config_free(c);
	*c = (Config){ 0 };
}

static int
begin(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		unsetenv(variables[i]);
	snprintf(path, sizeof(path), "/tmp/herald-config.%d", (int) getpid());
	return 0;
}

static int
end(void **state)
{
	(void) state;
	free_config(&config);
	unlink(path);
	return 0;
}

static void
write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

typedef bool (*Call)(Config *config, int argc, char **argv);

/* Calls a function with arguments separated by spaces, and keeps its standard error. */
static bool
call(Call function, const char *arguments)
{
	char *argv[16] = { "herald-bridge" };
	char *copy = strdup(arguments);
	char *rest = NULL;
	FILE *errors = tmpfile();
	int old = dup(2);
	int argc = 1;
	bool good;

	for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	fflush(stderr);
	dup2(fileno(errors), 2);
	if (function == config_load)
		free_config(&config);
	good = function(&config, argc, argv);
	fflush(stderr);
	dup2(old, 2);
	close(old);
	rewind(errors);
	errors_printed[fread(errors_printed, 1, sizeof(errors_printed) - 1, errors)] = '\0';
	fclose(errors);
	free(copy);
	return good;
}

static bool
load(const char *arguments)
{
	return call(config_load, arguments);
}

static ConfigChanges changes; /* of the last reload */

/* Reloads as main.c does: a wrong setting anywhere rejects all of them. */
static bool
reload(const char *arguments)
{
	Config running = config;
	Config fresh;
	bool good;

	free(changes.adopted);
	free(changes.after_restart);
	changes = (ConfigChanges){ 0 };
	config = (Config){ 0 };
	good = call(config_load, arguments);
	fresh = config;
	config = running;
	if (good)
		changes = config_adopt(&config, &fresh);
	config_free(&fresh);
	return good;
}

static void
refuses(const char *arguments, const char *names, const char *wants)
{
	if (load(arguments))
		fail_msg("%s is taken", arguments);
	if (strstr(errors_printed, names) == NULL || strstr(errors_printed, wants) == NULL)
		fail_msg("\"%s\" does not say %s and %s", errors_printed, names, wants);
}

static void
test_uses_defaults(void **state)
{
	(void) state;
	assert_true(load(""));
	assert_string_equal(errors_printed, "");
	assert_string_equal(config.listen, "127.0.0.1:8080");
	assert_string_equal(config.jwt_algorithm, "");
	assert_string_equal(config.jwt_user_claim, "sub");
	assert_string_equal(config.allow_origin, "");
	assert_int_equal(config.max_connections, 10000);
	assert_int_equal(config.max_payload, 100 * 1024);
	assert_int_equal(config.queue_limit, 4 * 1024 * 1024);
	assert_int_equal(config.ping_interval, 25000);
	assert_false(config.check || config.help || config.version || config.print_config);
}

static void
expect_number(const char *arguments, const long *field, long wanted)
{
	if (!load(arguments))
		fail_msg("%s: %s", arguments, errors_printed);
	assert_int_equal(*field, wanted);
}

static void
test_converts_units(void **state)
{
	(void) state;
	expect_number("--ping-interval=700", &config.ping_interval, 700);
	expect_number("--ping-interval=700ms", &config.ping_interval, 700);
	expect_number("--ping-interval=1.5s", &config.ping_interval, 1500);
	expect_number("--ping-interval 2min", &config.ping_interval, 120000);
	expect_number("--ping-interval=3h", &config.ping_interval, 10800000);
	expect_number("--ping-interval=1d", &config.ping_interval, 86400000);
	expect_number("--queue-limit=77", &config.queue_limit, 77);
	expect_number("--queue-limit=77B", &config.queue_limit, 77);
	expect_number("--queue-limit=3kB", &config.queue_limit, 3072);
	expect_number("--queue-limit=2MB", &config.queue_limit, 2097152);
	expect_number("--queue-limit=1GB", &config.queue_limit, 1073741824);
	expect_number("--max-connections=12", &config.max_connections, 12);
}

static void
test_rejects_bad_values(void **state)
{
	(void) state;
	refuses("--ping-interval=5x", "ping-interval", "a time such as");
	refuses("--ping-interval=5kB", "ping-interval", "a time such as");
	refuses("--ping-interval=", "ping-interval", "a time such as");
	refuses("--ping-interval=0", "ping-interval", "a time such as");
	refuses("--ping-interval=-5s", "ping-interval", "a time such as");
	refuses("--ping-interval=nan", "ping-interval", "a time such as");
	refuses("--ping-interval=inf", "ping-interval", "a time such as");
	refuses("--queue-limit=1m", "queue-limit", "a size such as");
	refuses("--queue-limit=5s", "queue-limit", "a size such as");
	refuses("--queue-limit=99999999GB", "queue-limit", "a size such as");
	refuses("--max-connections=many", "max-connections", "a positive number");
	refuses("--max-connections 5kB", "max-connections", "a positive number");
	refuses("--max-connections=0.5", "max-connections", "a positive number");
	refuses("--check=maybe", "check", "true or false");
}

static void
test_rejects_unknown_names(void **state)
{
	(void) state;
	refuses("--lisen=1", "--lisen", "unknown option");
	refuses("--liste=1", "--liste", "unknown option");
	refuses("--listening=1", "--listening", "unknown option");
	refuses("-x", "-x", "unknown option");
	refuses("start", "start", "unknown option");
	refuses("--", "--", "unknown option");
	refuses("-", "-", "unknown option");
	refuses("--listen", "--listen", "needs a value");
	refuses("-l", "-l", "needs a value");
}

static void
test_accepts_all_option_forms(void **state)
{
	(void) state;
	assert_true(load("-l 1 --database=host=x -V"));
	assert_string_equal(config.listen, "1");
	assert_string_equal(config.database, "host=x");
	assert_true(config.version);
	assert_true(load("-l2 --listen 3 --check --print-config=off --help=1"));
	assert_string_equal(config.listen, "3"); /* the last value wins */
	assert_true(config.check);
	assert_false(config.print_config);
	assert_true(config.help);
	assert_true(load("--allow-origin http://a --allow-origin=http://b"));
	assert_string_equal(config.allow_origin, "http://a http://b");
}

/* Removes one source after the other. */
static void
test_prefers_options_to_environment_to_file(void **state)
{
	char arguments[256];

	(void) state;
	write_file("listen = from-file\nmax-connections = 5\nallow-origin = http://f1\nallow-origin = http://f2\n");
	setenv("HERALD_LISTEN", "from-environment", 1);
	setenv("HERALD_ALLOW_ORIGIN", "http://e1", 1);
	snprintf(arguments, sizeof(arguments), "--listen=from-option --allow-origin=http://o1 --allow-origin=http://o2 --config=%s", path);
	assert_true(load(arguments));
	assert_string_equal(config.listen, "from-option");
	assert_string_equal(config.allow_origin, "http://o1 http://o2");
	assert_int_equal(config.max_connections, 5);
	setenv("HERALD_MAX_CONNECTIONS", "6", 1);
	snprintf(arguments, sizeof(arguments), "-c %s", path);
	assert_true(load(arguments));
	assert_string_equal(config.listen, "from-environment");
	assert_string_equal(config.allow_origin, "http://e1");
	assert_int_equal(config.max_connections, 6);
	unsetenv("HERALD_LISTEN");
	unsetenv("HERALD_ALLOW_ORIGIN");
	unsetenv("HERALD_MAX_CONNECTIONS");
	setenv("HERALD_CONFIG", path, 1);
	assert_true(load(""));
	assert_string_equal(config.listen, "from-file");
	assert_string_equal(config.allow_origin, "http://f1 http://f2");
	assert_string_equal(config.dialect, "canonical");
	write_file("dialect = snake\ndialect = ./own.json\n");
	assert_true(load(arguments));
	assert_string_equal(config.dialect, "snake ./own.json");
	assert_true(load("--config="));
	assert_string_equal(config.listen, "127.0.0.1:8080");
}

static void
test_rejects_bad_environment(void **state)
{
	(void) state;
	setenv("HERALD_PING_INTERVAL", "soon", 1);
	refuses("", "HERALD_PING_INTERVAL", "invalid value for ping-interval: \"soon\"");
}

static void
refuses_file(const char *text, const char *names, const char *wants)
{
	char arguments[256];

	write_file(text);
	snprintf(arguments, sizeof(arguments), "--config=%s", path);
	refuses(arguments, names, wants);
	assert_non_null(strstr(errors_printed, path));
}

static void
test_rejects_bad_files(void **state)
{
	(void) state;
	refuses("--config=/nowhere/at/all", "/nowhere/at/all", "No such file");
	refuses_file("listen = 1\npign-interval = 5s\n", "pign-interval", "line 2");
	refuses_file("\n\nping-interval = 5 apples\n", "ping-interval", "line 3");
	refuses_file("nonsense\n", "line 1", "name = value");
	refuses_file("check = true\n", "check", "has no setting");
	refuses_file("[part]\nlisten = 1\n", "listen", "has no setting");
}

static void
test_reload_adopts_settings(void **state)
{
	char arguments[256];

	(void) state;
	write_file("listen = 1\nmax-connections = 5\nlog-level = error\npage-size = 7\naction-timeout = 1s\n");
	snprintf(arguments, sizeof(arguments), "--config=%s --page-size=8", path);
	assert_true(load(arguments));
	write_file("listen = 2\nmax-connections = 6\nlog-level = debug\npage-size = 9\naction-timeout = 2s\ndatabase = x\n");
	assert_true(reload(arguments));
	assert_int_equal(config.max_connections, 6);
	assert_string_equal(config.log_level, "debug");
	assert_int_equal(config.page_size, 8); /* the option still precedes the file */
	assert_string_equal(config.listen, "1");
	assert_string_equal(config.database, "");
	assert_int_equal(config.action_timeout, 1000);
	assert_string_equal(changes.adopted, "log-level max-connections");
	assert_string_equal(changes.after_restart, "action-timeout database listen");
	write_file("");
	assert_true(reload(arguments));
	assert_int_equal(config.max_connections, 10000);
	assert_string_equal(config.log_level, "info");
}

static void
test_rejects_wrong_origins(void **state)
{
	static const char *const wrong[] = { "app.example.com", "https://app.example.com/", "https://app.example.com:443", "http://app.example.com:80",
										 "https://App.example.com", "https://", "https://:3000", "://app.example.com", "https://a.example/path",
										 "https://b\xC3\xBC"
										 "cher.example" };
	static const char *const good[] = { "*", "null", "https://app.example.com", "http://localhost:8080", "http://[::1]:3000", "https://a.example:80",
										"capacitor://localhost", "chrome-extension://abcdef", "file://" };
	char arguments[128];

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
	{
		snprintf(arguments, sizeof(arguments), "--allow-origin=https://good.example --allow-origin=%s", wrong[i]);
		refuses(arguments, "allow-origin", "without a path or a slash at the end");
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
	{
		snprintf(arguments, sizeof(arguments), "--allow-origin=%s", good[i]);
		if (!load(arguments))
			fail_msg("%s", errors_printed);
	}
	write_file("allow-origin = https://one.example https://two.example/\n");
	snprintf(arguments, sizeof(arguments), "--config=%s", path);
	refuses(arguments, "allow-origin", "line 1");
}

static void
test_reads_trusted_proxies(void **state)
{
	static const char *const wrong[] = { "proxy.example", "10.0.0.0/33", "10.0.0.0/", "::1/129", "10.0.0", "10.0.0.0/8x", "*" };
	char arguments[128];

	(void) state;
	assert_true(load("--trusted-proxy=127.0.0.1 --trusted-proxy=10.0.0.0/8 --trusted-proxy=fd00::/8"));
	assert_string_equal(config.trusted_proxy, "127.0.0.1 10.0.0.0/8 fd00::/8");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
	{
		snprintf(arguments, sizeof(arguments), "--trusted-proxy=%s", wrong[i]);
		refuses(arguments, "trusted-proxy", "an address or a network");
	}
}

static void
test_rejected_reload_changes_nothing(void **state)
{
	char arguments[256];

	(void) state;
	write_file("max-connections = 5\nlog-level = error\n");
	snprintf(arguments, sizeof(arguments), "--config=%s", path);
	assert_true(load(arguments));
	write_file("max-connections = 6\nlog-level = debug\nping-timeout = never\n");
	assert_false(reload(arguments));
	assert_non_null(strstr(errors_printed, "ping-timeout"));
	assert_int_equal(config.max_connections, 5);
	assert_string_equal(config.log_level, "error");
}

/* The output of --print-config, used as a file, gives the same settings. */
static void
test_prints_a_file_that_it_can_load(void **state)
{
	char arguments[256];
	FILE *out;

	(void) state;
	assert_true(load("--listen=9 --ping-interval=90s --queue-limit=5kB --max-connections=3 --jwt-audience=me "
					 "--allow-tokens-without-expiry --jwt-max-age=2min --jwt-clock-skew=off"));
	out = fopen(path, "w");
	config_print(&config, out);
	fclose(out);
	snprintf(arguments, sizeof(arguments), "--config=%s", path);
	assert_true(load(arguments));
	assert_string_equal(config.listen, "9");
	assert_int_equal(config.ping_interval, 90000);
	assert_int_equal(config.queue_limit, 5120);
	assert_int_equal(config.max_connections, 3);
	assert_string_equal(config.jwt_audience, "me");
	assert_true(config.allow_tokens_without_expiry);
	assert_int_equal(config.jwt_max_age, 120000);
	assert_int_equal(config.jwt_clock_skew, 0);
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(test_uses_defaults),
		CONFIG_TEST(test_converts_units),
		CONFIG_TEST(test_rejects_bad_values),
		CONFIG_TEST(test_rejects_unknown_names),
		CONFIG_TEST(test_accepts_all_option_forms),
		CONFIG_TEST(test_prefers_options_to_environment_to_file),
		CONFIG_TEST(test_rejects_bad_environment),
		CONFIG_TEST(test_rejects_bad_files),
		CONFIG_TEST(test_reload_adopts_settings),
		CONFIG_TEST(test_rejected_reload_changes_nothing),
		CONFIG_TEST(test_rejects_wrong_origins),
		CONFIG_TEST(test_reads_trusted_proxies),
		CONFIG_TEST(test_prints_a_file_that_it_can_load),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
