/*-------------------------------------------------------------------------
 *
 * newcomer.c
 *	  Lists the clients' sockets that have no request, of which one gives way when there is no room.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/newcomer.h"

#include <assert.h>
#include <stddef.h>
#include <utlist.h>

#include "base/metrics.h"

static Newcomer *newcomers; /* the one that has waited longest is the first */

void
newcomer_add(Newcomer *newcomer, NewcomerCut cut)
{
	assert(newcomer->cut == NULL && cut != NULL);
	newcomer->cut = cut;
	DL_APPEND(newcomers, newcomer);
}

void
newcomer_remove(Newcomer *newcomer)
{
	if (newcomer->cut == NULL)
		return;
	DL_DELETE(newcomers, newcomer);
	newcomer->cut = NULL;
}

bool
newcomer_cut(void)
{
	Newcomer *oldest = newcomers;
	NewcomerCut cut;

	if (oldest == NULL)
		return false;
	cut = oldest->cut;
	newcomer_remove(oldest);
	metrics.newcomers_cut++;
	cut(oldest);
	return true;
}
