/*
** Frames, reading: see frame.h for the format.
**
** Nothing here trusts a byte. ck_frame_open() checks what the parts say of one another, so that
** ck_frame_next() cannot fail; whether a vector is one, and whether an item's checksum matches, is
** checked by who takes the item (store/item.h).
*/
#include "store/frame.h"

#include <string.h>

#include "base/coding.h"
#include "base/zstd_memory.h"
#include "vector/encoding.h"
#include "vector/kernels.h"

/* "frame: <what is wrong>" */
static int corrupt(CkError *err, const char *what) {
    return ck_error_set(err, SQLITE_CORRUPT_VTAB, "frame: %s", what);
}

static int check_limit(CkError *err, const char *what, uint32_t n, uint32_t max) {
    if (n <= max) return SQLITE_OK;
    return ck_error_set(err, SQLITE_CORRUPT_VTAB, "frame: %s is %u, at most %u are allowed", what,
                        n, max);
}

int ck_frame_head_read(const uint8_t *bytes, CkFrameHead *head, CkError *err) {
    if (memcmp(bytes, "CKF", 3) != 0) return corrupt(err, "does not begin with CKF");
    if (bytes[3] != CK_FRAME_VERSION) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                            "frame: version is %d, this ck knows %d; use a newer ck", bytes[3],
                            CK_FRAME_VERSION);
    }
    head->codec = bytes[4];
    head->n_models = ck_load_u16(bytes + 6);
    head->n_origins = ck_load_u16(bytes + 8);
    head->n_items = ck_load_u32(bytes + 12);
    head->n_plain = ck_load_u32(bytes + 16);
    head->n_body = ck_load_u32(bytes + 20);
    head->checksum = ck_load_u64(bytes + 24);
    if (head->codec > 1) return corrupt(err, "the codec is unknown");
    if (bytes[5] || ck_load_u16(bytes + 10)) return corrupt(err, "a reserved byte is not zero");
    check_limit(err, "n_models", head->n_models, CK_FRAME_MODELS_MAX);
    check_limit(err, "n_origins", head->n_origins, CK_FRAME_ORIGINS_MAX);
    check_limit(err, "n_items", head->n_items, CK_FRAME_ITEMS_MAX);
    check_limit(err, "n_plain", head->n_plain, CK_FRAME_PLAIN_MAX);
    check_limit(err, "n_body", head->n_body, CK_FRAME_PLAIN_MAX);
    if (!head->codec && head->n_plain != head->n_body) {
        corrupt(err, "n_plain and n_body differ, but the body is not compressed");
    }
    return err->rc;
}

void ck_frame_init(CkFrame *frame) {
    memset(frame, 0, sizeof *frame);
}

void ck_frame_release(CkFrame *frame) {
    ck_buf_release(&frame->plain);
    ck_buf_release(&frame->models);
    ck_buf_release(&frame->origins);
    ck_buf_release(&frame->texts);
    ZSTD_freeDCtx(frame->zstd);
    ck_frame_init(frame);
}

static int decompress(CkFrame *frame, const uint8_t **body, CkError *err) {
    ZSTD_frameHeader header;
    size_t n_body = frame->head.n_body, n_plain = frame->head.n_plain;
    if (ZSTD_getFrameHeader(&header, *body, n_body) != 0 || header.frameType != ZSTD_frame ||
        header.dictID != 0 || header.frameContentSize != n_plain) {
        return corrupt(err, "the body is not a zstd frame of n_plain bytes");
    }
    /* So that zstd writes to where the result goes, without a window of its own. */
    if (ZSTD_findFrameCompressedSize(*body, n_body) != n_body) {
        return corrupt(err, "the body is not one zstd frame");
    }
    if (!frame->zstd) frame->zstd = ck_zstd_decompressor();
    ck_buf_clear(&frame->plain);
    uint8_t *plain = ck_buf_extend(&frame->plain, n_plain);
    if (!frame->zstd || !plain) return ck_error_nomem(err);
    size_t size = ZSTD_decompressDCtx(frame->zstd, plain, n_plain, *body, n_body);
    if (ZSTD_isError(size) && ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) {
        return ck_error_nomem(err);
    }
    if (size != n_plain) return corrupt(err, "zstd cannot decompress the body");
    *body = plain;
    return SQLITE_OK;
}

/* What is left of the body. Taking more than there is gives NULL, and says so. */
typedef struct Rest {
    const uint8_t *at;
    size_t n;
} Rest;

static const uint8_t *take(Rest *rest, size_t n, CkError *err) {
    if (err->rc != SQLITE_OK) return NULL;
    if (n > rest->n) {
        corrupt(err, "the body ends too early");
        return NULL;
    }
    rest->at += n;
    rest->n -= n;
    return rest->at - n;
}

/* Takes n bytes of text and keeps them, terminated; *at: where in texts. */
static int take_text(CkFrame *frame, Rest *rest, size_t n, size_t max, size_t *at, CkError *err) {
    if (err->rc == SQLITE_OK && (n < 1 || n > max)) corrupt(err, "a name has an invalid length");
    const uint8_t *text = take(rest, n, err);
    if (!text) return err->rc;
    if (memchr(text, 0, n)) return corrupt(err, "a name has a zero byte");
    *at = frame->texts.n_bytes;
    ck_buf_append(&frame->texts, text, n);
    ck_buf_append(&frame->texts, "", 1);
    return frame->texts.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int read_model(CkFrame *frame, Rest *rest, CkError *err) {
    CkItemModel model;
    size_t name = 0, version = 0;
    const uint8_t *head = take(rest, 12, err);
    if (!head) return err->rc;
    memset(&model, 0, sizeof model);
    model.dims = ck_load_u32(head);
    model.metric = (CkMetric)head[4];
    model.encoding = head[5];
    model.normalized = head[6];
    if (model.dims < 1 || model.dims > CK_DIMS_MAX || head[4] > CK_METRIC_DOT ||
        !ck_encoding_name(model.encoding) || head[6] > 1 || head[7]) {
        return corrupt(err, "a model has invalid dims, metric, encoding or flags");
    }
    take_text(frame, rest, ck_load_u16(head + 8), CK_NAME_MAX, &name, err);
    take_text(frame, rest, ck_load_u16(head + 10), CK_NAME_MAX, &version, err);
    if (err->rc != SQLITE_OK) return err->rc;
    /* Offsets until all texts are there: the buffer moves as it grows. */
    model.name = (const char *)(uintptr_t)name;
    model.version = (const char *)(uintptr_t)version;
    ck_buf_append(&frame->models, &model, sizeof model);
    return frame->models.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int read_origin(CkFrame *frame, Rest *rest, CkError *err) {
    size_t at = 0;
    const uint8_t *head = take(rest, 2, err);
    if (!head ||
        take_text(frame, rest, ck_load_u16(head), CK_ORIGIN_MAX, &at, err) != SQLITE_OK) {
        return err->rc;
    }
    ck_buf_append(&frame->origins, &at, sizeof at);
    return frame->origins.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static CkItemModel *models_of(CkFrame *frame) {
    return (CkItemModel *)(void *)frame->models.data;
}

static void settle_models(CkFrame *frame) {
    const char *texts = (const char *)frame->texts.data;
    for (uint32_t i = 0; i < frame->head.n_models; i++) {
        CkItemModel *model = models_of(frame) + i;
        model->name = texts + (uintptr_t)model->name;
        model->version = texts + (uintptr_t)model->version;
        model->seal = ck_item_model_seal(model);
    }
}

/* One item's fields against the tables and the limits. */
static int item_is_valid(const CkFrame *frame, const uint8_t *item) {
    uint32_t n_bytes = ck_load_u32(item + 64);
    int is_put = item[0] == CK_ITEM_PUT, is_tombstone = item[0] == CK_ITEM_TOMBSTONE;
    if (ck_load_u16(item + 2) >= frame->head.n_models) return 0;
    if (ck_load_u16(item + 4) > frame->head.n_origins) return 0;
    if (ck_load_u16(item + 6) || ck_load_u32(item + 68)) return 0;
    if (ck_load_u64(item + 8) > INT64_MAX || ck_load_u64(item + 16) > INT64_MAX) return 0;
    if (n_bytes == 0) return (is_put || is_tombstone) && item[1] == 0;
    return is_put && ck_encoding_name(item[1]);
}

static int skip_padding(const CkFrame *frame, Rest *rest, CkError *err) {
    size_t n = -(frame->head.n_plain - rest->n) & 7;
    const uint8_t *padding = take(rest, n, err);
    for (size_t i = 0; i < n && padding; i++) {
        if (padding[i]) return corrupt(err, "a reserved byte is not zero");
    }
    return err->rc;
}

static int check_items(CkFrame *frame, Rest *rest, CkError *err) {
    uint64_t n_vectors = 0;
    frame->items = take(rest, (size_t)frame->head.n_items * CK_FRAME_ITEM_BYTES, err);
    for (uint32_t i = 0; i < frame->head.n_items && err->rc == SQLITE_OK; i++) {
        const uint8_t *item = frame->items + (size_t)i * CK_FRAME_ITEM_BYTES;
        n_vectors += ck_load_u32(item + 64);
        if (item_is_valid(frame, item)) continue;
        ck_error_set(err, SQLITE_CORRUPT_VTAB, "frame: item %u is not valid", i);
    }
    if (err->rc == SQLITE_OK && n_vectors != rest->n) {
        corrupt(err, "the vectors do not fill the rest of the body");
    }
    frame->vectors = rest->at;
    return err->rc;
}

static int read_body(CkFrame *frame, const uint8_t *body, CkError *err) {
    Rest rest = {body, frame->head.n_plain};
    ck_buf_clear(&frame->models);
    ck_buf_clear(&frame->origins);
    ck_buf_clear(&frame->texts);
    frame->at = 0;
    for (uint32_t i = 0; i < frame->head.n_models && err->rc == SQLITE_OK; i++) {
        read_model(frame, &rest, err);
    }
    for (uint32_t i = 0; i < frame->head.n_origins && err->rc == SQLITE_OK; i++) {
        read_origin(frame, &rest, err);
    }
    if (err->rc == SQLITE_OK) settle_models(frame);
    skip_padding(frame, &rest, err);
    return check_items(frame, &rest, err);
}

int ck_frame_open(CkFrame *frame, const uint8_t *bytes, size_t n, size_t *n_used, CkError *err) {
    const uint8_t *body = bytes + CK_FRAME_HEAD_BYTES;
    *n_used = 0;
    if (n < CK_FRAME_HEAD_BYTES) return SQLITE_OK;
    if (ck_frame_head_read(bytes, &frame->head, err) != SQLITE_OK) return err->rc;
    if (n - CK_FRAME_HEAD_BYTES < frame->head.n_body) return SQLITE_OK;
    uint64_t seed = ck_kernels()->checksum(bytes, 24, 0);
    if (ck_kernels()->checksum(body, frame->head.n_body, seed) != frame->head.checksum) {
        return corrupt(err, "the checksum does not match");
    }
    if (frame->head.codec && decompress(frame, &body, err) != SQLITE_OK) return err->rc;
    if (read_body(frame, body, err) != SQLITE_OK) return err->rc;
    *n_used = CK_FRAME_HEAD_BYTES + (size_t)frame->head.n_body;
    return SQLITE_OK;
}

int ck_frame_next(CkFrame *frame, CkItem *item) {
    if (frame->at == frame->head.n_items) return SQLITE_DONE;
    const uint8_t *from = frame->items + (size_t)frame->at++ * CK_FRAME_ITEM_BYTES;
    uint32_t origin = ck_load_u16(from + 4);
    memset(item, 0, sizeof *item);
    item->op = from[0];
    item->encoding = from[1];
    item->model = models_of(frame) + ck_load_u16(from + 2);
    if (origin > 0) {
        size_t at;
        memcpy(&at, frame->origins.data + (origin - 1) * sizeof at, sizeof at);
        item->origin = (const char *)frame->texts.data + at;
    }
    item->seq = (int64_t)ck_load_u64(from + 8);
    item->created_at = (int64_t)ck_load_u64(from + 16);
    item->checksum = ck_load_u64(from + 24);
    memcpy(item->hash, from + 32, CK_HASH_BYTES);
    item->n_bytes = (int)ck_load_u32(from + 64);
    if (item->n_bytes > 0) item->data = frame->vectors;
    frame->vectors += item->n_bytes;
    return SQLITE_ROW;
}
