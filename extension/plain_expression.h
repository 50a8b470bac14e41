/*-------------------------------------------------------------------------
 *
 * plain_expression.h
 *	  Decides whether an expression runs no SQL of the application, and depends on
 *	  no setting beside the pinned ones.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PLAIN_EXPRESSION_H
#define HERALD_PLAIN_EXPRESSION_H

#include "postgres.h"

#include "nodes/nodes.h"

/*
 * Returns whether an expression, or a list of them, as the planner prepares it, is plain: it runs no SQL of the
 * application, changes no setting, and has the same value with any search path.
 */
extern bool expression_is_plain(Node *expression);

/* Returns whether an operator class or family comes with the server. */
extern bool operators_are_plain(Oid class_or_family);

#endif /* HERALD_PLAIN_EXPRESSION_H */
