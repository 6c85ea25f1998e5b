/*
** Reading embeddings of a store as items (store/item.h), in the order of the feed or by hash.
**
** An embedding whose vector does not read back is no item: it is skipped and counted, so that
** damage in one store neither travels nor stops what is sound. ck_doctor names the row.
*/
#ifndef CK_STORE_ITEM_READER_H
#define CK_STORE_ITEM_READER_H

#include "store/item.h"

typedef struct CkItemReader {
    CkStore *store;
    CkSqlId sql;
    sqlite3_stmt *stmt; /* of the scan that was begun, or NULL */
    struct CkNamedModel *models; /* those met so far */
    int64_t n_damaged;
    int64_t n_stored; /* bytes of the item's vector, also when it is only listed */
} CkItemReader;

void ck_item_reader_init(CkItemReader *reader, CkStore *store);

/* Begins a scan of what has a seq above `after` (list: without the vectors), or of one: by its
** hash, by the id of its row, or of a tombstone. */
int ck_item_reader_list(CkItemReader *reader, int64_t after, CkError *err);
int ck_item_reader_after(CkItemReader *reader, int64_t after, CkError *err);
int ck_item_reader_of_hash(CkItemReader *reader, const uint8_t hash[CK_HASH_BYTES], CkError *err);
int ck_item_reader_of_id(CkItemReader *reader, int64_t id, CkError *err);
int ck_item_reader_tombstone(CkItemReader *reader, const uint8_t hash[CK_HASH_BYTES],
                             CkError *err);

/* SQLITE_ROW and an item, valid until the next call; SQLITE_DONE; or an error. */
int ck_item_reader_next(CkItemReader *reader, CkItem *item, CkError *err);

/* Ends the scan, if one is open; the next one may begin. */
void ck_item_reader_end(CkItemReader *reader);
void ck_item_reader_release(CkItemReader *reader);

#endif
