/*
** Frames (ext/store/frame.h) of any bytes: refused with a message, or read to the last item, each
** of which then is put into a store or rejected. What is read is written again and read the same.
**
** Input: how the rest is used; the rest is a pack as it is, or the head and the plain body of a
** frame whose lengths and checksum are made to match, so that what is behind them is reached, too.
*/
#include "base/coding.h"
#include "ck.h"
#include "fuzz.h"
#include "store/frame.h"
#include "vector/kernels.h"

static sqlite3 *db;
static CkConn *conn;

static void open_store(void) {
    CkError err = CK_ERROR_NONE;
    FUZZ_CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
    FUZZ_CHECK(sqlite3_ck_init(db, NULL, NULL) == SQLITE_OK);
    FUZZ_CHECK(sqlite3_exec(db, "SELECT ck_init()", NULL, NULL, NULL) == SQLITE_OK);
    FUZZ_CHECK(ck_conn_new(db, &conn, &err) == SQLITE_OK);
}

static void put(const CkItem *item) {
    CkError err = CK_ERROR_NONE;
    CkItemOutcome outcome;
    if (item->op != CK_ITEM_PUT) return;
    FUZZ_CHECK(ck_item_put(ck_conn_store(conn, "main"), item, &outcome, &err) == SQLITE_OK);
    FUZZ_CHECK(outcome.result != CK_ITEM_REJECTED || (outcome.code && outcome.message[0]));
}

static void write_again(CkFrame *frame, CkBuf *out) {
    CkFrameWriter writer;
    CkError err = CK_ERROR_NONE;
    CkItem item;
    ck_frame_writer_init(&writer);
    while (ck_frame_next(frame, &item) == SQLITE_ROW) {
        item.checksum = ck_item_checksum(&item);
        put(&item);
        FUZZ_CHECK(ck_frame_writer_add(&writer, &item, &err) == SQLITE_OK);
    }
    FUZZ_CHECK(ck_frame_writer_end(&writer, out, &err) == SQLITE_OK);
    ck_frame_writer_release(&writer);
}

/* The frames of a pack, one after the other. */
static void read_pack(const uint8_t *bytes, size_t n) {
    CkFrame frame, again;
    CkError err = CK_ERROR_NONE;
    size_t n_used = 1, n_again = 0;
    CkItem item;
    ck_frame_init(&frame);
    while (n > 0 && ck_frame_open(&frame, bytes, n, &n_used, &err) == SQLITE_OK && n_used > 0) {
        CkBuf out;
        FUZZ_CHECK(n_used <= n);
        ck_buf_init(&out);
        write_again(&frame, &out);
        ck_frame_init(&again);
        if (frame.head.n_items > 0) {
            FUZZ_CHECK(ck_frame_open(&again, out.data, out.n_bytes, &n_again, &err) == SQLITE_OK);
            FUZZ_CHECK(n_again == out.n_bytes && again.head.n_items == frame.head.n_items);
            while (ck_frame_next(&again, &item) == SQLITE_ROW) {
                FUZZ_CHECK(ck_item_checksum(&item) == item.checksum);
            }
        }
        ck_frame_release(&again);
        ck_buf_release(&out);
        bytes += n_used;
        n -= n_used;
    }
    FUZZ_CHECK(err.rc == SQLITE_OK || (err.rc == SQLITE_CORRUPT_VTAB && err.message));
    ck_error_release(&err);
    ck_frame_release(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n < 1 + CK_FRAME_HEAD_BYTES) return 0;
    if (!db) open_store();
    FUZZ_CHECK(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    size_t n_pack = n - 1, n_body = n_pack - CK_FRAME_HEAD_BYTES;
    uint8_t *pack = malloc(n_pack);
    memcpy(pack, data + 1, n_pack);
    if (data[0] & 1) {
        ck_store_u32(pack + 20, (uint32_t)n_body);
        if (!pack[4]) ck_store_u32(pack + 16, (uint32_t)n_body);
        ck_store_u64(pack + 24, ck_kernels()->checksum(pack + CK_FRAME_HEAD_BYTES, n_body,
                                                       ck_kernels()->checksum(pack, 24, 0)));
    }
    read_pack(pack, n_pack);
    free(pack);
    FUZZ_CHECK(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    return 0;
}
