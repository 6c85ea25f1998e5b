/*
** The outbox: what is to be sent to a remote, in batches.
**
** First come changes that were never sent, in the order of seq; when there are none, those that
** failed and are due again. An item that failed CK_OUTBOX_ALONE times goes alone, so that an item
** that makes a whole message fail is found and does not keep the others back.
*/
#ifndef CK_STORE_OUTBOX_H
#define CK_STORE_OUTBOX_H

#include "store/remote.h"

/* From so many failures on an item travels alone. */
#define CK_OUTBOX_ALONE 2

typedef struct CkOutboxItem {
    int64_t seq;
    int64_t id;    /* of the embedding; 0 for a tombstone */
    int64_t bytes; /* stored */
    uint8_t hash[CK_HASH_BYTES];
} CkOutboxItem;

/*
** Appends the next batch to `items` (CkOutboxItem each): at most remote->batch_items, and at most
** batch_bytes but for the first. Nothing appended: nothing is due. Reads only.
*/
int ck_outbox_take(CkStore *store, const CkRemote *remote, CkBuf *items, CkError *err);

#endif
