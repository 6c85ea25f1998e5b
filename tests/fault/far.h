/*
** The other side of a sync, in the fault loop: the store far.db and the folder of packs packs/,
** both in the current folder. Scenarios with SCENARIO_FAR name them as remotes.
*/
#ifndef CK_TESTS_FAULT_FAR_H
#define CK_TESTS_FAULT_FAR_H

#include "session.h"

/* Removes both. */
void far_remove(void);

/* Reads the store's file, if there is one; writes it back, with an empty folder beside it. 0 on
   success. */
int far_save(Text *file);
int far_restore(const Text *file);

/* Adds to out what the store has, but for what is random; nothing when there is none. Returns a
   SQLite result code; *message is static. */
int far_dump(Text *out, const char **message);

#endif
