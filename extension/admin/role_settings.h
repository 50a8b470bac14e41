/*-------------------------------------------------------------------------
 *
 * role_settings.h
 *	  Applies the settings of a role to a function that runs as that role.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ROLE_SETTINGS_H
#define HERALD_ROLE_SETTINGS_H

#include "postgres.h"

/*
 * Sets the search path and the pinned settings (query.h) for the current nest of settings: to those of the role in
 * this database, else of the role, else of the database, else to the pinned values and to the path "$user", public.
 * Those of the session count for nothing, because its user chose them.  Temporary objects come last in the path, and
 * standard_conforming_strings is always on.  The server reports an invalid saved value as a warning, as at login.
 */
extern void role_settings_apply(Oid role);

#endif /* HERALD_ROLE_SETTINGS_H */
