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
#include "utils/memutils.h"

#include "write/event_log.h"
#include "write/inbox.h"
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
	end_store(output->pairs);
	end_store(output->published);
	end_store(output->unchecked);
	end_store(output->to_lock);
	end_store(output->retracted);
	end_store(output->due);
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
		[RULE_SCHEDULE] = &output->due,
	};

	for (int query = 0; query < RULE_QUERIES; query++)
	{
		if (rule->queries[query].text != NULL)
			(void) rule_output_store(stores[query]);
	}
	if (rule->with_event)
	{
		(void) rule_output_store(&output->pairs);
		(void) rule_output_store(&output->unchecked);
	}
	if (output->unchecked != NULL)
		(void) rule_output_store(&output->published);
	if (output->due != NULL)
		(void) rule_output_store(&output->scheduled);
}

TupleDesc
rule_output_pair_shape(void)
{
	static TupleDesc shape = NULL;

	if (shape == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
		TupleDesc pair = CreateTemplateTupleDesc(CANDIDATE_COLUMNS + PUBLISHED_COLUMNS);

		for (int i = 1; i <= CANDIDATE_COLUMNS; i++)
			TupleDescCopyEntry(pair, (AttrNumber) i, notification_shape(), (AttrNumber) i);
		for (int i = 1; i <= PUBLISHED_COLUMNS; i++)
			TupleDescCopyEntry(pair, (AttrNumber) (CANDIDATE_COLUMNS + i), event_log_shape(), (AttrNumber) i);
		MemoryContextSwitchTo(caller);
		shape = pair;
	}
	return shape;
}

void
rule_output_split_pairs(RuleOutput *output)
{
	TupleTableSlot *pair = MakeSingleTupleTableSlot(rule_output_pair_shape(), &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(output->pairs, true, false, pair))
	{
		slot_getallattrs(pair);
		if (!pair->tts_isnull[CANDIDATE_RECIPIENT_ID])
			tuplestore_putvalues(output->candidates, notification_shape(), pair->tts_values, pair->tts_isnull);
		tuplestore_putvalues(output->unchecked, event_log_shape(), pair->tts_values + CANDIDATE_COLUMNS,
							 pair->tts_isnull + CANDIDATE_COLUMNS);
	}
	ExecDropSingleTupleTableSlot(pair);
	tuplestore_clear(output->pairs);
}

/* Adds the rows of a store to another one.  Exchanges the two if the other one is empty. */
static void
move_rows(Tuplestorestate **from, Tuplestorestate **to, TupleDesc (*shape)(void))
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
	slot = MakeSingleTupleTableSlot(shape(), &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(*from, true, false, slot))
		tuplestore_puttupleslot(*to, slot);
	ExecDropSingleTupleTableSlot(slot);
}

void
rule_output_move(RuleOutput *from, RuleOutput *to)
{
	move_rows(&from->candidates, &to->candidates, notification_shape);
	move_rows(&from->published, &to->published, event_log_shape);
	move_rows(&from->to_lock, &to->to_lock, retraction_shape);
	move_rows(&from->retracted, &to->retracted, retraction_shape);
	move_rows(&from->scheduled, &to->scheduled, schedule_record_shape);
}
