/*
** How often the cache helped, per day and model.
**
** A hit is a look-up that found a stored embedding (ck_get, SELECT vector … WHERE hash, ck_missing,
** a put of what is there); a miss is an embedding that had to be made: a row that was inserted.
** Reads never write, so counts wait in memory and go into _ck_hits with a later write of the
** connection: the first one at once, then two, four, … and at last CK_HITS_BATCH of them, so that a
** process which ends loses half of its counts at most if it writes, and all if it only reads.
*/
#ifndef CK_STORE_HITS_H
#define CK_STORE_HITS_H

#include "store/conn.h"

/* The model of hits on hashes whose model was not looked at (ck_missing). */
#define CK_HITS_NO_MODEL 0

void ck_hits_count(CkStore *store, int64_t model, int64_t hits, int64_t misses);

#define CK_HITS_BATCH 256

/* Inside a write transaction: writes what waits, if it is enough. */
int ck_hits_flush(CkStore *store, CkError *err);

/* The same, however little it is: in transactions that are rare. */
int ck_hits_flush_all(CkStore *store, CkError *err);

#endif
