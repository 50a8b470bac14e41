/*-------------------------------------------------------------------------
 *
 * main.c
 *	  Starts the parts of the bridge and takes them down.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/budget.h"
#include "base/config.h"
#include "base/log.h"
#include "base/loop.h"
#include "fanout/outbox.h"
#include "fanout/user_work.h"
#include "gateway/auth.h"
#include "gateway/gateway.h"
#include "gateway/limits.h"
#include "protocol/dialect.h"
#include "source/preflight.h"
#include "transport/server.h"
#include "transport/tls.h"

static Config config;
static int argument_count;
static char **arguments;

static bool
read_log_settings(const Config *settings, LogSettings *log)
{
	if (log_read_settings(settings->log_level, settings->log_format, log))
		return true;
	fprintf(stderr, "herald-bridge: log-level must be error, warning, info or debug, and log-format text or json\n");
	return false;
}

static void
log_changes(ConfigChanges *changes)
{
	log_info("reloaded", "changed", changes->adopted[0] ? changes->adopted : NULL, "after_restart",
			 changes->after_restart[0] ? changes->after_restart : NULL);
	free(changes->adopted);
	free(changes->after_restart);
}

/*
 * Everything is read once and checked before anything is taken over: a reload changes all that it can, or nothing,
 * whatever happens to the files meanwhile.
 */
static bool
reload(void)
{
	Config fresh = { 0 };
	LogSettings log;
	KeySet *keys = NULL;
	TlsCertificate *certificate = NULL;
	ConfigChanges changes;

	if (config_load(&fresh, argument_count, arguments) && read_log_settings(&fresh, &log))
		keys = key_set_read(&fresh);
	if (keys != NULL)
		certificate = tls_read(&config); /* by the names that are in force until a restart */
	if (certificate != NULL)
	{
		changes = config_adopt(&config, &fresh);
		log_configure(&log);
		auth_adopt(&config, keys);
		limits_configure(&config);
		user_work_configure(&config);
		tls_adopt(certificate);
		log_changes(&changes);
	}
	else
		key_set_free(keys);
	config_free(&fresh);
	return certificate != NULL;
}

static void
on_reload(int number)
{
	(void) number;
	if (!reload())
		log_error("reload_failed", "hint", "The reason is in the message above. The former settings remain in force.");
}

static void
on_drained(void)
{
	loop_stop();
}

static void
on_terminate(int number)
{
	log_info("draining", "signal", number == SIGINT ? "INT" : "TERM");
	gateway_leave();
	server_drain(on_drained);
}

/* Prints the answer to --help, --version and their like; returns whether one of them was given. */
static bool
print_and_leave(void)
{
	if (config.help)
		config_print_help(stdout);
	else if (config.version)
		puts("herald-bridge (pg_herald) " HERALD_VERSION);
	else if (config.print_config)
		config_print(&config, stdout);
	return config.help || config.version || config.print_config;
}

static bool
check(void)
{
	if (!server_check(&config) || !preflight_database(config.database))
		return false;
	puts("herald-bridge: everything is in order");
	return true;
}

static bool
run(void)
{
	budget_start(&config);
	outbox_start();
	if (!server_start(&config))
		return false;
	limits_configure(&config);
	user_work_configure(&config);
	gateway_start(&config);
	loop_on_signal(SIGTERM, on_terminate);
	loop_on_signal(SIGINT, on_terminate);
	loop_on_signal(SIGHUP, on_reload);
	loop_run();
	gateway_stop();
	dialect_unload();
	log_info("stopped");
	return true;
}

static bool
configure_tls(void)
{
	TlsCertificate *certificate = tls_read(&config);

	if (certificate != NULL)
		tls_adopt(certificate);
	return certificate != NULL;
}

/* Returns whether the settings are good, after a message on standard error; the log goes by them. */
static bool
configure(void)
{
	LogSettings log;

	if (!read_log_settings(&config, &log))
		return false;
	log_configure(&log);
	return auth_configure(&config) && configure_tls() && preflight_conninfo(config.database) &&
		   dialect_load(config.dialect);
}

int
main(int argc, char **argv)
{
	argument_count = argc;
	arguments = argv;
	signal(SIGPIPE, SIG_IGN);
	log_open();
	if (!config_load(&config, argc, argv))
		return EXIT_FAILURE;
	if (print_and_leave())
		return EXIT_SUCCESS;
	if (!configure())
		return EXIT_FAILURE;
	return (config.check ? check() : run()) ? EXIT_SUCCESS : EXIT_FAILURE;
}
