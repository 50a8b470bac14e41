/*-------------------------------------------------------------------------
 *
 * inbox.c
 *	  Writes notifications into the inbox, and their events.
 *
 * The inbox holds each recipient and cause of an owner once.  A candidate with the cause of a retracted notification
 * restores it: with its id, read or archived as it was, and with the type and texts of the candidate.  It is not
 * announced as new.  The existing notification is locked before anything looks whether it was retracted: another
 * transaction may be retracting it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "own_table.h"
#include "query.h"
#include "write/event_log.h"
#include "write/inbox.h"
#include "write/notification_row.h"

/* The most that the keys of a notification take. An entry of an index has at most 2704 bytes. */
#define LONGEST_KEYS 2600

/* The columns of a notification to restore: those that find it, and those that its candidate gives. */
enum
{
	RESTORED_RECIPIENT_ID,
	RESTORED_ID,
	RESTORED_ACTOR_ID,
	RESTORED_ACTOR_NAME,
	RESTORED_TYPE,
	RESTORED_SUBJECT_TYPE,
	RESTORED_SUBJECT_ID,
	RESTORED_TITLE,
	RESTORED_CONTENT,
	RESTORED_DATA,
	RESTORED_COLUMNS
};

/* Restores retracted notifications with the columns of their candidates, and returns their user events. */
static SavedQuery restore_retracted = {
	.name = "the update of the inbox",
	.text = "WITH restored AS ("
			" UPDATE herald.notification AS n SET retracted_at = NULL, actor_id = r.actor_id, actor_name = r.actor_name,"
			" type = r.type, subject_type = r.subject_type, subject_id = r.subject_id, title = r.title,"
			" content = r.content, data = r.data"
			" FROM herald_restored AS r WHERE n.recipient_id = r.recipient_id AND n.id = r.id RETURNING n)"
			" SELECT (r.n).recipient_id, CASE WHEN (r.n).archived_at IS NULL THEN 'notification:restored' END,"
			" herald_body.notification_json(r.n, m), NULL::bigint"
			" FROM restored AS r LEFT JOIN herald.read_mark AS m ON m.user_id = (r.n).recipient_id ORDER BY (r.n).id",
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

char *
candidate_text(TupleTableSlot *candidate, int column)
{
	Assert(column < candidate->tts_nvalid);
	return candidate->tts_isnull[column] ? NULL : TextDatumGetCString(candidate->tts_values[column]);
}

static TupleDesc
restored_shape(void)
{
	static const QueryColumn columns[RESTORED_COLUMNS] = {
		[RESTORED_RECIPIENT_ID] = { "recipient_id", TEXTOID },
		[RESTORED_ID] = { "id", INT8OID },
		[RESTORED_ACTOR_ID] = { "actor_id", TEXTOID },
		[RESTORED_ACTOR_NAME] = { "actor_name", TEXTOID },
		[RESTORED_TYPE] = { "type", TEXTOID },
		[RESTORED_SUBJECT_TYPE] = { "subject_type", TEXTOID },
		[RESTORED_SUBJECT_ID] = { "subject_id", TEXTOID },
		[RESTORED_TITLE] = { "title", TEXTOID },
		[RESTORED_CONTENT] = { "content", TEXTOID },
		[RESTORED_DATA] = { "data", JSONBOID },
	};
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

static void
set_column(TupleTableSlot *row, NotificationColumn column, Datum value)
{
	row->tts_values[column - 1] = value;
	row->tts_isnull[column - 1] = false;
}

static void
set_text(TupleTableSlot *row, NotificationColumn column, const char *text)
{
	if (text != NULL)
		set_column(row, column, CStringGetTextDatum(text));
}

/* Fills in the texts of a notification: those of the candidate, or else the templates of its type. */
static void
set_texts(TupleTableSlot *row, TupleTableSlot *candidate, const NotificationType *type)
{
	char *actor = candidate_text(candidate, CANDIDATE_ACTOR_NAME);
	char *subject = candidate_text(candidate, CANDIDATE_SUBJECT_TYPE);
	char *content = candidate_text(candidate, CANDIDATE_CONTENT);
	char *title = candidate_text(candidate, CANDIDATE_TITLE);

	if (title == NULL)
		title = notification_type_render(type->title, actor, subject, content);
	set_text(row, NOTIFICATION_TITLE, title != NULL ? title : candidate_text(candidate, CANDIDATE_TYPE));
	set_text(row, NOTIFICATION_CONTENT,
			 content != NULL ? content : notification_type_render(type->content, actor, subject, NULL));
}

/* Sets the cause as the inbox keeps it. */
static void
set_cause(TupleTableSlot *row, TupleTableSlot *candidate)
{
	if (!candidate->tts_isnull[CANDIDATE_CAUSE])
		set_column(row, NOTIFICATION_CAUSE, notification_row_cause(candidate->tts_values[CANDIDATE_CAUSE]));
}

/* Returns an empty object, which lives as long as the backend. */
static Datum
empty_data(void)
{
	static Datum empty = 0;
	MemoryContext caller;

	if (empty == 0)
	{
		caller = MemoryContextSwitchTo(TopMemoryContext);
		empty = DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
		MemoryContextSwitchTo(caller);
	}
	return empty;
}

static void
fill_row(TupleTableSlot *row, TupleTableSlot *candidate, const NotificationType *type)
{
	static const NotificationColumn columns[CANDIDATE_COLUMNS] = {
		[CANDIDATE_RECIPIENT_ID] = NOTIFICATION_RECIPIENT_ID,
		[CANDIDATE_ACTOR_ID] = NOTIFICATION_ACTOR_ID,
		[CANDIDATE_ACTOR_NAME] = NOTIFICATION_ACTOR_NAME,
		[CANDIDATE_TYPE] = NOTIFICATION_TYPE,
		[CANDIDATE_SUBJECT_TYPE] = NOTIFICATION_SUBJECT_TYPE,
		[CANDIDATE_SUBJECT_ID] = NOTIFICATION_SUBJECT_ID,
		[CANDIDATE_DATA] = NOTIFICATION_DATA,
	};

	for (int i = 0; i < CANDIDATE_COLUMNS; i++)
	{
		if (columns[i] != 0 && !candidate->tts_isnull[i])
			set_column(row, columns[i], candidate->tts_values[i]);
	}
	if (candidate->tts_isnull[CANDIDATE_DATA])
		set_column(row, NOTIFICATION_DATA, empty_data());
	set_texts(row, candidate, type);
	set_cause(row, candidate);
	set_column(row, NOTIFICATION_CREATED_AT, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
}

static void
announce(InboxInsert *insert, TupleTableSlot *row)
{
	Datum values[ANNOUNCED_COLUMNS];
	bool nulls[ANNOUNCED_COLUMNS];

	values[ANNOUNCED_RECIPIENT_ID] = slot_getattr(row, NOTIFICATION_RECIPIENT_ID, &nulls[ANNOUNCED_RECIPIENT_ID]);
	values[ANNOUNCED_ID] = slot_getattr(row, NOTIFICATION_ID, &nulls[ANNOUNCED_ID]);
	tuplestore_putvalues(insert->announced, event_log_announced_shape(), values, nulls);
}

/* Remembers the notification that is there already for the cause of the row, if it was retracted. */
static void
note_existing(InboxInsert *insert, TupleTableSlot *row)
{
	static const NotificationColumn columns[RESTORED_COLUMNS] = {
		[RESTORED_RECIPIENT_ID] = NOTIFICATION_RECIPIENT_ID,
		[RESTORED_ID] = NOTIFICATION_ID,
		[RESTORED_ACTOR_ID] = NOTIFICATION_ACTOR_ID,
		[RESTORED_ACTOR_NAME] = NOTIFICATION_ACTOR_NAME,
		[RESTORED_TYPE] = NOTIFICATION_TYPE,
		[RESTORED_SUBJECT_TYPE] = NOTIFICATION_SUBJECT_TYPE,
		[RESTORED_SUBJECT_ID] = NOTIFICATION_SUBJECT_ID,
		[RESTORED_TITLE] = NOTIFICATION_TITLE,
		[RESTORED_CONTENT] = NOTIFICATION_CONTENT,
		[RESTORED_DATA] = NOTIFICATION_DATA,
	};
	TupleTableSlot *existing = insert->rows.existing;
	Datum values[RESTORED_COLUMNS];
	bool nulls[RESTORED_COLUMNS];

	if (TTS_EMPTY(existing) || slot_attisnull(existing, NOTIFICATION_RETRACTED_AT))
		return;
	for (int i = 0; i < RESTORED_COLUMNS; i++)
		values[i] = slot_getattr(i == RESTORED_ID ? existing : row, columns[i], &nulls[i]);
	tuplestore_putvalues(insert->restored, restored_shape(), values, nulls);
}

/* Returns whether the keys of a notification fit into its indexes, and warns if not: the application's write passes. */
static bool
check_keys(TupleTableSlot *row)
{
	static const NotificationColumn keys[] = { NOTIFICATION_RECIPIENT_ID, NOTIFICATION_CAUSE, NOTIFICATION_OWNER };
	Size bytes = 0;

	for (int i = 0; i < lengthof(keys); i++)
	{
		if (!row->tts_isnull[keys[i] - 1])
			bytes += toast_raw_datum_size(row->tts_values[keys[i] - 1]) - VARHDRSZ;
	}
	if (bytes <= LONGEST_KEYS)
		return true;
	ereport(WARNING, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					  errmsg("a notification was not made: its recipient, cause and owner take more than %d bytes", LONGEST_KEYS)));
	return false;
}

void
inbox_insert_row(InboxInsert *insert, TupleTableSlot *candidate, const NotificationType *type, bool live)
{
	TupleTableSlot *row = own_insert_next(&insert->rows);
	FullTransactionId xid = GetTopFullTransactionId(); /* before the id is drawn: herald.mark_all_read() relies on it */
	int64 id = nextval_internal(insert->ids, false);

	fill_row(row, candidate, type);
	set_column(row, NOTIFICATION_ID, Int64GetDatum(id));
	set_column(row, NOTIFICATION_XID, FullTransactionIdGetDatum(xid));
	set_text(row, NOTIFICATION_OWNER, insert->owner);
	if (!check_keys(row))
		return;
	if (!own_insert_row(&insert->rows))
	{
		note_existing(insert, row);
		return;
	}
	insert->sum += id;
	if (live)
		announce(insert, row);
}

InboxInsert
inbox_insert_begin(Oid owner, Tuplestorestate *announced)
{
	InboxInsert insert;

	Assert(GetUserId() == query_extension_owner());
	insert.rows = own_insert_begin(own_table_oid("herald", "notification"),
								   own_table_oid("herald", "notification_cause_recipient_id_owner_key"));
	insert.ids = own_table_oid("herald", "notification_id_seq");
	insert.owner = GetUserNameFromId(owner, false);
	insert.announced = announced;
	insert.restored = tuplestore_begin_heap(false, false, work_mem);
	insert.sum = 0;
	Assert(RelationGetDescr(insert.rows.relation)->natts >= NOTIFICATION_COLUMNS);
	return insert;
}

/* Restores the retracted notifications that come back, and adds their events. */
static void
restore(InboxInsert *insert, Tuplestorestate *published)
{
	int64 rows = tuplestore_tuple_count(insert->restored);
	Tuplestorestate *user_events;

	if (rows == 0)
		return;
	user_events = tuplestore_begin_heap(false, false, work_mem);
	query_offer("herald_restored", insert->restored, restored_shape(), InvalidOid);
	query_run_into(&restore_retracted, rows, NULL, user_events, event_log_user_event_shape());
	event_log_publish_to_users(user_events, published);
	tuplestore_end(user_events);
}

int64
inbox_insert_end(InboxInsert *insert, Tuplestorestate *published)
{
	own_insert_end(&insert->rows);
	restore(insert, published);
	tuplestore_end(insert->restored);
	return insert->sum;
}
