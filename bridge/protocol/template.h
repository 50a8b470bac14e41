/*-------------------------------------------------------------------------
 *
 * template.h
 *	  Fills JSON templates: JSON with placeholders in its strings.
 *
 * "{path}"			a string that is one placeholder becomes the value at the path, of any type
 * "user:{path}"	within a longer string a placeholder becomes the string, number or boolean at
 *					the path; if the value is missing or of another type, the whole string becomes null
 * "{path:number}"	a string of digits at the path becomes a number
 * "{path:upper}"	a string gets upper-case letters, by :lower lower-case ones (ASCII only)
 * "{path:json}"	a value becomes its JSON as a string
 * "{path:list}"	a value that is no list becomes a list of that value
 * "{path|path}"	the first path counts that has a value other than null
 * "{.}"			the source itself
 * {"{path}Id": …}	keys are templates, too; a member whose key becomes null is left out
 * {"...": "{path}"}	the members of an object at the path are added to those around; later ones take precedence
 *
 * A path is a list of member names and element indexes, separated by dots.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TEMPLATE_H
#define HERALD_TEMPLATE_H

#include <jansson.h>

/* Returns the first string with malformed braces, which belongs to the template.  NULL: the template is valid. */
extern const char *template_mistake(const json_t *template);

/* Returns a new reference to the filled template, which must be valid. */
extern json_t *template_fill(const json_t *template, json_t *source);

/* Returns the value at a path, or at the first of several; it belongs to the source.  NULL: there is none. */
extern json_t *template_look_up(const char *path, json_t *source);

#endif /* HERALD_TEMPLATE_H */
