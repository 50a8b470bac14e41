/*-------------------------------------------------------------------------
 *
 * config_table.h
 *	  The table of settings; for the files config*.c only.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CONFIG_TABLE_H
#define HERALD_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum Kind
{
	KIND_TEXT,
	KIND_LIST,	   /* may be given several times */
	KIND_ORIGINS,  /* the same, of web origins */
	KIND_HOSTS,	   /* the same, of host names */
	KIND_NETWORKS, /* the same, of addresses and networks */
	KIND_RATE,	   /* 20/s:100 */
	LAST_TEXT_KIND = KIND_RATE,
	KIND_COUNT,
	KIND_BYTES, /* 64kB, 1MB */
	KIND_TIME,	/* 500ms, 10s, 1min, 1h, 1d */
	KIND_TIME_OR_OFF,
	KIND_SWITCH,
	KIND_COMMAND /* a switch that is an option of one run, and no setting */
} Kind;

typedef struct Setting
{
	const char *name;
	char letter; /* short option, or 0 */
	Kind kind;
	size_t offset;
	bool reloadable;
	const char *preset;
	const char *value_name;
	const char *help;
} Setting;

extern const Setting config_settings[];
extern const size_t config_setting_count;

#endif /* HERALD_CONFIG_TABLE_H */
