/* main.c: the load of the benchmarks: clients and publishers in one process, driven by lines of JSON at standard input.
 *
 *   {"do": "connect", "kind": "plain", "port": 8080, "path": "/ws", "room": "post:1", "count": 1000, "tokens": FILE}
 *   {"do": "join", "room": "post:1"}    all clients join a room
 *   {"do": "series", "first": 1, "count": 100, "filler": 200, "key": "\"n\""}             the events that each client is to receive
 *   {"do": "publish", "rate": 200, "writers": 1, "burst": 1, "conninfo": ..., "statement": ...}   publishes the series
 *   {"do": "await", "seconds": 60}      waits until each client has the series; responds with times and faults
 *   {"do": "stop"}, {"do": "resume"}    all clients stop reading; they read again
 *   {"do": "drop"}, {"do": "return"}    closes all connections; connects all clients that are not, with their positions
 *   {"do": "close"}                     forgets all clients
 *
 * Each command has one line of JSON as its response. Clients answer pings at all times.
 */

#include <jansson.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "client.h"
#include "journal.h"
#include "loop.h"
#include "publisher.h"

static Client *clients;
static int client_count, at_once;
static Target target;
static json_t *target_texts; /* holds the texts of the target */
static Series series;
static json_t *series_texts;

static const char *
text_of(json_t *command, const char *key)
{
	return json_string_value(json_object_get(command, key));
}

static double
number_of(json_t *command, const char *key, double preset)
{
	json_t *value = json_object_get(command, key);

	return value ? json_number_value(value) : preset;
}

static int
ascending(const void *left, const void *right)
{
	double a = *(const double *) left, b = *(const double *) right;

	return (a > b) - (a < b);
}

/* Returns median, 99th percentile and maximum of seconds, in milliseconds. Sorts them. */
static json_t *
spread_of(double *seconds, int count)
{
	if (count == 0)
		return json_null();
	qsort(seconds, count, sizeof(double), ascending);
	return json_pack("{s:f, s:f, s:f}", "p50", 1000 * seconds[count / 2], "p99", 1000 * seconds[count * 99L / 100], "max", 1000 * seconds[count - 1]);
}

/* Brings all clients to READY that are not, so many at once, and responds with their number and the time. */
static json_t *
bring_all(void (*begin)(Client *client))
{
	double begun = now(), patience = begun + 60 + client_count / 100;
	double *started = calloc(client_count, sizeof(double)), *took = calloc(client_count, sizeof(double));
	int next = 0, ready = 0, failed = 0, recovered = 0, open = 0, connected = 0;
	int *pending = calloc(client_count, sizeof(int));
	json_t *response;

	for (int i = 0; i < client_count; i++)
		connected += clients[i].state == READY;
	while (connected + ready + failed < client_count && now() < patience)
	{
		for (; open < at_once && next < client_count; next++)
			if (clients[next].state != READY)
			{
				started[next] = now();
				pending[open++] = next;
				begin(&clients[next]);
			}
		loop_turn(1);
		for (int i = 0; i < open;)
		{
			Client *client = &clients[pending[i]];

			if (client->state != READY && client->state != FAILED)
			{
				i++;
				continue;
			}
			if (client->state == READY)
				took[ready++] = now() - started[pending[i]];
			else
				failed++;
			recovered += client->recovered;
			pending[i] = pending[--open];
		}
	}
	response = json_pack("{s:i, s:i, s:i, s:f, s:o}", "ready", ready, "failed", client_count - connected - ready, "recovered", recovered,
						 "seconds", now() - begun, "took", spread_of(took, ready));
	free(started);
	free(took);
	free(pending);
	return response;
}

static void
begin_to_connect(Client *client)
{
	client_connect(client, &target);
}

static json_t *
connect_all(void)
{
	return bring_all(begin_to_connect);
}

static void
begin_to_join(Client *client)
{
	target.protocol->join(client);
}

static json_t *
do_join(json_t *command)
{
	if (target.protocol->join == NULL)
		return json_pack("{s:s}", "error", "clients of this kind join when they connect");
	json_object_set(target_texts, "room", json_object_get(command, "room"));
	target.room = text_of(target_texts, "room");
	for (int i = 0; i < client_count; i++)
		clients[i].state = OPENING;
	return bring_all(begin_to_join);
}

static void
forget_clients(void)
{
	for (int i = 0; i < client_count; i++)
	{
		client_close(&clients[i]);
		free(clients[i].token);
		free(clients[i].page.seen);
	}
	free(clients);
	clients = NULL;
	client_count = 0;
}

static void
read_tokens(const char *name)
{
	FILE *file = name ? fopen(name, "r") : NULL;
	char line[2048];

	for (int i = 0; file && i < client_count && fgets(line, sizeof(line), file); i++)
		clients[i].token = strndup(line, strcspn(line, "\n"));
	if (file)
		fclose(file);
}

static json_t *
do_connect(json_t *command)
{
	forget_clients();
	json_decref(target_texts);
	target_texts = json_incref(command);
	target = (Target){
		.protocol = protocol_named(text_of(command, "kind")),
		.port = number_of(command, "port", 0),
		.path = text_of(command, "path"),
		.room = text_of(command, "room"),
		.rooms = number_of(command, "rooms", 0),
		.conninfo = text_of(command, "listen"),
		.buffer = number_of(command, "buffer", 0),
	};
	client_count = number_of(command, "count", 1);
	at_once = number_of(command, "at_once", 200);
	clients = calloc(client_count, sizeof(Client));
	for (int i = 0; i < client_count; i++)
	{
		clients[i].number = i + 1;
		clients[i].fd = -1;
	}
	read_tokens(text_of(command, "tokens"));
	return connect_all();
}

static json_t *
do_series(json_t *command)
{
	Page **pages = calloc(client_count, sizeof(Page *));

	journal_end();
	json_decref(series_texts);
	series_texts = json_incref(command);
	series = (Series){
		.first = number_of(command, "first", 1),
		.count = number_of(command, "count", 1),
		.filler = number_of(command, "filler", 0),
		.key = text_of(command, "key"),
	};
	for (int i = 0; i < client_count; i++)
	{
		free(clients[i].page.seen);
		pages[i] = &clients[i].page;
	}
	journal_begin(&series, pages, client_count);
	free(pages);
	return json_object();
}

static json_t *
do_publish(json_t *command)
{
	Plan plan = {
		.first = series.first,
		.count = series.count,
		.writers = number_of(command, "writers", 1),
		.burst = number_of(command, "burst", 1),
		.rate = number_of(command, "rate", 0),
	};
	Destination destination = {
		.conninfo = text_of(command, "conninfo"),
		.statement = text_of(command, "statement"),
		.port = number_of(command, "port", 0),
		.head = text_of(command, "head"),
		.tail = text_of(command, "tail"),
		.hello = text_of(command, "hello"),
		.responds = json_is_true(json_object_get(command, "responds")),
		.filler = number_of(command, "filler", 0),
	};
	double begun = now();

	publisher_start(&destination, &plan);
	while (!publisher_done())
		loop_turn(1);
	return json_pack("{s:i, s:f}", "unpublished", publisher_finish(), "seconds", now() - begun);
}

/* Returns the spread of the time between two moments of each event. Events that lack one do not count. */
static json_t *
times_between(size_t from, size_t until)
{
	double *seconds = calloc(series.count, sizeof(double));
	int count = 0;
	json_t *spread;

	for (int i = 0; i < series.count; i++)
	{
		const char *times = (const char *) journal_times(series.first + i);
		double begin = *(const double *) (times + from), end = *(const double *) (times + until);

		if (begin > 0 && end > 0)
			seconds[count++] = end - begin;
	}
	spread = spread_of(seconds, count);
	free(seconds);
	return spread;
}

#define BETWEEN(from, until) times_between(offsetof(Times, from), offsetof(Times, until))

static json_t *
do_await(json_t *command)
{
	double begun = now(), patience = begun + number_of(command, "seconds", 60);
	const Times *last = journal_times(series.first + series.count - 1);
	Faults faults;

	while (!journal_complete() && now() < patience)
		loop_turn(10);
	faults = journal_faults();
	return json_pack("{s:f, s:I, s:f, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "seconds", now() - begun, "deliveries", (json_int_t) journal_deliveries(),
					 "last", 1000 * (last->first_received - last->called),
					 "missing", (int) faults.missing, "doubled", (int) faults.doubled, "disordered", (int) faults.disordered,
					 "corrupt", (int) faults.corrupt, "foreign", (int) faults.foreign,
					 "commit", BETWEEN(called, committed), "since_call", BETWEEN(called, first_received),
					 "since_commit", BETWEEN(committed, first_received), "until_last", BETWEEN(called, last_received));
}

static json_t *
do_read(bool reads)
{
	for (int i = 0; i < client_count; i++)
		if (clients[i].state == READY)
			loop_only_reads(clients[i].fd, &clients[i], reads);
	return json_object();
}

static json_t *
do_drop(void)
{
	for (int i = 0; i < client_count; i++)
		client_close(&clients[i]);
	return json_object();
}

static json_t *
do_close(void)
{
	forget_clients();
	return json_object();
}

static json_t *
run(json_t *command)
{
	const char *verb = text_of(command, "do");

	if (strcmp(verb, "connect") == 0)
		return do_connect(command);
	if (strcmp(verb, "join") == 0)
		return do_join(command);
	if (strcmp(verb, "series") == 0)
		return do_series(command);
	if (strcmp(verb, "publish") == 0)
		return do_publish(command);
	if (strcmp(verb, "await") == 0)
		return do_await(command);
	if (strcmp(verb, "stop") == 0 || strcmp(verb, "resume") == 0)
		return do_read(strcmp(verb, "resume") == 0);
	if (strcmp(verb, "drop") == 0)
		return do_drop();
	if (strcmp(verb, "return") == 0)
		return connect_all();
	if (strcmp(verb, "close") == 0)
		return do_close();
	return json_pack("{s:s}", "error", "no such command");
}

int
main(void)
{
	static char line[1 << 16];
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdin, NULL, _IONBF, 0); /* bytes that stdio holds would not wake the loop */
	loop_init();
	for (;;)
	{
		json_t *command, *response;

		if (!loop_turn(-1))
			continue;
		if (fgets(line, sizeof(line), stdin) == NULL)
			return 0;
		command = json_loads(line, 0, NULL);
		response = command ? run(command) : json_pack("{s:s}", "error", "no JSON");
		json_dumpf(response, stdout, JSON_COMPACT);
		puts("");
		fflush(stdout);
		json_decref(response);
		json_decref(command);
	}
}
