/*-------------------------------------------------------------------------
 *
 * config_print.c
 *	  Prints the settings of the bridge: the help, and those in force.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>

#include "base/config.h"
#include "base/config_table.h"
#include "base/memory.h"

void
config_print_help(FILE *out)
{
	fputs("herald-bridge relays the events of pg_herald to WebSocket clients.\n\n"
		  "Usage: herald-bridge [OPTION...]\n\n",
		  out);
	for (size_t i = 0; i < config_setting_count; i++)
	{
		const Setting *s = &config_settings[i];
		char *option = memory_format("%s%s%s", s->name, s->value_name ? "=" : "", s->value_name ? s->value_name : "");
		bool shown = s->kind < KIND_SWITCH && s->preset[0] != '\0';

		fprintf(out, "  %c%c%s --%-28s %s%s%s%s\n", s->letter ? '-' : ' ', s->letter ? s->letter : ' ',
				s->letter ? "," : " ", option, s->help, shown ? " (" : "", shown ? s->preset : "", shown ? ")" : "");
		free(option);
	}
	fputs("\nEvery option is also an environment variable (HERALD_LISTEN) and a line of the file (listen = 8080).\n"
		  "Options override the environment, the environment overrides the file.\n"
		  "SIGHUP reloads the settings; SIGTERM tells clients to reconnect and ends the bridge.\n",
		  out);
}

static void
print_setting(const Setting *setting, const void *field, FILE *out)
{
	if (setting->kind <= LAST_TEXT_KIND)
		fprintf(out, "%s = %s\n", setting->name, *(char *const *) field);
	else if (setting->kind == KIND_SWITCH)
		fprintf(out, "%s = %s\n", setting->name, *(const bool *) field ? "true" : "false");
	else if (setting->kind == KIND_TIME_OR_OFF && *(const long *) field == 0)
		fprintf(out, "%s = off\n", setting->name);
	else
		fprintf(out, "%s = %ld%s\n", setting->name, *(const long *) field,
				setting->kind == KIND_TIME || setting->kind == KIND_TIME_OR_OFF ? "ms" : "");
}

void
config_print(const Config *config, FILE *out)
{
	for (size_t i = 0; i < config_setting_count; i++)
	{
		if (config_settings[i].kind != KIND_COMMAND)
			print_setting(&config_settings[i], (const char *) config + config_settings[i].offset, out);
	}
}
