/*-------------------------------------------------------------------------
 *
 * tls.h
 *	  TLS of the clients' connections: its settings, its certificate, and direct writes.
 *
 * libwebsockets makes the handshakes and reads; its context of OpenSSL gets our settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TLS_H
#define HERALD_TLS_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/config.h"

/* A certificate with its chain and its private key, as one reading of the files found them; empty without tls-cert. */
typedef struct TlsCertificate TlsCertificate;

/* Reads the files of tls-cert and tls-key.  Returns NULL after a message on standard error if they are not good. */
extern TlsCertificate *tls_read(const Config *config);

/*
 * Shows this certificate in all handshakes from now on, and takes it over.  Connections stay.  Logs when it ends, and
 * a warning if every user of this machine can read the key.
 */
extern void tls_adopt(TlsCertificate *certificate);

extern void tls_free(TlsCertificate *certificate);

/* Sets up a vhost that speaks TLS; "info" is for lws_create_vhost(). */
extern void tls_prepare(const Config *config, struct lws_context_creation_info *info);

/* Takes libwebsockets' context of OpenSSL for that vhost: LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS. */
extern void tls_take_context(struct ssl_ctx_st *context);

/* Gives the vhost's context our settings, once the vhost is there: libwebsockets' own must not replace them. */
extern void tls_start(struct lws_vhost *vhost);

/* Returns whether that vhost is this one. */
extern bool tls_is_spoken(const struct lws_vhost *vhost);

/* Returns whether a connection of that vhost is plain: a client has sent plain HTTP to the port. */
extern bool tls_is_missing(struct lws *wsi);

/*
 * Writes bytes to a connection at once.  Returns how many were taken, which may be none: then the next bytes to be
 * written must begin with the rest.
 */
extern size_t tls_write(struct ssl_st *tls, const void *bytes, size_t length);

#endif /* HERALD_TLS_H */
