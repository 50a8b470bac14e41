/*-------------------------------------------------------------------------
 *
 * config.c
 *	  All settings of the bridge, in one table.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config_table.h"
#include "base/config_value.h"
#include "base/memory.h"
#include "base/network_address.h"
#include "base/origin.h"
#include "base/rate.h"

#define AT(field) offsetof(Config, field)
#define CONTENT_SECURITY_POLICY "default-src 'self' 'unsafe-inline'; img-src * data: blob:; connect-src * ws: wss:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'"

const Setting config_settings[] = {
	{ "action-timeout", 0, KIND_TIME, AT(action_timeout), false, "5s", "TIME", "how long an action may take in the database" },
	{ "admin-listen", 0, KIND_TEXT, AT(admin_listen), false, "", "[ADDR:]PORT", "where /metrics, /status and the details of /readyz are; default: where clients connect" },
	{ "allow-host", 0, KIND_HOSTS, AT(allow_host), true, "", "HOST", "host that clients may name, with or without a port; repeatable; default: any" },
	{ "allow-origin", 0, KIND_ORIGINS, AT(allow_origin), true, "", "ORIGIN", "web origin that may connect, or *; repeatable; default: same origin" },
	{ "allow-tokens-without-expiry", 0, KIND_SWITCH, AT(allow_tokens_without_expiry), true, "false", NULL, "accept tokens without \"exp\"" },
	{ "check", 0, KIND_COMMAND, AT(check), false, "false", NULL, "check settings and database, print mistakes, and exit" },
	{ "client-js", 0, KIND_TEXT, AT(client_js), false, "", "FILE", "serve this build of the client, and others beside it, below /socket.io/" },
	{ "config", 'c', KIND_TEXT, AT(config), false, "", "FILE", "read settings from a file: name = value" },
	{ "connect-timeout", 0, KIND_TIME, AT(connect_timeout), true, "45s", "TIME", "how long a connection may stay without a session" },
	{ "content-security-policy", 0, KIND_TEXT, AT(content_security_policy), true, CONTENT_SECURITY_POLICY, "TEXT", "policy for the files of www" },
	{ "database", 'd', KIND_TEXT, AT(database), false, "", "CONNINFO", "libpq connection string; PG* environment variables count" },
	{ "database-timeout", 0, KIND_TIME, AT(database_timeout), false, "30s", "TIME", "how long any other query may take" },
	{ "dialect", 0, KIND_LIST, AT(dialect), false, "canonical", "NAME|FILE", "names and shapes of events and actions; repeatable" },
	{ "drain-timeout", 0, KIND_TIME, AT(drain_timeout), true, "5s", "TIME", "how long SIGTERM waits for queues to empty" },
	{ "event-cache-size", 0, KIND_BYTES, AT(event_cache_size), true, "16MB", "SIZE", "recent events kept in memory for clients that return" },
	{ "help", 0, KIND_COMMAND, AT(help), false, "false", NULL, "print this text and exit" },
	{ "jwt-algorithm", 0, KIND_LIST, AT(jwt_algorithm), true, "", "NAME", "permitted algorithm of tokens; repeatable; default: the usual one for each key" },
	{ "jwt-audience", 0, KIND_TEXT, AT(jwt_audience), true, "", "NAME", "required \"aud\" of tokens" },
	{ "jwt-clock-skew", 0, KIND_TIME_OR_OFF, AT(jwt_clock_skew), true, "5s", "TIME", "allowance for wrong clocks, or off" },
	{ "jwt-issuer", 0, KIND_TEXT, AT(jwt_issuer), true, "", "NAME", "required \"iss\" of tokens" },
	{ "jwt-key-file", 0, KIND_LIST, AT(jwt_key_file), true, "", "[KID=]FILE", "public keys of tokens: PEM, or a JSON Web Key Set; repeatable" },
	{ "jwt-max-age", 0, KIND_TIME_OR_OFF, AT(jwt_max_age), true, "off", "TIME", "largest age of tokens, by their \"iat\", or off" },
	{ "jwt-secret-file", 0, KIND_LIST, AT(jwt_secret_file), true, "", "[KID=]FILE", "secret that tokens are signed with; repeatable" },
	{ "jwt-user-claim", 0, KIND_TEXT, AT(jwt_user_claim), true, "sub", "NAME", "claim that holds the user's id" },
	{ "limit-actions", 0, KIND_RATE, AT(limit_actions), true, "20/s:200", "RATE:N", "actions of a session, except joins" },
	{ "limit-address-sessions", 0, KIND_COUNT, AT(limit_address_sessions), true, "500", "N", "an address may do as much as so many sessions" },
	{ "limit-anonymous", 0, KIND_RATE, AT(limit_anonymous), true, "1/s:50", "RATE:N", "messages on a connection without a session" },
	{ "limit-connects", 0, KIND_RATE, AT(limit_connects), true, "12/min:20", "RATE:N", "sessions that begin" },
	{ "limit-failed-tokens", 0, KIND_RATE, AT(limit_failed_tokens), true, "6/min:5", "RATE:N", "bad tokens on a connection" },
	{ "limit-joins", 0, KIND_RATE, AT(limit_joins), true, "20/s:1000", "RATE:N", "joins of rooms by a session" },
	{ "limit-messages", 0, KIND_RATE, AT(limit_messages), true, "100/s:1000", "RATE:N", "messages on a connection" },
	{ "limit-signals", 0, KIND_RATE, AT(limit_signals), true, "10/s:100", "RATE:N", "signals of a session, such as typing" },
	{ "limit-sockets", 0, KIND_RATE, AT(limit_sockets), true, "1/s:10", "RATE:N", "requests that lead to no session, by address only" },
	{ "limit-user-sessions", 0, KIND_COUNT, AT(limit_user_sessions), true, "5", "N", "a user may do as much as so many sessions" },
	{ "listen", 'l', KIND_TEXT, AT(listen), false, "127.0.0.1:8080", "[ADDR:]PORT", "where to listen" },
	{ "log-connections", 0, KIND_SWITCH, AT(log_connections), true, "true", NULL, "log each session that begins and ends" },
	{ "log-format", 0, KIND_TEXT, AT(log_format), true, "text", "FORMAT", "text or json" },
	{ "log-level", 0, KIND_TEXT, AT(log_level), true, "info", "LEVEL", "error, warning, info or debug" },
	{ "max-connections", 0, KIND_COUNT, AT(max_connections), true, "10000", "N", "open connections" },
	{ "max-payload", 0, KIND_BYTES, AT(max_payload), true, "100kB", "SIZE", "largest message from a client" },
	{ "max-rooms", 0, KIND_COUNT, AT(max_rooms), true, "1000", "N", "rooms that a session may join" },
	{ "max-session-actions", 0, KIND_COUNT, AT(max_session_actions), true, "100", "N", "actions of a session that may wait for their answers" },
	{ "max-user-actions", 0, KIND_COUNT, AT(max_user_actions), true, "300", "N", "actions of a user that may wait for their answers" },
	{ "page-size", 0, KIND_COUNT, AT(page_size), true, "1000", "N", "events read from the log at once" },
	{ "ping-interval", 0, KIND_TIME, AT(ping_interval), true, "25s", "TIME", "time between pings" },
	{ "ping-timeout", 0, KIND_TIME, AT(ping_timeout), true, "20s", "TIME", "time for the answer to a ping" },
	{ "plain-listen", 0, KIND_TEXT, AT(plain_listen), false, "", "[ADDR:]PORT", "where to listen without TLS, beside --listen" },
	{ "poll-interval", 0, KIND_TIME, AT(poll_interval), true, "5s", "TIME", "how often the log is read without a doorbell" },
	{ "presence-grace", 0, KIND_TIME, AT(presence_grace), true, "10s", "TIME", "how long a user without a session counts as online" },
	{ "presence-lease", 0, KIND_TIME, AT(presence_lease), true, "30s", "TIME", "how much longer users of a bridge that was killed count as online" },
	{ "print-config", 0, KIND_COMMAND, AT(print_config), false, "false", NULL, "print all settings and exit" },
	{ "queue-limit", 0, KIND_BYTES, AT(queue_limit), true, "4MB", "SIZE", "queue of one connection before it falls behind" },
	{ "ready-lag", 0, KIND_TIME, AT(ready_lag), true, "10s", "TIME", "largest lag at which /readyz says ready" },
	{ "session-cookie", 0, KIND_TEXT, AT(session_cookie), false, "", "NAME", "cookie of the application's sessions: herald.authenticate() tells its user" },
	{ "session-cookie-cache", 0, KIND_TIME, AT(session_cookie_cache), true, "30s", "TIME", "how long the application's answer about a cookie is believed" },
	{ "tls-cert", 0, KIND_TEXT, AT(tls_cert), false, "", "FILE", "certificate with its chain: --listen speaks TLS" },
	{ "tls-key", 0, KIND_TEXT, AT(tls_key), false, "", "FILE", "private key of --tls-cert" },
	{ "total-queue-limit", 0, KIND_BYTES, AT(total_queue_limit), true, "256MB", "SIZE", "queues of all connections together" },
	{ "trusted-proxy", 0, KIND_NETWORKS, AT(trusted_proxy), true, "", "CIDR", "proxy whose word on its clients' addresses counts; repeatable" },
	{ "user-work", 0, KIND_RATE, AT(user_work), true, "100/s:300", "RATE:N", "what the actions of a user may cost, in about milliseconds" },
	{ "version", 'V', KIND_COMMAND, AT(version), false, "false", NULL, "print the version and exit" },
	{ "www", 0, KIND_TEXT, AT(www), false, "", "DIR", "serve the files of a folder" },
};

#define SETTINGS (sizeof(config_settings) / sizeof(*config_settings))

const size_t config_setting_count = SETTINGS;

static const Setting *
find_setting(const char *name, size_t length)
{
	for (size_t i = 0; i < SETTINGS; i++)
	{
		if (strlen(config_settings[i].name) == length && strncmp(config_settings[i].name, name, length) == 0)
			return &config_settings[i];
	}
	return NULL;
}

static bool
assign(Config *config, const Setting *setting, const char *text, bool append)
{
	void *field = (char *) config + setting->offset;

	switch (setting->kind)
	{
		case KIND_TEXT:
			config_value_text(field, text, false);
			return true;
		case KIND_LIST:
			config_value_text(field, text, append);
			return true;
		case KIND_ORIGINS:
			config_value_text(field, text, append);
			return origin_list_is_valid(text);
		case KIND_HOSTS:
			config_value_text(field, text, append);
			return host_list_is_valid(text);
		case KIND_NETWORKS:
			config_value_text(field, text, append);
			return network_list_is_valid(text);
		case KIND_RATE:
			config_value_text(field, text, false);
			return rate_read(text, NULL);
		case KIND_COUNT:
			return config_value_count(text, field) && *(long *) field > 0;
		case KIND_BYTES:
			return config_value_size(text, field) && *(long *) field > 0;
		case KIND_TIME:
			return config_value_time(text, field) && *(long *) field > 0;
		case KIND_TIME_OR_OFF:
			*(long *) field = 0;
			return strcmp(text, "off") == 0 || config_value_time(text, field);
		case KIND_SWITCH:
		case KIND_COMMAND:
			return config_value_switch(text, field);
	}
	return false;
}

static const char *
expected(Kind kind)
{
	switch (kind)
	{
		case KIND_COUNT:
			return "a positive number";
		case KIND_BYTES:
			return "a size such as 512kB or 1MB";
		case KIND_TIME:
			return "a time such as 500ms, 10s or 1min";
		case KIND_TIME_OR_OFF:
			return "a time such as 500ms, 10s or 1min, or off";
		case KIND_SWITCH:
		case KIND_COMMAND:
			return "true or false";
		case KIND_RATE:
			return "a rate and the most at once, such as 20/s:100 or 10/min:5";
		case KIND_ORIGINS:
			return "an origin as browsers send it, such as https://app.example.com, without a path or a slash at the end";
		case KIND_HOSTS:
			return "a host, with or without a port, such as app.example.com or localhost:8080";
		case KIND_NETWORKS:
			return "an address or a network such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";
		default:
			return "a text";
	}
}

/* Assigns one setting; "where" names its source in the message about a wrong value. */
static bool
take_setting(Config *config, const Setting *setting, const char *text, bool append, const char *where)
{
	if (assign(config, setting, text, append))
		return true;
	fprintf(stderr, "herald-bridge: %s: invalid value for %s: \"%s\"; expected %s\n", where, setting->name, text,
			expected(setting->kind));
	return false;
}

static bool
take_defaults(Config *config)
{
	for (size_t i = 0; i < SETTINGS; i++)
	{
		if (!take_setting(config, &config_settings[i], config_settings[i].preset, false, "default"))
			return false;
	}
	return true;
}

static bool
take_environment(Config *config)
{
	for (size_t i = 0; i < SETTINGS; i++)
	{
		char *variable = memory_format("HERALD_%s", config_settings[i].name);
		const char *value;
		bool good = true;

		for (char *c = variable; *c; c++)
			*c = *c == '-' ? '_' : (char) toupper((unsigned char) *c);
		value = getenv(variable);
		if (value != NULL)
			good = take_setting(config, &config_settings[i], value, false, variable);
		free(variable);
		if (!good)
			return false;
	}
	return true;
}

/* The settings that a file has given so far: a list that comes again grows. */
typedef struct File
{
	Config *config;
	bool given[SETTINGS];
} File;

/* Takes a line of the file; inih counts the lines and reports the first that returns 0. */
static int
take_line(void *context, const char *section, const char *name, const char *value)
{
	File *file = context;
	const Setting *setting = find_setting(name, strlen(name));
	bool again;

	if (section[0] != '\0' || setting == NULL || setting->kind == KIND_COMMAND)
	{
		fprintf(stderr, "herald-bridge: %s: a settings file has no setting \"%s\"\n", file->config->config, name);
		return 0;
	}
	again = file->given[setting - config_settings];
	file->given[setting - config_settings] = true;
	return take_setting(file->config, setting, value, again, file->config->config);
}

/* Returns 0, the number of a wrong line, or -1 with errno set.  A folder would pass for an empty file. */
static int
parse_file(File *file)
{
	struct stat status;

	if (stat(file->config->config, &status) == 0 && S_ISDIR(status.st_mode))
	{
		errno = EISDIR;
		return -1;
	}
	return ini_parse(file->config->config, take_line, file);
}

static bool
take_file(Config *config)
{
	File file = { .config = config };
	int result;

	if (config->config[0] == '\0')
		return true;
	result = parse_file(&file);
	if (result < 0)
		fprintf(stderr, "herald-bridge: config: %s: %s\n", config->config, strerror(errno));
	else if (result > 0)
		fprintf(stderr, "herald-bridge: %s: error in line %d; a line has the form: name = value\n", config->config, result);
	return result == 0;
}

/* Takes one option and its value off the arguments; false after a message. */
static bool
next_option(char **argv, int argc, int *index, const Setting **setting, const char **value)
{
	const char *argument = argv[*index];
	const char *equals = strchr(argument, '=');

	*setting = NULL;
	*value = NULL;
	if (strncmp(argument, "--", 2) == 0)
	{
		*setting = find_setting(argument + 2, equals ? (size_t) (equals - argument - 2) : strlen(argument + 2));
		*value = equals ? equals + 1 : NULL;
	}
	else if (argument[0] == '-' && argument[1] != '\0')
	{
		for (size_t i = 0; i < SETTINGS; i++)
		{
			if (config_settings[i].letter == argument[1])
				*setting = &config_settings[i];
		}
		*value = argument[2] != '\0' ? argument + 2 : NULL;
	}
	if (*setting == NULL)
	{
		fprintf(stderr, "herald-bridge: unknown option \"%s\"; --help lists all options\n", argument);
		return false;
	}
	if (*value == NULL && (*setting)->kind >= KIND_SWITCH)
		*value = "true";
	else if (*value == NULL && ++*index < argc)
		*value = argv[*index];
	if (*value == NULL)
		fprintf(stderr, "herald-bridge: option \"%s\" needs a value\n", argument);
	return *value != NULL;
}

/* Takes all options, or only --config, which must be known before the file is read. */
static bool
take_options(Config *config, int argc, char **argv, bool only_config)
{
	bool given[SETTINGS] = { false };

	for (int i = 1; i < argc; i++)
	{
		const Setting *setting;
		const char *value;
		size_t index;

		if (!next_option(argv, argc, &i, &setting, &value))
			return false;
		index = (size_t) (setting - config_settings);
		if (only_config && strcmp(setting->name, "config") != 0)
			continue;
		if (!take_setting(config, setting, value, given[index], argv[i]))
			return false;
		given[index] = true;
	}
	return true;
}

/*
 * A browser sends cookies by itself, so the pages and hosts that may use them must be named: an Origin that equals the
 * Host proves nothing where an attacker's name leads to the bridge.
 */
static bool
cookies_are_safe(const Config *config)
{
	bool lists = config->allow_host[0] != '\0' && config->allow_origin[0] != '\0' &&
				 !origin_list_has(config->allow_origin, "null");

	if (config->session_cookie[0] == '\0' || lists)
		return true;
	fputs("herald-bridge: session-cookie needs allow-origin and allow-host, and neither \"*\" nor \"null\" among the origins\n", stderr);
	return false;
}

bool
config_load(Config *config, int argc, char **argv)
{
	const char *file = getenv("HERALD_CONFIG");

	if (!take_defaults(config))
		return false;
	if (file != NULL)
		config_value_text(&config->config, file, false);
	return take_options(config, argc, argv, true) && take_file(config) && take_environment(config) &&
		   take_options(config, argc, argv, false) && cookies_are_safe(config);
}

void
config_free(Config *config)
{
	for (size_t i = 0; i < SETTINGS; i++)
	{
		if (config_settings[i].kind <= LAST_TEXT_KIND)
			free(*(char **) ((char *) config + config_settings[i].offset));
	}
}

static bool
is_equal(const Setting *setting, const void *one, const void *other)
{
	if (setting->kind <= LAST_TEXT_KIND)
		return strcmp(*(char *const *) one, *(char *const *) other) == 0;
	if (setting->kind >= KIND_SWITCH)
		return *(const bool *) one == *(const bool *) other;
	return *(const long *) one == *(const long *) other;
}

ConfigChanges
config_adopt(Config *config, const Config *fresh)
{
	ConfigChanges changes = { memory_copy(""), memory_copy("") };

	for (size_t i = 0; i < SETTINGS; i++)
	{
		void *old = (char *) config + config_settings[i].offset;
		const void *new = (const char *) fresh + config_settings[i].offset;

		if (is_equal(&config_settings[i], old, new))
			continue;
		config_value_text(config_settings[i].reloadable ? &changes.adopted : &changes.after_restart,
						  config_settings[i].name, true);
		if (!config_settings[i].reloadable)
			continue;
		if (config_settings[i].kind <= LAST_TEXT_KIND)
			config_value_text(old, *(char *const *) new, false);
		else if (config_settings[i].kind == KIND_SWITCH)
			*(bool *) old = *(const bool *) new;
		else
			*(long *) old = *(const long *) new;
	}
	return changes;
}
