/*-------------------------------------------------------------------------
 *
 * template.h
 *	  JSON with places that are filled from other JSON.
 *
 * A text of a template that is nothing but "{path}" stands for the value at that
 * path, of whatever type; within a longer text it stands for a text, number or
 * boolean.  A path is the names of members and numbers of elements, with dots
 * between them; "{.}" is the whole, and "{path|path}" the first that is there and
 * not null; "{path:number}" makes a number of a text of digits.  A text with a place that cannot be filled is null; everything else
 * is as it stands.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TEMPLATE_H
#define HERALD_TEMPLATE_H

#include <jansson.h>

/* The text in a template whose braces are wrong, or NULL; it belongs to the template. */
extern const char *template_mistake(const json_t *template);

/* A new reference to the filled template. */
extern json_t *template_fill(const json_t *template, json_t *source);

/* What is at a path, or the first of several; NULL: nothing.  It belongs to the source. */
extern json_t *template_look_up(const char *path, json_t *source);

#endif /* HERALD_TEMPLATE_H */
