/* Packs: see pack.h. */
#include "store/pack.h"

#include "store/frame.h"
#include "store/item_reader.h"

/* What is being packed, and the room that is left. */
typedef struct Packing {
    CkItemReader reader;
    CkFrameWriter writer;
    CkPackLimits left;
    CkBuf *out;
    int is_full;
    int was_left_out; /* the item that did not fit */
    int64_t last;     /* seq of the last item */
} Packing;

static void packing_init(Packing *packing, CkStore *store, const CkPackLimits *limits,
                         CkBuf *out) {
    ck_item_reader_init(&packing->reader, store);
    ck_frame_writer_init(&packing->writer);
    packing->writer.plain = limits->plain;
    packing->left = *limits;
    packing->out = out;
    packing->is_full = limits->items < 1;
    packing->was_left_out = 0;
    packing->last = 0;
}

static int packing_end(Packing *packing, CkError *err) {
    if (err->rc == SQLITE_OK) ck_frame_writer_end(&packing->writer, packing->out, err);
    ck_item_reader_release(&packing->reader);
    ck_frame_writer_release(&packing->writer);
    return err->rc;
}

/* Adds one item, if it still has room. */
static int add(Packing *packing, const CkItem *item, CkError *err) {
    int64_t n_bytes = CK_FRAME_ITEM_BYTES + packing->reader.n_stored;
    int is_first = packing->out->n_bytes == 0 && packing->writer.n_items == 0;
    if (n_bytes > packing->left.bytes && !is_first) {
        packing->is_full = packing->was_left_out = 1;
        return SQLITE_OK;
    }
    if (ck_frame_writer_add(&packing->writer, item, err) != SQLITE_OK) return err->rc;
    packing->left.bytes -= n_bytes;
    packing->is_full = --packing->left.items == 0;
    packing->last = item->seq;
    if (ck_frame_writer_is_full(&packing->writer)) {
        ck_frame_writer_end(&packing->writer, packing->out, err);
    }
    return err->rc;
}

static int add_scan(Packing *packing, CkError *err) {
    CkItem item;
    while (err->rc == SQLITE_OK && !packing->is_full &&
           ck_item_reader_next(&packing->reader, &item, err) == SQLITE_ROW) {
        add(packing, &item, err);
    }
    ck_item_reader_end(&packing->reader);
    return err->rc;
}

int ck_pack_after(CkStore *store, int64_t after, const CkPackLimits *limits, CkBuf *out,
                  CkError *err) {
    Packing packing;
    packing_init(&packing, store, limits, out);
    if (ck_item_reader_after(&packing.reader, after, err) == SQLITE_OK) add_scan(&packing, err);
    return packing_end(&packing, err);
}

int ck_pack_hashes(CkStore *store, CkPackHashes *what, const CkPackLimits *limits, CkBuf *out,
                   CkError *err) {
    Packing packing;
    packing_init(&packing, store, limits, out);
    what->n_done = 0;
    while (what->n_done < what->n && !packing.is_full && err->rc == SQLITE_OK) {
        const uint8_t *hash = what->hashes + what->n_done * CK_HASH_BYTES;
        if (ck_item_reader_of_hash(&packing.reader, hash, err) == SQLITE_OK) {
            add_scan(&packing, err);
        }
        if (!packing.was_left_out) what->n_done++;
    }
    return packing_end(&packing, err);
}

int ck_pack_list(CkStore *store, CkPackList *what, const CkPackLimits *limits, CkBuf *out,
                 CkError *err) {
    Packing packing;
    packing_init(&packing, store, limits, out);
    packing.last = what->after;
    if (what->whole) ck_item_reader_after(&packing.reader, what->after, err);
    else ck_item_reader_list(&packing.reader, what->after, err);
    if (err->rc == SQLITE_OK) add_scan(&packing, err);
    what->last = packing.last;
    what->is_end = !packing.is_full;
    return packing_end(&packing, err);
}
