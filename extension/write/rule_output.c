/*-------------------------------------------------------------------------
 *
 * rule_output.c
 *	  Holds the rows that the rules of a statement return.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "miscadmin.h"

#include "write/event_log.h"
#include "write/notification.h"
#include "write/retraction.h"
#include "write/rule_output.h"
#include "write/schedule.h"

static void
end_store(Tuplestorestate *store)
{
	if (store != NULL)
		tuplestore_end(store);
}

void
rule_output_end(RuleOutput *output)
{
	end_store(output->candidates);
	end_store(output->published);
	end_store(output->unchecked);
	end_store(output->to_lock);
	end_store(output->retracted);
	end_store(output->scheduled);
}

Tuplestorestate *
rule_output_store(Tuplestorestate **store)
{
	if (*store == NULL)
		*store = tuplestore_begin_heap(false, false, work_mem);
	return *store;
}

void
rule_output_begin(RuleOutput *output, const Rule *rule)
{
	Tuplestorestate **stores[RULE_QUERIES] = {
		[RULE_NOTIFY] = &output->candidates,
		[RULE_PUBLISH] = &output->unchecked,
		[RULE_LOCK] = &output->to_lock,
		[RULE_RETRACT] = &output->retracted,
		[RULE_SCHEDULE] = &output->scheduled,
	};

	for (int query = 0; query < RULE_QUERIES; query++)
	{
		if (rule->queries[query].text != NULL)
			(void) rule_output_store(stores[query]);
	}
	if (rule->queries[RULE_PUBLISH].text != NULL)
		(void) rule_output_store(&output->published);
}

/* Adds the rows of a store to another one.  Exchanges the two if the other one is empty. */
static void
move_rows(Tuplestorestate **from, Tuplestorestate **to, TupleDesc shape)
{
	Tuplestorestate *empty = *to;
	TupleTableSlot *slot;

	if (*from == NULL || tuplestore_tuple_count(*from) == 0)
		return;
	if (empty == NULL || tuplestore_tuple_count(empty) == 0)
	{
		*to = *from;
		*from = empty;
		return;
	}
	slot = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(*from, true, false, slot))
		tuplestore_puttupleslot(*to, slot);
	ExecDropSingleTupleTableSlot(slot);
}

void
rule_output_move(RuleOutput *from, RuleOutput *to)
{
	move_rows(&from->candidates, &to->candidates, notification_shape());
	move_rows(&from->published, &to->published, event_log_shape());
	move_rows(&from->to_lock, &to->to_lock, retraction_shape());
	move_rows(&from->retracted, &to->retracted, retraction_shape());
	move_rows(&from->scheduled, &to->scheduled, schedule_shape());
}
