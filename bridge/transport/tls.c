/*-------------------------------------------------------------------------
 *
 * tls.c
 *	  TLS of the clients' connections: its settings, its certificate, and direct writes.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/tls.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/timer.h"

/* Ciphers of TLS 1.2 with forward secrecy and authenticated encryption; those of TLS 1.3 all have both. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* How long after a handshake its memory goes back to the system. */
#define TRIM_MS 1000

struct TlsCertificate
{
	X509 *leaf;
	STACK_OF(X509) * chain; /* of issuers, from the leaf's on */
	EVP_PKEY *key;
	char *key_path;
	mode_t key_mode;
};

static struct
{
	struct lws_vhost *vhost;
	SSL_CTX *context; /* of the vhost; libwebsockets owns it */
	TlsCertificate *certificate;
	Timer trim;
} tls;

static bool
complain_of_file(const char *setting, const char *path, const char *reason, const char *hint)
{
	fprintf(stderr, "herald-bridge: %s: %s: %s\n  %s\n", setting, path, reason, hint);
	ERR_clear_error();
	return false;
}

/* Returns no passphrase, where OpenSSL would ask at the terminal. */
static int
refuse_passphrase(char *buffer, int size, int writes, void *context)
{
	(void) buffer;
	(void) size;
	(void) writes;
	(void) context;
	return -1;
}

static const char *
reason_of_file(BIO *file)
{
	return file == NULL ? strerror(errno) : "it is not in PEM, or needs a passphrase";
}

static bool
read_chain(TlsCertificate *certificate, const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	const char *reason = reason_of_file(file);
	X509 *issuer;

	if (file != NULL)
		certificate->leaf = PEM_read_bio_X509_AUX(file, NULL, refuse_passphrase, NULL);
	while (certificate->leaf != NULL && (issuer = PEM_read_bio_X509(file, NULL, refuse_passphrase, NULL)) != NULL)
		sk_X509_push(certificate->chain, issuer);
	BIO_free(file);
	ERR_clear_error();
	return certificate->leaf != NULL ||
		   complain_of_file("tls-cert", path, reason, "The file holds the certificate in PEM, and behind it those of its issuers.");
}

static bool
read_key(TlsCertificate *certificate, const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	const char *reason = reason_of_file(file);
	struct stat status;

	if (file != NULL)
		certificate->key = PEM_read_bio_PrivateKey(file, NULL, refuse_passphrase, NULL);
	BIO_free(file);
	certificate->key_path = memory_copy(path);
	certificate->key_mode = stat(path, &status) == 0 ? status.st_mode : 0;
	if (certificate->key == NULL)
		return complain_of_file("tls-key", path, reason, "The file holds the private key of tls-cert in PEM, and the bridge's user can read it.");
	return X509_check_private_key(certificate->leaf, certificate->key) == 1 ||
		   complain_of_file("tls-key", path, "it is not the key of tls-cert", "Give both files of one certificate.");
}

TlsCertificate *
tls_read(const Config *config)
{
	TlsCertificate *certificate = memory_new(sizeof(TlsCertificate));
	bool is_on = config->tls_cert[0] != '\0';
	bool good = is_on == (config->tls_key[0] != '\0');

	certificate->chain = sk_X509_new_null();
	if (!good)
		fputs("herald-bridge: tls-cert, tls-key: one is set without the other\n  Give both to speak TLS, or none.\n", stderr);
	if (good && is_on)
		good = read_chain(certificate, config->tls_cert) && read_key(certificate, config->tls_key);
	if (good)
		return certificate;
	tls_free(certificate);
	return NULL;
}

void
tls_free(TlsCertificate *certificate)
{
	if (certificate == NULL)
		return;
	X509_free(certificate->leaf);
	sk_X509_pop_free(certificate->chain, X509_free);
	EVP_PKEY_free(certificate->key);
	free(certificate->key_path);
	free(certificate);
}

static void
log_certificate(const TlsCertificate *certificate)
{
	const ASN1_TIME *end = X509_get0_notAfter(certificate->leaf);
	struct tm parts = { 0 };
	char text[32];

	ASN1_TIME_to_tm(end, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (X509_cmp_current_time(end) < 0)
		log_warning("certificate_has_expired", "expired", text, "hint", "Browsers refuse it. Renew it, and reload the bridge.");
	else
		log_info("certificate", "expires", text);
	if (certificate->key_mode & S_IRWXO)
		log_warning("key_is_not_private", "file", certificate->key_path, "hint",
					"Every user of this machine may open the file. Run: chmod o= FILE");
}

void
tls_adopt(TlsCertificate *certificate)
{
	assert(certificate != NULL);
	if (certificate->leaf != NULL)
		log_certificate(certificate);
	tls_free(tls.certificate);
	tls.certificate = certificate;
}

void
tls_prepare(const Config *config, struct lws_context_creation_info *info)
{
	/* With CONTEXT_PORT_NO_LISTEN libwebsockets would leave out TLS; and clients choose between vhosts of one port. */
	info->port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_ALLOW_NON_SSL_ON_SSL_PORT |
					 LWS_SERVER_OPTION_ALLOW_HTTP_ON_HTTPS_LISTENER;
	info->ssl_cert_filepath = config->tls_cert;
	info->ssl_private_key_filepath = config->tls_key;
	info->alpn = "http/1.1";
}

void
tls_take_context(SSL_CTX *context)
{
	tls.context = context;
}

/* Called for each handshake: a renewed certificate may have a key of another type than the one before. */
static int
choose_certificate(SSL *connection, void *unused)
{
	const TlsCertificate *certificate = tls.certificate;

	(void) unused;
	SSL_certs_clear(connection);
	return SSL_use_cert_and_key(connection, certificate->leaf, certificate->key, certificate->chain, 1);
}

/* A client that offers protocols, and not HTTP/1.1, is told so at once (RFC 7301, 3.2). */
static int
choose_protocol(SSL *connection, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
				unsigned int offered_length, void *unused)
{
	static const unsigned char http[] = "\x08http/1.1";
	unsigned char *found;

	(void) connection;
	(void) unused;
	if (SSL_select_next_proto(&found, length, http, sizeof(http) - 1, offered, offered_length) !=
		OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = found;
	return SSL_TLSEXT_ERR_OK;
}

static void
trim_heap(void *unused)
{
	(void) unused;
	malloc_trim(0);
}

/* Handshakes that run side by side need much memory for a moment: what they leave behind goes back within a second. */
static void
after_handshake(const SSL *connection, int event, int result)
{
	(void) connection;
	(void) result;
	if ((event & SSL_CB_HANDSHAKE_DONE) && !timer_is_running(&tls.trim))
		timer_start(&tls.trim, TRIM_MS, trim_heap, NULL);
}

/*
 * An idle connection keeps no buffers.  Clients keep TLS's sessions, in one ticket each.  A handshake costs the server
 * much more than the client, so each connection has one only.
 */
void
tls_start(struct lws_vhost *vhost)
{
	assert(tls.context != NULL && tls.certificate != NULL && tls.certificate->leaf != NULL);
	tls.vhost = vhost;
	SSL_CTX_set_min_proto_version(tls.context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(tls.context, CIPHERS);
	SSL_CTX_set_options(tls.context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(tls.context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
									  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(tls.context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(tls.context, 1);
	SSL_CTX_set_cert_cb(tls.context, choose_certificate, NULL);
	SSL_CTX_set_alpn_select_cb(tls.context, choose_protocol, NULL);
	SSL_CTX_set_info_callback(tls.context, after_handshake);
}

bool
tls_is_spoken(const struct lws_vhost *vhost)
{
	return tls.vhost != NULL && vhost == tls.vhost;
}

bool
tls_is_missing(struct lws *wsi)
{
	return tls_is_spoken(lws_get_vhost(wsi)) && lws_get_ssl(wsi) == NULL;
}

size_t
tls_write(SSL *connection, const void *bytes, size_t length)
{
	size_t taken = 0;
	size_t written = 0;

	ERR_clear_error();
	while (taken < length && SSL_write_ex(connection, (const char *) bytes + taken, length - taken, &written) == 1)
		taken += written;
	return taken;
}
