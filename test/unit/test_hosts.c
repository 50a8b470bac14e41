/*-------------------------------------------------------------------------
 *
 * test_hosts.c
 *	  Splits a connection string into its servers, each with its port.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "source/hosts.h"

static void
expect(const char *conninfo, int which, const char *host, const char *port)
{
	PGconn *connection = hosts_connect(conninfo, which, "test");

	assert_string_equal(PQhost(connection), host);
	assert_string_equal(PQport(connection), port);
	PQfinish(connection);
}

static void
test_finds_one_server(void **state)
{
	(void) state;
	assert_int_equal(hosts_count("dbname=app"), 1);
	assert_int_equal(hosts_count("host=/nowhere port=1"), 1);
	expect("host=/nowhere port=1", 0, "/nowhere", "1");
}

static void
test_finds_several_servers(void **state)
{
	const char *conninfo = "host=/a,/b,/c port=1,2,3";

	(void) state;
	assert_int_equal(hosts_count(conninfo), 3);
	expect(conninfo, 0, "/a", "1");
	expect(conninfo, 1, "/b", "2");
	expect(conninfo, 2, "/c", "3");
}

static void
test_takes_sqlstate_out_of_errors(void **state)
{
	static const char *const errors[][3] = {
		{ "connection to server on socket \"/a/.s.PGSQL.1\" failed: FATAL:  3D000: database \"app\" does not exist\n"
		  "LOCATION:  InitPostgres, postinit.c:1018\n",
		  "3D000",
		  "connection to server on socket \"/a/.s.PGSQL.1\" failed: FATAL:  database \"app\" does not exist" },
		{ "FATAL:  55000: no\nDETAIL:  more\nLOCATION:  f, f.c:1\n", "55000", "FATAL:  no\nDETAIL:  more" },
		{ "FATAL:  57P03: role:  X: y\n", "57P03", "FATAL:  role:  X: y\n" },
		{ "connection refused:  never\n\tIs it running?\n", "", "connection refused:  never\n\tIs it running?\n" },
		{ "", "", "" },
		{ "x:  ABCDE", "", "x:  ABCDE" },
	};

	(void) state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
	{
		char sqlstate[HOSTS_SQLSTATE_SIZE];
		char *text = hosts_error(errors[i][0], sqlstate);

		assert_string_equal(sqlstate, errors[i][1]);
		assert_string_equal(text, errors[i][2]);
		free(text);
	}
}

static void
test_uses_one_port_for_all(void **state)
{
	(void) state;
	expect("host=/a,/b port=7", 1, "/b", "7");
}

static void
test_reads_uri(void **state)
{
	const char *uri = "postgresql://me@127.0.0.1:1,127.0.0.2:2/app";

	(void) state;
	assert_int_equal(hosts_count(uri), 2);
	expect(uri, 0, "127.0.0.1", "1");
	expect(uri, 1, "127.0.0.2", "2");
}

static void
test_reads_hostaddr(void **state)
{
	(void) state;
	assert_int_equal(hosts_count("hostaddr=127.0.0.1,127.0.0.2 port=1"), 2);
	expect("hostaddr=127.0.0.1,127.0.0.2 port=1", 1, "127.0.0.2", "1");
}

static void
test_reads_pghost(void **state)
{
	(void) state;
	setenv("PGHOST", "/x,/y", 1);
	assert_int_equal(hosts_count("dbname=app"), 2);
	expect("dbname=app port=5", 1, "/y", "5");
	assert_int_equal(hosts_count("host=/a dbname=app"), 1);
	unsetenv("PGHOST");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_one_server),
		cmocka_unit_test(test_finds_several_servers),
		cmocka_unit_test(test_takes_sqlstate_out_of_errors),
		cmocka_unit_test(test_uses_one_port_for_all),
		cmocka_unit_test(test_reads_uri),
		cmocka_unit_test(test_reads_hostaddr),
		cmocka_unit_test(test_reads_pghost),
	};

	return cmocka_run_group_tests_name("hosts", tests, NULL, NULL);
}
