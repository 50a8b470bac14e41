/*-------------------------------------------------------------------------
 *
 * http.c
 *	  Lets clients speak to the whole server: first bytes, HTTP, polling, event streams, WebSockets and files.
 *
 * The input is the bytes of a client, but for these: 1 stands for the latest session's id, 2 for a token, 3 ends a
 * packet of the network, 4 begins another connection.
 *
 * The harness reads requests and responses by itself.  It requires that the bridge answers no more requests than it has
 * got, that its responses are well-formed, and that none has the secret file, the metrics, or a foreign origin.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fake_source.h"
#include "transport/server.c"

#include <ctype.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/budget.h"
#include "fanout/outbox.h"
#include "fanout/user.h"
#include "fanout/user_work.h"
#include "fuzz.h"
#include "gateway/gateway.h"
#include "protocol/dialect.h"
#include "secret.h"
#include "transport/proxy_header.h"

#define ORIGIN "https://app.example"
#define HIDDEN "nobody may read this"
#define CONNECTIONS 6
#define TURNS 6
#define MOST_DESCRIPTORS 600

typedef enum Mark
{
	MARK_SID = 1,
	MARK_TOKEN,
	MARK_PACKET,
	MARK_CONNECTION
} Mark;

/* Bytes that grow. */
typedef struct Bytes
{
	char *text;
	size_t length;
} Bytes;

static Config config;
static char *token;
static char sid[64];

const char *
__asan_default_options(void)
{
	return "detect_leaks=0"; /* see protocol.c */
}

static void
write_file(const char *folder, const char *name, const char *text)
{
	char *path = memory_format("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	REQUIRE(file != NULL);
	for (int i = 0; i < 40; i++)
		fputs(text, file);
	fclose(file);
	free(path);
}

/* Makes a folder with files to serve, and some that nobody may get; returns its name. */
static char *
make_folder(void)
{
	char *outer = memory_format("/tmp/herald-http.%d", (int) getpid());
	char *www = memory_format("%s/www", outer);
	char *sub = memory_format("%s/sub", www);
	char *link = memory_format("%s/link", www);

	mkdir(outer, 0700);
	mkdir(www, 0700);
	mkdir(sub, 0700);
	write_file(outer, "secret", HIDDEN "\n");
	write_file(www, ".env", HIDDEN "\n");
	write_file(www, "index.html", "<p>Hello\n");
	write_file(www, "app.js", "void 0;\n");
	write_file(sub, "index.html", "<p>Sub\n");
	REQUIRE(symlink("../secret", link) == 0 || errno == EEXIST);
	free(link);
	free(sub);
	free(outer);
	return www;
}

static void
configure(void)
{
	char *www = make_folder();
	char *www_option = memory_format("--www=%s", www);
	char *options[] = { "http", "--database=", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", www_option,
						"--allow-origin=" ORIGIN, "--allow-host=x", "--session-cookie=sid", "--trusted-proxy=::", "--max-payload=300", "--max-connections=100",
						"--ping-interval=50ms", "--ping-timeout=50ms", "--connect-timeout=100ms",
						"--limit-sockets=1000000/s:1000000", "--limit-anonymous=1000000/s:1000000",
						"--limit-connects=1000000/s:1000000", "--limit-failed-tokens=1000000/s:1000000",
						"--limit-messages=1000000/s:1000000", "--limit-actions=1000000/s:1000000" };

	REQUIRE(config_load(&config, sizeof(options) / sizeof(*options), options));
	config.jwt_secret_file = secret_path;
	free(www_option);
	free(www);
}

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void) count;
	(void) arguments;
	fuzz_silence();
	configure();
	REQUIRE(secret_configure(&config));
	REQUIRE(dialect_load("../../bridge/dialects/canonical.json"));
	token = secret_sign("{\"sub\":\"7\",\"exp\":4102444800}");
	budget_start(&config);
	outbox_start();
	REQUIRE(server_start(&config));
	limits_configure(&config);
	user_work_configure(&config);
	gateway_start(&config);
	return 0;
}

static void
append_bytes(Bytes *bytes, const void *more, size_t length)
{
	bytes->text = memory_resize(bytes->text, bytes->length + length + 1);
	memcpy(bytes->text + bytes->length, more, length);
	bytes->length += length;
	bytes->text[bytes->length] = '\0';
}

/* Lets the bridge work, and reads its output. */
static void
let_work(int descriptor, Bytes *output)
{
	static char piece[65536];
	ssize_t length;

	for (int i = 0; i < TURNS; i++)
	{
		uv_run(loop_uv(), UV_RUN_NOWAIT);
		while (fake_source.queries != NULL)
			fake_answer_query(0);
		fake_end_window();
		while ((length = read(descriptor, piece, sizeof(piece))) > 0)
			append_bytes(output, piece, (size_t) length);
	}
}

/* The bytes of a connection, as its client has sent them. */
static void
append_input(Bytes *input, char byte)
{
	if (byte == MARK_SID)
		append_bytes(input, sid, strlen(sid));
	else if (byte == MARK_TOKEN)
		append_bytes(input, token, strlen(token));
	else
		append_bytes(input, &byte, 1);
}

/* Returns the line that ends before "end", without its line end; *at moves behind it.  NULL: there is none. */
static char *
take_line(const char **at, const char *end)
{
	const char *line = *at;
	const char *feed = memchr(line, '\n', (size_t) (end - line));
	size_t length;

	if (feed == NULL)
		return NULL;
	*at = feed + 1;
	length = (size_t) (feed - line);
	return memory_copy_bytes(line, length > 0 && line[length - 1] == '\r' ? length - 1 : length);
}

/* Skips the header of a proxy. */
static const char *
skip_proxy_header(const char *at, const char *end)
{
	NetworkAddress client;
	size_t length = 0;

	if (proxy_header_read((const unsigned char *) at, (size_t) (end - at), &length, &client) == PROXY_HEADER_COMPLETE)
		return at + length;
	return at;
}

/* Reads a head; returns the length of its body, -1: no request can follow.  *at becomes NULL if the head has no end. */
static long
read_head(const char **at, const char *end)
{
	long length = 0;
	char *line;

	while ((line = take_line(at, end)) != NULL && line[0] != '\0')
	{
		bool has_length = strncasecmp(line, "content-length", 14) == 0;
		const char *digits = has_length ? line + 14 + strspn(line + 14, ": \t") : "";

		if (has_length)
			length = length == 0 && isdigit((unsigned char) *digits) ? atol(digits) : -1;
		else if (strncasecmp(line, "transfer-encoding", 17) == 0)
			length = -1;
		free(line);
	}
	if (line == NULL)
		*at = NULL;
	free(line);
	return length;
}

/* Returns the most responses that the requests of a client may have. */
static int
count_requests(const Bytes *input)
{
	const char *end = input->text + input->length;
	const char *at = skip_proxy_header(input->text, end);
	int count = 0;
	long length = 0;

	while (at < end && length >= 0)
	{
		while (at < end && (*at == '\r' || *at == '\n'))
			at++;
		if (at == end)
			break;
		count++;
		length = read_head(&at, end);
		if (at == NULL || length > end - at)
			break;
		at += length > 0 ? length : 0;
	}
	return count;
}

static void
check_header(const char *line)
{
	static const char allow_origin[] = "access-control-allow-origin:";
	const char *colon = strchr(line, ':');

	REQUIRE(colon != NULL && colon > line && strpbrk(line, "\r\n") == NULL);
	for (const char *c = line; *c != '\0'; c++)
		REQUIRE((unsigned char) *c >= 32 && *c != 127);
	if (strncasecmp(line, allow_origin, sizeof(allow_origin) - 1) == 0)
		REQUIRE(strcmp(colon + 1 + strspn(colon + 1, " "), ORIGIN) == 0);
}

/* Checks a response's head; returns the length of its body, -1: to the end of the connection. */
static long
check_head(const char **at, const char *end, int *status)
{
	char *line = take_line(at, end);
	long length = -1;

	REQUIRE(line != NULL && strncmp(line, "HTTP/1.", 7) == 0);
	*status = atoi(line + 9);
	REQUIRE(*status >= 100 && *status < 600);
	free(line);
	while ((line = take_line(at, end)) != NULL && line[0] != '\0')
	{
		check_header(line);
		if (strncasecmp(line, "content-length:", 15) == 0)
			length = atol(line + 15);
		free(line);
	}
	REQUIRE(line != NULL);
	free(line);
	return *status == 304 || *status == 204 || *status == 100 ? 0 : length;
}

/* Returns whether one of the requests may be a HEAD, whose response has a length and no body. */
static bool
may_have_head(const Bytes *input)
{
	for (size_t i = 0; i + 5 <= input->length; i++)
	{
		if (strncasecmp(input->text + i, "head ", 5) == 0)
			return true;
	}
	return false;
}

/* Checks the responses of a connection, up to the first one without a known end. */
static void
check_output(const Bytes *input, const Bytes *output)
{
	const char *at = output->text;
	const char *end = output->text + output->length;
	bool has_head = may_have_head(input);
	int count = 0;

	REQUIRE(memmem(output->text, output->length, HIDDEN, strlen(HIDDEN)) == NULL);
	REQUIRE(memmem(output->text, output->length, "herald_connections", 18) == NULL);
	while (at < end)
	{
		int status;
		long length = check_head(&at, end, &status);

		count += status != 100;
		if (status == 101 || length < 0 || has_head)
			break;
		REQUIRE(length <= end - at || status == 200);
		at += length <= end - at ? length : end - at;
	}
	REQUIRE(count <= count_requests(input));
}

static void
note_sid(const Bytes *output)
{
	const char *found = memmem(output->text, output->length, "\"sid\":\"", 7);

	if (found != NULL && strspn(found + 7, "0123456789abcdef") == 32)
		snprintf(sid, sizeof(sid), "%.32s", found + 7);
}

/* Opens a connection, and sends the bytes up to the mark of the next one.  Returns the bytes behind that. */
static const uint8_t *
speak(const uint8_t *at, const uint8_t *end, int *client)
{
	Bytes input = { 0 };
	Bytes output = { 0 };
	size_t sent = 0;
	int pair[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	append_bytes(&input, "", 0);
	append_bytes(&output, "", 0);
	adopt_socket(&server.clients, pair[1]);
	for (bool more = true; more;)
	{
		more = at < end && *at != MARK_CONNECTION;
		if (more && *at != MARK_PACKET)
			append_input(&input, (char) *at);
		else if (input.length > sent)
		{
			(void) !send(pair[0], input.text + sent, input.length - sent, MSG_NOSIGNAL);
			sent = input.length;
			let_work(pair[0], &output);
		}
		at += at < end;
	}
	let_work(pair[0], &output);
	note_sid(&output);
	check_output(&input, &output);
	free(input.text);
	free(output.text);
	*client = pair[0];
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const uint8_t *at = bytes;
	int clients[CONNECTIONS];
	int count = 0;
	int highest;

	while (at < bytes + length && count < CONNECTIONS)
		at = speak(at, bytes + length, &clients[count++]);
	for (int i = 0; i < count; i++)
		close(clients[i]);
	for (int i = 0; i < TURNS; i++)
		uv_run(loop_uv(), UV_RUN_NOWAIT);
	highest = dup(0);
	REQUIRE(highest >= 0 && highest < MOST_DESCRIPTORS);
	close(highest);
	return 0;
}
