/*-------------------------------------------------------------------------
 *
 * node_image.h
 *	  Writes expression trees as bytes, and reads them.
 *
 * The bytes have a meaning for processes of one server only.  stringToNode() takes twenty
 * times as long as the reader.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NODE_IMAGE_H
#define HERALD_NODE_IMAGE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/nodes.h"

/* Appends a tree, or a list of trees.  Returns false if it has a node of a kind that only nodeToString() knows. */
extern bool node_image_write(StringInfo image, const void *tree);

/* Reads a tree in the current memory context.  *at becomes the place behind it. */
extern void *node_image_read(const char **at);

#endif /* HERALD_NODE_IMAGE_H */
