/*
** The feed of a store: the latest change of each hash, by seq (ck_changes in sql/schema.sql).
**
** A seq is taken from the store's counter inside the write transaction, and SQLite has one writer
** at a time: so changes become visible in the order of their seqs, and a reader that has seen seq S
** will never find a new change at or below it. Gaps mean nothing: a change that was superseded
** leaves one, and so does an eviction.
*/
#ifndef CK_STORE_FEED_H
#define CK_STORE_FEED_H

#include "store/remote.h"

/* Connections whose first change is remembered, and told to others (_ck_writer). */
#define CK_FEED_WRITERS 1000

/* Takes the next seq, inside the write transaction. */
int ck_feed_take_seq(CkStore *store, int64_t *seq, CkError *err);

/* The first change after `after` that the remote has not answered, or 0. */
int ck_feed_next_unsettled(CkStore *store, const CkRemote *remote, int64_t after, int64_t *seq,
                           CkError *err);

/* Makes the embedding the latest change: it gets a new seq, and is sent again. */
int ck_feed_announce(CkStore *store, int64_t id, int64_t *seq, CkError *err);

/* What ck_gc does for sync: what expired goes (leases, tombstones, reports, outdated acks, old rows
** of ck_audit). */
int ck_feed_expire(CkStore *store, CkError *err);

#endif
