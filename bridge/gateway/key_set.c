/*-------------------------------------------------------------------------
 *
 * key_set.c
 *	  The keys that the bridge accepts, as its files hold them.
 *
 * A file holds one secret (jwt-secret-file), or public keys in PEM, or a JSON Web Key Set (jwt-key-file).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/key_set.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/memory.h"
#include "gateway/key.h"

/* The limits keep the price of one bad token low: a token without "kid" is tried with each key of its algorithm. */
#define MAX_KEYS 64
#define MAX_FILES 16
#define LARGEST_SECRET 4096
#define LARGEST_FILE 262144

#define HINT_SECRET \
	"The file holds the secret with which the application signs tokens, and the bridge's user can read it. A new secret: " \
	"openssl rand -hex 32"

#define HINT_KEYS \
	"The file holds public keys in PEM (openssl pkey -pubout), or a JSON Web Key Set, and the bridge's user can read it."

/* A file of keys, as it was when it was read. */
typedef struct KeyFile
{
	const char *setting; /* that names it */
	const char *hint;
	char *path;
	char *key_id; /* of its keys, unless they name theirs; or NULL */
	struct stat status;
	const char *stray_ending; /* what a secret's text ends with by mistake, or NULL */
	bool has_secret;
	int left_out; /* keys of a set that cannot be used */
} KeyFile;

struct KeySet
{
	Key keys[MAX_KEYS];
	int count;
	KeyFile files[MAX_FILES];
	int file_count;
};

static bool
complain(const KeyFile *file, const char *reason)
{
	fprintf(stderr, "herald-bridge: %s: %s: %s\n  %s\n", file->setting, file->path, reason, file->hint);
	return false;
}

/* Reads a file and its status; the caller frees the text, to which a NUL is added.  NULL after a message. */
static char *
read_file(KeyFile *file, size_t limit, size_t *length)
{
	FILE *stream = fopen(file->path, "rb");
	char *text = memory_new(limit + 1);
	bool good = stream != NULL;

	if (good)
	{
		*length = fread(text, 1, limit, stream);
		good = !ferror(stream) && fstat(fileno(stream), &file->status) == 0;
	}
	if (!good)
		complain(file, strerror(errno));
	else if (*length == limit)
		good = complain(file, "it is too large");
	if (stream != NULL)
		fclose(stream);
	if (good)
		return text;
	free(text);
	return NULL;
}

/* Returns the place for one more key; NULL, with *reason, if there is none. */
static Key *
next_key(KeySet *keys, const char **reason)
{
	*reason = "there are more than 64 keys";
	return keys->count < MAX_KEYS ? &keys->keys[keys->count] : NULL;
}

/* Takes the key at next_key(), with the "kid" of its file unless it has one. */
static void
add_key(KeySet *keys, KeyFile *file)
{
	Key *key = &keys->keys[keys->count++];

	if (key->id == NULL && file->key_id != NULL)
		key->id = memory_copy(file->key_id);
	file->has_secret |= key->secret;
}

/* Returns the name of the character at the secret's end that is there by mistake, or NULL. */
static const char *
find_stray_ending(char last)
{
	switch (last)
	{
		case '\r':
			return "a carriage return";
		case '\n':
			return "more than one line feed";
		case ' ':
		case '\t':
			return "blanks";
		default:
			return NULL;
	}
}

/* One line feed at the end of the secret does not count. */
static bool
use_secret(KeySet *keys, KeyFile *file, const Config *config, const char *text, size_t length)
{
	const char *reason;
	Key *key = next_key(keys, &reason);

	if (length > 0 && text[length - 1] == '\n')
		length--;
	if (strncmp(text, "-----BEGIN", 10) == 0)
		return complain(file, "it is a key in PEM, which belongs into jwt-key-file");
	if (key == NULL)
		return complain(file, reason);
	if (!key_from_secret(key, text, length, config->jwt_algorithm, &reason))
	{
		key_reset(key);
		return complain(file, reason);
	}
	file->stray_ending = find_stray_ending(text[length - 1]);
	add_key(keys, file);
	return true;
}

/* Takes the keys of a set.  A key that cannot be used is left out, as RFC 7517, 5 says. */
static bool
use_set(KeySet *keys, KeyFile *file, const Config *config, const json_t *set)
{
	const json_t *list = json_object_get(set, "keys");
	const char *reason = "it has no keys";
	int before = keys->count;
	size_t i;
	json_t *json;

	json_array_foreach(list, i, json)
	{
		Key *key = next_key(keys, &reason);

		if (key == NULL)
			return complain(file, reason);
		if (key_from_json(key, json, config->jwt_algorithm, &reason))
			add_key(keys, file);
		else
		{
			key_reset(key);
			file->left_out++;
		}
	}
	return keys->count > before || complain(file, reason);
}

/* Returns no passphrase, where OpenSSL would ask at the terminal. */
static int
no_passphrase(char *buffer, int size, int writes, void *context)
{
	(void) buffer;
	(void) size;
	(void) writes;
	(void) context;
	return -1;
}

/* Takes the public keys of a text in PEM. */
static bool
use_pem(KeySet *keys, KeyFile *file, const Config *config, const char *text, size_t length)
{
	BIO *source = BIO_new_mem_buf(text, (int) length);
	const char *reason = "it holds no public key";
	bool good = true;
	int before = keys->count;
	EVP_PKEY *material;

	while (good && (material = PEM_read_bio_PUBKEY(source, NULL, no_passphrase, NULL)) != NULL)
	{
		Key *key = next_key(keys, &reason);

		good = key != NULL && key_from_material(key, material, config->jwt_algorithm, &reason);
		if (good)
			add_key(keys, file);
		else if (key != NULL)
			key_reset(key);
		else
			EVP_PKEY_free(material);
	}
	BIO_free(source);
	ERR_clear_error();
	return (good && keys->count > before) || complain(file, reason);
}

static bool
use_keys(KeySet *keys, KeyFile *file, const Config *config, const char *text, size_t length)
{
	json_t *set;
	json_error_t error;
	bool good;

	if (text[strspn(text, " \t\r\n")] != '{')
		return use_pem(keys, file, config, text, length);
	set = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	good = set ? use_set(keys, file, config, set) : complain(file, error.text);
	json_decref(set);
	return good;
}

/* Overwrites the text before it is freed: it may be a secret. */
static void
forget(char *text, size_t length)
{
	OPENSSL_cleanse(text, length);
	free(text);
}

/* Splits "KID=FILE" or "FILE". */
static void
split_entry(KeyFile *file, const char *entry, size_t length)
{
	const char *sign = memchr(entry, '=', length);
	const char *slash = memchr(entry, '/', length);

	if (sign != NULL && (slash == NULL || sign < slash))
	{
		file->key_id = memory_copy_bytes(entry, (size_t) (sign - entry));
		length -= (size_t) (sign + 1 - entry);
		entry = sign + 1;
	}
	file->path = memory_copy_bytes(entry, length);
}

typedef bool (*UseText)(KeySet *keys, KeyFile *file, const Config *config, const char *text, size_t length);

/* Reads the files of a setting, a list that is separated by blanks. */
static bool
read_files(KeySet *keys, const Config *config, const char *setting, const char *list, size_t limit, UseText use)
{
	for (size_t length; *list != '\0'; list += length + strspn(list + length, " "))
	{
		KeyFile *file = &keys->files[keys->file_count];
		char *text;
		size_t size = 0;
		bool good;

		length = strcspn(list, " ");
		if (keys->file_count == MAX_FILES)
		{
			fprintf(stderr, "herald-bridge: %s: there are more than %d files of keys\n", setting, MAX_FILES);
			return false;
		}
		keys->file_count++;
		file->setting = setting;
		file->hint = use == use_secret ? HINT_SECRET : HINT_KEYS;
		split_entry(file, list, length);
		text = read_file(file, limit, &size);
		good = text != NULL && use(keys, file, config, text, size);
		if (text != NULL)
			forget(text, size);
		if (!good)
			return false;
	}
	return true;
}

KeySet *
key_set_read(const Config *config)
{
	KeySet *keys = memory_new(sizeof(KeySet));
	bool good = key_algorithms_are_known(config->jwt_algorithm);

	if (!good)
		fprintf(stderr, "herald-bridge: jwt-algorithm: \"%s\" is none of " KEY_ALGORITHMS "\n", config->jwt_algorithm);
	good = good && read_files(keys, config, "jwt-secret-file", config->jwt_secret_file, LARGEST_SECRET, use_secret) &&
		   read_files(keys, config, "jwt-key-file", config->jwt_key_file, LARGEST_FILE, use_keys);
	if (good && keys->count == 0 && config->session_cookie[0] == '\0')
		good = fputs("herald-bridge: jwt-secret-file or jwt-key-file is not set: without a key no token can be checked\n  " HINT_SECRET "\n", stderr) < 0;
	if (good)
		return keys;
	key_set_free(keys);
	return NULL;
}

void
key_set_log(const KeySet *keys)
{
	for (int i = 0; i < keys->file_count; i++)
	{
		const KeyFile *file = &keys->files[i];
		char *left_out = memory_format("%d", file->left_out);

		if (file->stray_ending != NULL)
			log_warning("secret_has_stray_ending", "file", file->path, "ending", file->stray_ending, "hint",
						"The ending counts as part of the secret. Write the file without it, unless the signer uses it, too.");
		if (file->has_secret && (file->status.st_mode & S_IRWXO) != 0)
			log_warning("secret_is_not_private", "file", file->path, "hint",
						"Every user of this machine may open the file. Run: chmod o= FILE");
		if (file->left_out > 0)
			log_info("keys_left_out", "file", file->path, "number", left_out, "hint",
					 "Keys of other types and uses, and of algorithms that are not permitted, verify no token.");
		free(left_out);
	}
}

bool
key_set_is_empty(const KeySet *keys)
{
	return keys->count == 0;
}

static bool
is_same_file(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino && one->st_size == other->st_size &&
		   one->st_mtim.tv_sec == other->st_mtim.tv_sec && one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

bool
key_set_has_changed(KeySet *keys)
{
	bool changed = false;

	for (int i = 0; i < keys->file_count; i++)
	{
		struct stat *known = &keys->files[i].status;
		struct stat status;

		/* A file that is gone for a moment has not changed yet; to open a named pipe would wait for its writer. */
		if (stat(keys->files[i].path, &status) != 0 || !S_ISREG(status.st_mode) || is_same_file(&status, known))
			continue;
		*known = status;
		changed = true;
	}
	return changed;
}

KeyMatch
key_set_verify(const KeySet *keys, const Token *token)
{
	KeyMatch match = KEY_OF_OTHER_ALGORITHM;

	for (int i = 0; i < keys->count && match != KEY_MATCHES; i++)
	{
		const Key *key = &keys->keys[i];

		if (key_suits(key, token))
			match = key_verifies(key, token) ? KEY_MATCHES : KEY_DOES_NOT_MATCH;
		else if (match == KEY_OF_OTHER_ALGORITHM && key_has_algorithm(key, token))
			match = KEY_UNKNOWN;
	}
	return match;
}

void
key_set_free(KeySet *keys)
{
	if (keys == NULL)
		return;
	for (int i = 0; i < keys->count; i++)
		key_reset(&keys->keys[i]);
	for (int i = 0; i < keys->file_count; i++)
	{
		free(keys->files[i].path);
		free(keys->files[i].key_id);
	}
	free(keys);
}
