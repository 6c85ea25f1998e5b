/*
** Frames that lie: every count, length and reserved byte, sealed as if it were true. Each is
** refused with a message that says what is wrong, and takes no more memory than the limits allow.
*/
#include "store/frame.h"

#include <zstd.h>

#include "base/coding.h"
#include "unit.h"
#include "vector/kernels.h"

/* Where the parts of the sound frame are: one model of the name "m" and version "1", one origin. */
enum {
    MODEL = CK_FRAME_HEAD_BYTES,
    ORIGIN = MODEL + 14,
    ITEMS = CK_FRAME_HEAD_BYTES + 24,
    TOMBSTONE = ITEMS + CK_FRAME_ITEM_BYTES
};

static const float vector[4] = {1, 2, 3, 4};

static void make_item(CkItem *item, const CkItemModel *model, int op) {
    memset(item, 0, sizeof *item);
    item->op = op;
    item->seq = 7;
    item->model = model;
    item->origin = "here";
    item->hash[0] = (uint8_t)op;
    if (op == CK_ITEM_PUT) {
        item->encoding = CK_ENCODING_F32;
        item->data = (const uint8_t *)vector;
        item->n_bytes = sizeof vector;
    }
    item->checksum = ck_item_checksum(item);
}

static void make_frame(CkBuf *out, int plain) {
    CkItemModel model = {.name = "m", .version = "1", .dims = 4, .encoding = CK_ENCODING_F32};
    CkFrameWriter writer;
    CkError err = CK_ERROR_NONE;
    model.seal = ck_item_model_seal(&model);
    ck_frame_writer_init(&writer);
    writer.plain = plain;
    for (int op = CK_ITEM_PUT; op <= CK_ITEM_TOMBSTONE; op++) {
        CkItem item;
        make_item(&item, &model, op);
        CHECK_INT(ck_frame_writer_add(&writer, &item, &err), SQLITE_OK);
    }
    ck_buf_init(out);
    CHECK_INT(ck_frame_writer_end(&writer, out, &err), SQLITE_OK);
    ck_frame_writer_release(&writer);
}

static void seal(CkBuf *frame) {
    uint64_t seed = ck_kernels()->checksum(frame->data, 24, 0);
    ck_store_u64(frame->data + 24,
                 ck_kernels()->checksum(frame->data + CK_FRAME_HEAD_BYTES,
                                        frame->n_bytes - CK_FRAME_HEAD_BYTES, seed));
}

/* Opens the frame: "ok", "incomplete", or what the error says. */
static const char *open_frame(const CkBuf *bytes, char *said, size_t n_said) {
    CkFrame frame;
    CkError err = CK_ERROR_NONE;
    size_t n_used = 0;
    ck_frame_init(&frame);
    int rc = ck_frame_open(&frame, bytes->data, bytes->n_bytes, &n_used, &err);
    snprintf(said, n_said, "%s", rc != SQLITE_OK ? err.message : n_used ? "ok" : "incomplete");
    if (rc != SQLITE_OK) CHECK_INT(rc, SQLITE_CORRUPT_VTAB);
    ck_error_release(&err);
    ck_frame_release(&frame);
    return said;
}

static void test_lies(void) {
    static const struct {
        size_t at;
        int width;
        uint64_t value;
        const char *says;
    } lies[] = {
        {0, 1, 'X', "frame: does not begin with CKF"},
        {3, 1, 2, "frame: version is 2, this ck knows 1; use a newer ck"},
        {4, 1, 2, "frame: the codec is unknown"},
        {5, 1, 1, "frame: a reserved byte is not zero"},
        {6, 2, 257, "frame: n_models is 257, at most 256 are allowed"},
        {6, 2, 256, "frame: a model has invalid dims, metric, encoding or flags"},
        {8, 2, 4097, "frame: n_origins is 4097, at most 4096 are allowed"},
        {8, 2, 4096, "frame: a name has an invalid length"},
        {10, 2, 1, "frame: a reserved byte is not zero"},
        {12, 4, 0xffffffff, "frame: n_items is 4294967295, at most 65536 are allowed"},
        {12, 4, 65536, "frame: the body ends too early"},
        {12, 4, 1, "frame: the vectors do not fill the rest of the body"},
        {16, 4, 0xffffffff, "frame: n_plain is 4294967295, at most 16777216 are allowed"},
        {16, 4, 16777216, "frame: n_plain and n_body differ, but the body is not compressed"},
        {20, 4, 0xffffffff, "frame: n_body is 4294967295, at most 16777216 are allowed"},
        {MODEL, 4, 0, "frame: a model has invalid dims, metric, encoding or flags"},
        {MODEL, 4, 0x80000000, "frame: a model has invalid dims, metric, encoding or flags"},
        {MODEL + 4, 1, 9, "frame: a model has invalid dims, metric, encoding or flags"},
        {MODEL + 5, 1, 99, "frame: a model has invalid dims, metric, encoding or flags"},
        {MODEL + 8, 2, 0xffff, "frame: a name has an invalid length"},
        {MODEL + 8, 2, 1024, "frame: the body ends too early"},
        {MODEL + 12, 1, 0, "frame: a name has a zero byte"},
        {ORIGIN, 2, 0, "frame: a name has an invalid length"},
        {ITEMS, 1, 3, "frame: item 0 is not valid"},
        {ITEMS + 1, 1, 99, "frame: item 0 is not valid"},
        {ITEMS + 2, 2, 1, "frame: item 0 is not valid"},
        {ITEMS + 4, 2, 2, "frame: item 0 is not valid"},
        {ITEMS + 8, 8, (uint64_t)1 << 63, "frame: item 0 is not valid"},
        {ITEMS + 16, 8, UINT64_MAX, "frame: item 0 is not valid"},
        {ITEMS + 64, 4, 0xffffffff, "frame: the vectors do not fill the rest of the body"},
        {ITEMS + 64, 4, 12, "frame: the vectors do not fill the rest of the body"},
        {TOMBSTONE + 64, 4, 4, "frame: item 1 is not valid"},
        {TOMBSTONE + 68, 4, 1, "frame: item 1 is not valid"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        CkBuf frame;
        char said[200];
        make_frame(&frame, 1);
        for (int b = 0; b < lies[i].width; b++) {
            frame.data[lies[i].at + (size_t)b] = (uint8_t)(lies[i].value >> 8 * b);
        }
        seal(&frame);
        open_frame(&frame, said, sizeof said);
        CHECK_MSG(strcmp(said, lies[i].says) == 0, "lie %d: %s; expected %s", (int)i, said,
                  lies[i].says);
        ck_buf_release(&frame);
    }
}

static void test_sound(void) {
    CkBuf frame;
    char said[200];
    for (int plain = 0; plain <= 1; plain++) {
        make_frame(&frame, plain);
        CHECK_STR(open_frame(&frame, said, sizeof said), "ok");
        frame.data[frame.n_bytes - 1] ^= 1;
        CHECK_STR(open_frame(&frame, said, sizeof said), "frame: the checksum does not match");
        frame.n_bytes--;
        CHECK_STR(open_frame(&frame, said, sizeof said), "incomplete");
        ck_buf_release(&frame);
    }
}

/* Sixteen times the limit, in some kilobytes, under a head that says so, or does not. */
static void test_bomb(void) {
    static const struct {
        uint32_t n_plain;
        const char *says;
    } heads[] = {
        {1u << 28, "frame: n_plain is 268435456, at most 16777216 are allowed"},
        {CK_FRAME_PLAIN_MAX, "frame: the body is not a zstd frame of n_plain bytes"},
        {64, "frame: the body is not a zstd frame of n_plain bytes"},
    };
    size_t n = 1u << 28, n_packed = ZSTD_compressBound(n);
    char *zeros = calloc(1, n), *packed = malloc(n_packed);
    n_packed = zeros && packed ? ZSTD_compress(packed, n_packed, zeros, n, 1) : 0;
    free(zeros);
    CHECK(n_packed > 0 && n_packed < 100000);
    sqlite3_memory_highwater(1);
    long long before = sqlite3_memory_used();
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        CkBuf frame;
        char said[200];
        ck_buf_init(&frame);
        uint8_t *bytes = ck_buf_extend(&frame, CK_FRAME_HEAD_BYTES + n_packed);
        memset(bytes, 0, CK_FRAME_HEAD_BYTES);
        memcpy(bytes, "CKF\1\1", 5);
        memcpy(bytes + CK_FRAME_HEAD_BYTES, packed, n_packed);
        ck_store_u32(bytes + 16, heads[i].n_plain);
        ck_store_u32(bytes + 20, (uint32_t)n_packed);
        seal(&frame);
        CHECK_STR(open_frame(&frame, said, sizeof said), heads[i].says);
        ck_buf_release(&frame);
    }
    free(packed);
    CHECK_MSG(sqlite3_memory_highwater(0) - before < 4 * 1024 * 1024, "a bomb took %lld bytes",
              (long long)sqlite3_memory_highwater(0) - before);
}

/* Items that are whole and wrong: each is answered by itself, and nothing is written. */
static void test_items(void) {
    sqlite3 *db = unit_db();
    CkConn *conn = NULL;
    CkError err = CK_ERROR_NONE;
    CkItemModel model = {.name = "m", .version = "1", .dims = 4, .encoding = CK_ENCODING_F32};
    CkItemOutcome outcome;
    CkItem item;
    free(unit_sql(db, "INSERT INTO models(model, version, dims) VALUES ('m', '1', 3)"));
    CHECK_INT(ck_conn_new(db, &conn, &err), SQLITE_OK);
    CkStore *store = ck_conn_store(conn, "main");
    model.seal = ck_item_model_seal(&model);
    make_item(&item, &model, CK_ITEM_PUT);
    CHECK_INT(ck_item_put(store, &item, &outcome, &err), SQLITE_OK);
    CHECK_INT(outcome.result, CK_ITEM_REJECTED);
    CHECK_STR(outcome.code, "model");
    item.checksum ^= 1;
    CHECK_INT(ck_item_put(store, &item, &outcome, &err), SQLITE_OK);
    CHECK_STR(outcome.code, "checksum");
    item.n_bytes = 12; /* three components of a model that says it has four */
    item.checksum = ck_item_checksum(&item);
    CHECK_INT(ck_item_put(store, &item, &outcome, &err), SQLITE_OK);
    CHECK_STR(outcome.code, "vector");
    CHECK_STR_FREE(unit_sql(db, "SELECT count(*) FROM embeddings"), "0");
    ck_conn_release(conn);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

void ck_test_store_frame(void) {
    test_sound();
    test_lies();
    test_bomb();
    test_items();
}
