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
} Packing;

static void packing_init(Packing *packing, CkStore *store, const CkPackLimits *limits,
                         CkBuf *out) {
    ck_item_reader_init(&packing->reader, store);
    ck_frame_writer_init(&packing->writer);
    packing->left = *limits;
    packing->out = out;
    packing->is_full = limits->items < 1;
}

static int packing_end(Packing *packing, CkError *err) {
    if (err->rc == SQLITE_OK) ck_frame_writer_end(&packing->writer, packing->out, err);
    ck_item_reader_release(&packing->reader);
    ck_frame_writer_release(&packing->writer);
    return err->rc;
}

/* Adds one item, if it still has room. */
static int add(Packing *packing, const CkItem *item, CkError *err) {
    int64_t n_bytes = CK_FRAME_ITEM_BYTES + item->n_bytes;
    int is_first = packing->out->n_bytes == 0 && packing->writer.n_items == 0;
    if (n_bytes > packing->left.bytes && !is_first) {
        packing->is_full = 1;
        return SQLITE_OK;
    }
    if (ck_frame_writer_add(&packing->writer, item, err) != SQLITE_OK) return err->rc;
    packing->left.bytes -= n_bytes;
    packing->is_full = --packing->left.items == 0;
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

int ck_pack_hashes(CkStore *store, const uint8_t *hashes, size_t n, const CkPackLimits *limits,
                   CkBuf *out, CkError *err) {
    Packing packing;
    packing_init(&packing, store, limits, out);
    for (size_t i = 0; i < n && err->rc == SQLITE_OK && !packing.is_full; i++) {
        if (ck_item_reader_of_hash(&packing.reader, hashes + i * CK_HASH_BYTES, err) ==
            SQLITE_OK) {
            add_scan(&packing, err);
        }
    }
    return packing_end(&packing, err);
}
