/* publisher.c: publishes on blocking connections, one for each thread. */

#include "publisher.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"

#define MAX_WRITERS 64

static struct
{
	Destination destination;
	Plan plan;
	pthread_t threads[MAX_WRITERS];
	pthread_barrier_t connected;
	double start;
	atomic_int running, failures;
} publisher;

/* The connection of one thread. */
typedef struct Connection
{
	PGconn *database;
	int parameters;
	int fd;
} Connection;

static void
connect_database(Connection *connection)
{
	PGresult *result;

	connection->database = PQconnectdb(publisher.destination.conninfo);
	result = PQprepare(connection->database, "publish", publisher.destination.statement, 0, NULL);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fprintf(stderr, "load: %s", PQerrorMessage(connection->database));
	PQclear(result);
	result = PQdescribePrepared(connection->database, "publish");
	connection->parameters = PQnparams(result);
	PQclear(result);
}

static void
connect_port(Connection *connection)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(publisher.destination.port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	const char *hello = publisher.destination.hello;

	connection->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (connect(connection->fd, (struct sockaddr *) &address, sizeof(address)) < 0)
		perror("load: publisher");
	else if (hello && write(connection->fd, hello, strlen(hello)) < 0)
		perror("load: publisher");
}

static bool
publish_to_database(Connection *connection, int number)
{
	char texts[2][16];
	const char *values[] = { texts[0], texts[1] };
	PGresult *result;
	ExecStatusType status;

	snprintf(texts[0], sizeof(texts[0]), "%d", number);
	snprintf(texts[1], sizeof(texts[1]), "%d", publisher.destination.filler);
	result = PQexecPrepared(connection->database, "publish", connection->parameters, values, NULL, NULL, 0);
	status = PQresultStatus(result);
	PQclear(result);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return true;
	if (atomic_load(&publisher.failures) == 0)
		fprintf(stderr, "load: %s", PQerrorMessage(connection->database));
	return false;
}

/* Reads one HTTP response, whose body is in the same packet. */
static bool
read_response(Connection *connection)
{
	char bytes[4096];
	ssize_t length = read(connection->fd, bytes, sizeof(bytes));

	return length > 12 && memcmp(bytes, "HTTP/1.1 20", 11) == 0;
}

static bool
publish_to_port(Connection *connection, int number)
{
	const Destination *destination = &publisher.destination;
	char *payload, *message;
	int length;
	bool sent;

	payload = malloc(destination->filler + 64);
	length = sprintf(payload, "{\"n\": %d, \"x\": \"", number);
	memset(payload + length, 'a' + number % 26, destination->filler);
	strcpy(payload + length + destination->filler, "\"}");
	message = malloc(destination->filler + 512);
	length = snprintf(message, 256, destination->head, strlen(payload));
	length += sprintf(message + length, "%s%s", payload, destination->tail);
	sent = write(connection->fd, message, length) == length && (!destination->responds || read_response(connection));
	free(payload);
	free(message);
	return sent;
}

/* Closes after the server has. A socket that is closed with unread bytes resets the connection, and events are lost. */
static void
close_port(int fd)
{
	char rest[4096];

	shutdown(fd, SHUT_WR);
	while (read(fd, rest, sizeof(rest)) > 0)
		;
	close(fd);
}

static void
wait_until(double time)
{
	struct timespec until = { .tv_sec = (time_t) time, .tv_nsec = (time - (time_t) time) * 1e9 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
		;
}

static void *
publish(void *argument)
{
	const Plan *plan = &publisher.plan;
	bool (*send_event)(Connection *, int) = publisher.destination.conninfo ? publish_to_database : publish_to_port;
	Connection connection = { .fd = -1 };

	if (publisher.destination.conninfo)
		connect_database(&connection);
	else
		connect_port(&connection);
	if (pthread_barrier_wait(&publisher.connected) == PTHREAD_BARRIER_SERIAL_THREAD)
		publisher.start = now() + 0.01;
	pthread_barrier_wait(&publisher.connected);
	for (int i = (int) (long) argument; i < plan->count; i += plan->writers)
	{
		Times *times = journal_times(plan->first + i);

		if (plan->rate > 0)
			wait_until(publisher.start + i / plan->burst * plan->burst / plan->rate);
		times->called = now();
		if (send_event(&connection, plan->first + i))
			times->committed = now();
		else
			atomic_fetch_add(&publisher.failures, 1);
	}
	PQfinish(connection.database);
	if (connection.fd >= 0)
		close_port(connection.fd);
	atomic_fetch_sub(&publisher.running, 1);
	return NULL;
}

void
publisher_start(const Destination *destination, const Plan *plan)
{
	publisher.destination = *destination;
	publisher.plan = *plan;
	publisher.failures = 0;
	publisher.running = plan->writers;
	pthread_barrier_init(&publisher.connected, NULL, plan->writers);
	for (int i = 0; i < plan->writers; i++)
		pthread_create(&publisher.threads[i], NULL, publish, (void *) (long) i);
}

bool
publisher_done(void)
{
	return publisher.running == 0;
}

int
publisher_finish(void)
{
	for (int i = 0; i < publisher.plan.writers; i++)
		pthread_join(publisher.threads[i], NULL);
	pthread_barrier_destroy(&publisher.connected);
	return publisher.failures;
}
