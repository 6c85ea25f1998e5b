/*
** Peers: the stores that sync with this one, as this one knows them.
**
** A heartbeat says that a peer is alive; with it goes the mark, a random word that the peer leaves
** after it changed something here and remembers. A peer that finds another mark than its own knows
** that this store was restored from a backup.
**
** A report says which hashes the peer's workspaces refer to: sorted, in parts, each of which says
** of a range of hashes that it is exactly those, so that a report of any size comes in messages of
** any size, and every prefix of it can stand. It counts for CK_REPORT_TTL_S after the peer's last
** heartbeat. What is in a report that counts is not retired here.
*/
#ifndef CK_STORE_PEER_H
#define CK_STORE_PEER_H

#include "store/store.h"

#define CK_REPORT_TTL_S (90 * 86400)

/* Registers the peer, or says that it was seen now. mark NULL: the mark stays. user may be NULL. */
int ck_peer_heartbeat(CkStore *store, const char *peer, const char *user, const char *mark,
                      CkError *err);

/*
** One part of a report: of the hashes after `after` (NULL: from the first) up to and with `through`
** (NULL: to the last), the peer refers to exactly these n, which are in ascending order. A part to
** the last one completes the report. Inside a write transaction.
*/
typedef struct CkReportPart {
    const char *peer;
    const uint8_t *after, *through;
    const uint8_t *hashes;
    size_t n;
} CkReportPart;
int ck_peer_report(CkStore *store, const CkReportPart *part, int64_t *n_changed, CkError *err);

/* Forgets the reports that count no more. */
int ck_peer_expire(CkStore *store, CkError *err);

#endif
