/*-------------------------------------------------------------------------
 *
 * fake_postgres.h
 *	  Stands for the server around a file of the extension that a harness includes: memory, texts, arrays and errors.
 *
 * Each piece of memory is one of malloc(), so that AddressSanitizer knows its end; fake_forget() frees all of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FAKE_POSTGRES_H
#define HERALD_FAKE_POSTGRES_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"

#undef vsnprintf
#undef qsort

#include <stdio.h>
#include <stdlib.h>

/* Functions of the server that no harness may call: it would end. */
#pragma weak errstart_cold
#pragma weak errcode
#pragma weak errmsg
#pragma weak errmsg_internal
#pragma weak errhint
#pragma weak errfinish
#pragma weak own_table_oid
#pragma weak table_open
#pragma weak table_close
#pragma weak GetActiveSnapshot
#pragma weak systable_beginscan
#pragma weak systable_getnext
#pragma weak systable_endscan
#pragma weak pg_snapshot_out
#pragma weak OidFunctionCall0Coll
#pragma weak ReadNextFullTransactionId
#pragma weak GetTopFullTransactionIdIfAny

/* A piece of memory; its contents follow. */
typedef struct FakePiece
{
	struct FakePiece *next;
	struct FakePiece *prev;
} FakePiece;

static FakePiece fake_pieces = { &fake_pieces, &fake_pieces };

void *
palloc(Size size)
{
	FakePiece *piece = malloc(sizeof(FakePiece) + size);

	*piece = (FakePiece){ fake_pieces.next, &fake_pieces };
	piece->next->prev = fake_pieces.next = piece;
	return piece + 1;
}

void
pfree(void *pointer)
{
	FakePiece *piece = (FakePiece *) pointer - 1;

	piece->next->prev = piece->prev;
	piece->prev->next = piece->next;
	free(piece);
}

void *
repalloc(void *pointer, Size size)
{
	FakePiece *piece = realloc((FakePiece *) pointer - 1, sizeof(FakePiece) + size);

	piece->next->prev = piece->prev->next = piece;
	return piece + 1;
}

static void
fake_forget(void)
{
	while (fake_pieces.next != &fake_pieces)
		pfree(fake_pieces.next + 1);
}

void
initStringInfo(StringInfo text)
{
	*text = (StringInfoData){ .data = palloc(1), .maxlen = 1 };
	text->data[0] = '\0';
}

static void
fake_append(StringInfo text, const char *more, int length)
{
	text->maxlen = text->len + length + 1;
	text->data = repalloc(text->data, (Size) text->maxlen);
	memcpy(text->data + text->len, more, (size_t) length);
	text->len += length;
	text->data[text->len] = '\0';
}

void
appendStringInfo(StringInfo text, const char *format, ...)
{
	char *more;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&more, format, arguments);
	va_end(arguments);
	fake_append(text, more, length);
	free(more);
}

void
appendStringInfoChar(StringInfo text, char character)
{
	fake_append(text, &character, 1);
}

char *
psprintf(const char *format, ...)
{
	char *text;
	char *copy;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	copy = palloc((Size) length + 1);
	memcpy(copy, text, (size_t) length + 1);
	free(text);
	return copy;
}

void
pg_qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	qsort(base, count, size, compare);
}

/* The array is that of its elements. */
ArrayType *
construct_array(Datum *elements, int count, Oid type, int length, bool by_value, char alignment)
{
	Datum *array = palloc(sizeof(Datum) * (Size) (count + 1));

	(void) type;
	(void) length;
	(void) by_value;
	(void) alignment;
	memcpy(array, elements, sizeof(Datum) * (size_t) count);
	return (ArrayType *) array;
}

#endif /* HERALD_FAKE_POSTGRES_H */
