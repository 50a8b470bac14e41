/*-------------------------------------------------------------------------
 *
 * position_round.c
 *	  Notes which clients have been told a position lately.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/position_round.h"

static uint32_t present_round = POSITION_UNTOLD + 1;

uint32_t
position_round(void)
{
	return present_round;
}

uint32_t
position_round_of_arrival(bool returns)
{
	return returns ? POSITION_UNTOLD : present_round;
}

void
position_round_end(void)
{
	if (++present_round == POSITION_UNTOLD)
		present_round++;
}
