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
#include "gateway/auth.h"
#include "gateway/gateway.h"
#include "protocol/dialect.h"
#include "source/preflight.h"
#include "transport/server.h"

static Config config;
static int argument_count;
static char **arguments;

static bool
configure_log(const Config *settings)
{
	if (log_configure(settings->log_level, settings->log_format))
		return true;
	fprintf(stderr, "herald-bridge: log-level is error, warning, info or debug; log-format is text or json\n");
	return false;
}

/* Would all settings be good as they are given now?  Nothing is taken over before. */
static bool
settings_are_good(void)
{
	Config candidate = { 0 };
	bool good = config_load(&candidate, argument_count, arguments) && auth_check(&candidate) &&
				configure_log(&candidate);

	config_free(&candidate);
	return good;
}

static void
on_reload(int number)
{
	(void) number;
	if (settings_are_good() && config_reload(&config, argument_count, arguments) && auth_configure(&config))
		log_info("reloaded");
	else
		log_error("reload_failed", "hint", "the message is above; what was in force before remains so");
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

/* What --help, --version and their like print; true: that was all. */
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
run(void)
{
	if (config.check)
	{
		if (!preflight_database(config.database))
			return false;
		puts("herald-bridge: everything is in order");
		return true;
	}
	budget_start(&config);
	outbox_start();
	if (!server_start())
		return false;
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

int
main(int argc, char **argv)
{
	argument_count = argc;
	arguments = argv;
	signal(SIGPIPE, SIG_IGN);
	if (!config_load(&config, argc, argv))
		return EXIT_FAILURE;
	if (print_and_leave())
		return EXIT_SUCCESS;
	if (!configure_log(&config) || !auth_configure(&config) || !preflight_conninfo(config.database) ||
		!dialect_load(config.dialect) || !server_prepare(&config))
		return EXIT_FAILURE;
	return run() ? EXIT_SUCCESS : EXIT_FAILURE;
}
