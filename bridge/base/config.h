/*-------------------------------------------------------------------------
 *
 * config.h
 *	  All settings of the bridge, in one table.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CONFIG_H
#define HERALD_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

/* Lives as long as the process; the strings belong to it. */
typedef struct Config
{
	char *database;
	char *listen;
	char *admin_listen;
	char *config;
	char *jwt_secret_file; /* several, separated by spaces, each FILE or KID=FILE */
	char *jwt_key_file;	   /* the same */
	char *jwt_algorithm;   /* several, separated by spaces; empty: any */
	char *jwt_audience;
	char *jwt_issuer;
	char *jwt_user_claim;
	char *session_cookie; /* empty: none */
	char *allow_host;	  /* several, separated by spaces */
	char *allow_origin;	  /* the same */
	char *dialect;		  /* the same */
	char *trusted_proxy;  /* the same */
	char *tls_cert;		  /* empty: no TLS */
	char *tls_key;
	char *plain_listen; /* empty: nowhere */
	char *www;
	char *client_js;
	char *content_security_policy;
	char *log_level;
	char *log_format;
	long max_connections;
	long max_payload; /* bytes */
	long max_rooms;
	long max_session_actions;
	long max_user_actions;
	char *limit_connects; /* rates, as rate_read() reads them, of one session */
	char *limit_messages;
	char *limit_joins;
	char *limit_actions;
	char *limit_signals;
	char *limit_failed_tokens;
	char *limit_sockets;
	char *limit_anonymous;
	char *user_work; /* a rate, too */
	long limit_user_sessions;
	long limit_address_sessions;
	long queue_limit;		/* bytes */
	long total_queue_limit; /* bytes */
	long page_size;			/* events */
	long event_cache_size;	/* bytes */
	long ping_interval;		/* milliseconds, like all times here */
	long ping_timeout;
	long connect_timeout;
	long poll_interval;
	long ready_lag;
	long action_timeout;
	long database_timeout;
	long drain_timeout;
	long presence_grace;
	long presence_lease;
	long jwt_clock_skew;
	long session_cookie_cache;
	long jwt_max_age; /* 0: any */
	bool allow_tokens_without_expiry;
	bool log_connections;
	bool check;
	bool print_config;
	bool help;
	bool version;
} Config;

/*
 * Reads the settings: options override the environment (HERALD_...), which overrides
 * the file (--config), which overrides the defaults.  False after a message on standard
 * error that names the setting, its source, the value and the expected form.  The
 * caller frees the settings in either case.
 */
extern bool config_load(Config *config, int argc, char **argv);

/* The names of settings, separated by blanks; the caller frees both texts. */
typedef struct ConfigChanges
{
	char *adopted;		 /* in force from now on */
	char *after_restart; /* given, and in force after a restart only */
} ConfigChanges;

/*
 * Copies the settings that can change while the bridge runs from "fresh", which
 * config_load() has filled in and the caller has found good; leaves the others.
 * Returns the names of the settings that differ.
 */
extern ConfigChanges config_adopt(Config *config, const Config *fresh);

/* Frees the strings of settings. */
extern void config_free(Config *config);

/* Prints a line for each option. */
extern void config_print_help(FILE *out);

/* Prints the settings in force, as a file that config_load() can read. */
extern void config_print(const Config *config, FILE *out);

#endif /* HERALD_CONFIG_H */
