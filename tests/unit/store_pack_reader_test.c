/*
** Packs of several frames, whole and cut at every byte: the items of the whole frames, then what is
** wrong. And a push that was cut, which changes nothing and is told as what it is.
*/
#include "store/pack_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/transport.h"
#include "unit.h"

#define FRAMES 3
#define ITEMS 2 /* of a frame */

static const float vector[2] = {1, 2};

/* ends: of each frame. */
static void make_pack(CkBuf *pack, size_t ends[FRAMES]) {
    CkItemModel model = {.name = "m", .version = "1", .dims = 2, .encoding = CK_ENCODING_F32};
    CkFrameWriter writer;
    CkError err = CK_ERROR_NONE;
    model.seal = ck_item_model_seal(&model);
    ck_frame_writer_init(&writer);
    ck_buf_init(pack);
    for (int i = 0; i < FRAMES * ITEMS; i++) {
        CkItem item = {.op = CK_ITEM_PUT, .seq = i + 1, .model = &model,
                       .encoding = CK_ENCODING_F32, .data = (const uint8_t *)vector,
                       .n_bytes = sizeof vector, .hash = {(uint8_t)(i + 1)}};
        item.checksum = ck_item_checksum(&item);
        CHECK_INT(ck_frame_writer_add(&writer, &item, &err), SQLITE_OK);
        if (i % ITEMS < ITEMS - 1) continue;
        CHECK_INT(ck_frame_writer_end(&writer, pack, &err), SQLITE_OK);
        ends[i / ITEMS] = pack->n_bytes;
    }
    ck_frame_writer_release(&writer);
}

/* The number of items that are read; rc: how it ended. Each is the next one of the feed. */
static int read_all(CkPackReader *reader, int *rc, CkError *err) {
    CkItem item;
    int n = 0;
    while ((*rc = ck_pack_reader_next(reader, &item, err)) == SQLITE_ROW) {
        CHECK_INT(item.seq, ++n);
    }
    return n;
}

static void test_prefixes(void) {
    size_t ends[FRAMES];
    CkBuf pack;
    make_pack(&pack, ends);
    for (size_t n = 0; n <= pack.n_bytes; n++) {
        size_t n_whole = 0, end = 0;
        CkPackReader reader;
        CkError err = CK_ERROR_NONE;
        int rc;
        while (n_whole < FRAMES && ends[n_whole] <= n) end = ends[n_whole++];
        ck_pack_reader_init(&reader, "it", pack.data, n);
        CHECK_INT(read_all(&reader, &rc, &err), n_whole * ITEMS);
        CHECK_INT(rc, n == end ? SQLITE_DONE : SQLITE_CORRUPT_VTAB);
        CHECK_INT(reader.at, end);
        if (n != end) CHECK_STR(err.message, "it ends within a frame");
        ck_error_release(&err);
        ck_pack_reader_release(&reader);
    }
    ck_buf_release(&pack);
}

/* The second frame is damaged: those of the first come, and the place is known. */
static void test_damage(void) {
    size_t ends[FRAMES];
    CkBuf pack;
    CkPackReader reader;
    CkError err = CK_ERROR_NONE;
    CkItem item;
    int rc;
    make_pack(&pack, ends);
    pack.data[ends[1] - 1] ^= 1;
    ck_pack_reader_init(&reader, "it", pack.data, pack.n_bytes);
    CHECK_INT(read_all(&reader, &rc, &err), ITEMS);
    CHECK_INT(rc, SQLITE_CORRUPT_VTAB);
    CHECK_INT(reader.at, ends[0]);
    CHECK(err.message && strncmp(err.message, "frame: ", 7) == 0);
    CHECK_INT(ck_pack_reader_next(&reader, &item, &err), SQLITE_CORRUPT_VTAB);
    ck_error_release(&err);
    ck_pack_reader_release(&reader);
    ck_buf_release(&pack);
}

static void push(CkTransport *transport, const uint8_t *bytes, size_t n, const char *said) {
    CkPutReply reply = {.before_seq = 0};
    CkError err = CK_ERROR_NONE;
    CkBuf pack;
    ck_buf_init(&pack);
    ck_buf_init(&reply.answers);
    ck_buf_append(&pack, bytes, n);
    int rc = transport->methods->put(transport, &pack, NULL, &reply, &err);
    CHECK_INT(rc, said ? SQLITE_CORRUPT_VTAB : SQLITE_OK);
    if (said) CHECK_STR(err.message, said);
    else CHECK_INT(reply.answers.n_bytes, FRAMES * ITEMS * sizeof(CkPutAnswer));
    ck_error_release(&err);
    ck_buf_release(&reply.answers);
    ck_buf_release(&pack);
}

static void test_push(void) {
    static const char me[] = "00000000-0000-4000-8000-000000000001";
    char folder[] = "/tmp/ck-unit-XXXXXX", file[64], url[80];
    size_t ends[FRAMES];
    CkBuf pack;
    CkConn *conn = NULL;
    CkTransport *transport = NULL;
    CkError err = CK_ERROR_NONE;
    sqlite3 *db = unit_db();
    CHECK(mkdtemp(folder) != NULL);
    snprintf(file, sizeof file, "%s/far.db", folder);
    snprintf(url, sizeof url, "file:%s", file);
    CHECK_INT(ck_conn_new(db, &conn, &err), SQLITE_OK);
    CHECK_INT(ck_transport_open_store(ck_conn_store(conn, "main"), url, me, CK_TRANSPORT_CREATES,
                                      &transport, &err),
              SQLITE_OK);
    make_pack(&pack, ends);
    push(transport, pack.data, pack.n_bytes - 1, "what was pushed ends within a frame");
    push(transport, pack.data, ends[1] + 5, "what was pushed ends within a frame");
    free(unit_sql(db, sqlite3_snprintf(sizeof url, url, "ATTACH '%s' AS far", file)));
    CHECK_STR_FREE(unit_sql(db, "SELECT count(*) FROM far._ck_embedding"), "0");
    push(transport, pack.data, pack.n_bytes, NULL);
    CHECK_STR_FREE(unit_sql(db, "SELECT count(*) FROM far._ck_embedding"), "6");
    transport->methods->close(transport);
    ck_buf_release(&pack);
    ck_conn_release(conn);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    unlink(file);
    rmdir(folder);
}

void ck_test_store_pack_reader(void) {
    test_prefixes();
    test_damage();
    test_push();
}
