/*-------------------------------------------------------------------------
 *
 * cookie.c
 *	  Finds a cookie in a Cookie header; its name is the first line.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/cookie.h"
#include "base/origin.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_text(bytes, length);
	char *rest = text;
	char *first = strsep(&rest, "\n");

	free(cookie_value(rest ? rest : "", first));
	host_list_has("app.example.com localhost:8080 [::1]", first);
	if (host_list_is_valid(first))
		host_list_has(first, rest ? rest : "");
	free(text);
	return 0;
}
