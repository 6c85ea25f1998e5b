/* Frames, writing: see frame.h. */
#include <string.h>

#include "base/coding.h"
#include "base/zstd_memory.h"
#include "store/frame.h"
#include "vector/kernels.h"

/* The fastest level whose entropy coder is on; vectors of float32 gain hardly more at others. */
#define FRAME_ZSTD_LEVEL 1

/* Compression must save this part of the body, or the body travels as it is. */
#define FRAME_WORTH 16

void ck_frame_writer_init(CkFrameWriter *writer) {
    memset(writer, 0, sizeof *writer);
}

void ck_frame_writer_release(CkFrameWriter *writer) {
    CkBuf *bufs[] = {&writer->models, &writer->origins, &writer->items,
                     &writer->vectors, &writer->body, &writer->packed};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) ck_buf_release(bufs[i]);
    ZSTD_freeCCtx(writer->zstd);
    ck_frame_writer_init(writer);
}

size_t ck_frame_writer_bytes(const CkFrameWriter *writer) {
    if (writer->n_items == 0) return 0;
    return CK_FRAME_HEAD_BYTES + writer->models.n_bytes + writer->origins.n_bytes +
           writer->items.n_bytes + writer->vectors.n_bytes;
}

int ck_frame_writer_is_full(const CkFrameWriter *writer) {
    return ck_frame_writer_bytes(writer) >= CK_FRAME_FULL_BYTES ||
           writer->n_models == CK_FRAME_MODELS_MAX || writer->n_origins == CK_FRAME_ORIGINS_MAX ||
           writer->n_items == CK_FRAME_ITEMS_MAX;
}

#define MODEL_HEAD_BYTES 12
#define ORIGIN_HEAD_BYTES 2

/*
** Which of the entries is this one, else it is appended; entries begin with head_bytes, and the
** lengths of their texts are the n_lengths last u16 of the head. The last entry found is tried
** first.
*/
typedef struct Table {
    CkBuf *entries;
    uint32_t *n;
    size_t head_bytes;
    int n_lengths;
} Table;

static size_t entry_bytes(const Table *table, const uint8_t *entry) {
    size_t n = table->head_bytes;
    for (int i = 1; i <= table->n_lengths; i++) {
        n += ck_load_u16(entry + table->head_bytes - 2 * (size_t)i);
    }
    return n;
}

/* The entry to look for is at the end of the buffer already, from `begin` on. Its number. */
static uint32_t find_or_keep(const Table *table, size_t begin) {
    CkBuf *entries = table->entries;
    size_t n = entries->n_bytes - begin, at = 0;
    for (uint32_t i = 0; i < *table->n; i++) {
        size_t n_entry = entry_bytes(table, entries->data + at);
        if (n_entry == n && memcmp(entries->data + at, entries->data + begin, n) == 0) {
            entries->n_bytes = begin;
            return i;
        }
        at += n_entry;
    }
    return (*table->n)++;
}

static uint32_t model_of(CkFrameWriter *writer, const CkItemModel *model) {
    Table table = {&writer->models, &writer->n_models, MODEL_HEAD_BYTES, 2};
    size_t n_name = strlen(model->name), n_version = strlen(model->version);
    size_t begin = writer->models.n_bytes;
    uint8_t *entry = ck_buf_extend(&writer->models, MODEL_HEAD_BYTES + n_name + n_version);
    if (!entry) return 0;
    ck_store_u32(entry, model->dims);
    entry[4] = (uint8_t)model->metric;
    entry[5] = (uint8_t)model->encoding;
    entry[6] = model->normalized != 0;
    entry[7] = 0;
    ck_store_u16(entry + 8, (uint16_t)n_name);
    ck_store_u16(entry + 10, (uint16_t)n_version);
    memcpy(entry + MODEL_HEAD_BYTES, model->name, n_name);
    memcpy(entry + MODEL_HEAD_BYTES + n_name, model->version, n_version);
    return find_or_keep(&table, begin);
}

/* The number of the origin, counted from 1; 0 without one. */
static uint32_t origin_of(CkFrameWriter *writer, const char *origin) {
    Table table = {&writer->origins, &writer->n_origins, ORIGIN_HEAD_BYTES, 1};
    size_t n = origin ? strlen(origin) : 0, begin = writer->origins.n_bytes;
    if (n == 0 || n > CK_ORIGIN_MAX) return 0;
    uint8_t *entry = ck_buf_extend(&writer->origins, ORIGIN_HEAD_BYTES + n);
    if (!entry) return 0;
    ck_store_u16(entry, (uint16_t)n);
    memcpy(entry + ORIGIN_HEAD_BYTES, origin, n);
    return find_or_keep(&table, begin) + 1;
}

static int has_failed(const CkFrameWriter *writer) {
    return writer->models.rc != SQLITE_OK || writer->origins.rc != SQLITE_OK ||
           writer->items.rc != SQLITE_OK || writer->vectors.rc != SQLITE_OK;
}

int ck_frame_writer_add(CkFrameWriter *writer, const CkItem *item, CkError *err) {
    uint32_t model = model_of(writer, item->model), origin = origin_of(writer, item->origin);
    ck_buf_append(&writer->vectors, item->data, (size_t)item->n_bytes);
    uint8_t *to = ck_buf_extend(&writer->items, CK_FRAME_ITEM_BYTES);
    if (has_failed(writer)) return ck_error_nomem(err);
    memset(to, 0, CK_FRAME_ITEM_BYTES);
    to[0] = (uint8_t)item->op;
    to[1] = (uint8_t)item->encoding;
    ck_store_u16(to + 2, (uint16_t)model);
    ck_store_u16(to + 4, (uint16_t)origin);
    ck_store_u64(to + 8, (uint64_t)item->seq);
    ck_store_u64(to + 16, (uint64_t)item->created_at);
    ck_store_u64(to + 24, item->checksum);
    memcpy(to + 32, item->hash, CK_HASH_BYTES);
    ck_store_u32(to + 64, (uint32_t)item->n_bytes);
    writer->n_items++;
    return SQLITE_OK;
}

/* *packed stays NULL when compression is not worth it. */
static int compress(CkFrameWriter *writer, const uint8_t **packed, size_t *n_packed, CkError *err) {
    size_t n = writer->body.n_bytes, bound = ZSTD_compressBound(n);
    *packed = NULL;
    if (writer->plain) return SQLITE_OK;
    if (!writer->zstd) writer->zstd = ck_zstd_compressor();
    ck_buf_clear(&writer->packed);
    uint8_t *to = ck_buf_extend(&writer->packed, bound);
    if (!writer->zstd || !to) return ck_error_nomem(err);
    size_t size = ZSTD_compressCCtx(writer->zstd, to, bound, writer->body.data, n,
                                    FRAME_ZSTD_LEVEL);
    if (ZSTD_isError(size)) {
        if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) return ck_error_nomem(err);
        return ck_error_set(err, SQLITE_ERROR, "frame: zstd: %s", ZSTD_getErrorName(size));
    }
    if (size > n - n / FRAME_WORTH) return SQLITE_OK;
    *packed = to;
    *n_packed = size;
    return SQLITE_OK;
}

static void store_head(const CkFrameWriter *writer, const uint8_t *body, size_t n_body,
                       uint8_t head[CK_FRAME_HEAD_BYTES]) {
    memset(head, 0, CK_FRAME_HEAD_BYTES);
    memcpy(head, "CKF", 3);
    head[3] = CK_FRAME_VERSION;
    head[4] = body != writer->body.data;
    ck_store_u16(head + 6, (uint16_t)writer->n_models);
    ck_store_u16(head + 8, (uint16_t)writer->n_origins);
    ck_store_u32(head + 12, writer->n_items);
    ck_store_u32(head + 16, (uint32_t)writer->body.n_bytes);
    ck_store_u32(head + 20, (uint32_t)n_body);
    uint64_t seed = ck_kernels()->checksum(head, 24, 0);
    ck_store_u64(head + 24, ck_kernels()->checksum(body, n_body, seed));
}

int ck_frame_writer_end(CkFrameWriter *writer, CkBuf *out, CkError *err) {
    CkBuf *parts[] = {&writer->models, &writer->origins, &writer->items, &writer->vectors};
    uint8_t head[CK_FRAME_HEAD_BYTES];
    const uint8_t *body;
    size_t n_body = 0;
    if (writer->n_items == 0) return SQLITE_OK;
    ck_buf_clear(&writer->body);
    for (int i = 0; i < 4; i++) {
        /* Vectors of float32 are then aligned, and can be used where they are. */
        if (i == 2) ck_buf_append(&writer->body, "\0\0\0\0\0\0\0", -writer->body.n_bytes & 7);
        ck_buf_append(&writer->body, parts[i]->data, parts[i]->n_bytes);
    }
    if (writer->body.rc != SQLITE_OK) return ck_error_nomem(err);
    if (compress(writer, &body, &n_body, err) != SQLITE_OK) return err->rc;
    if (!body) {
        body = writer->body.data;
        n_body = writer->body.n_bytes;
    }
    store_head(writer, body, n_body, head);
    ck_buf_append(out, head, sizeof head);
    ck_buf_append(out, body, n_body);
    if (out->rc != SQLITE_OK) return ck_error_nomem(err);
    for (int i = 0; i < 4; i++) ck_buf_clear(parts[i]);
    writer->n_models = writer->n_origins = writer->n_items = 0;
    return SQLITE_OK;
}
