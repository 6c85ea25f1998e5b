/* store/graph_format: records come back as they were written, and what is none is refused; the row
** of a graph likewise, with any of its columns changed. */
#include "store/graph_format.h"

#include <math.h>

#include "base/aligned.h"
#include "unit.h"

static const CkHnswShape shape = {.m = 6, .n_levels = 2, .n = {500, 20}};

/* n records of a kind, well-formed. */
static void make(const CkRecordFormat *format, uint8_t *records, uint32_t n, uint32_t n_all) {
    unsigned long long state = 9;
    float x[800];
    memset(records, 0, n * format->stride);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *record = records + format->stride * i;
        if (format->kind == CK_RECORD_CODE || format->kind == CK_RECORD_CENTRE) {
            for (uint32_t j = 0; j < format->space->dims; j++) {
                x[j] = (float)(unit_random(&state) % 2001) - 1000;
            }
            ck_int_code(format->space, x, 1, record);
            if (format->kind == CK_RECORD_CENTRE) { /* it is written without signs */
                size_t n_bytes = ck_int_identity_bytes(format->space->dims);
                memset(record + n_bytes, 0, format->stride - n_bytes);
            }
        } else if (format->kind == CK_RECORD_LINKS) {
            uint32_t *links = (uint32_t *)(void *)record;
            links[0] = i % (format->width + 1);
            for (uint32_t j = 1; j <= links[0]; j++) links[j] = (i + j) % n_all;
        } else if (format->kind == CK_RECORD_ID) {
            int64_t id = 1 + (int64_t)(unit_random(&state) >> 2);
            memcpy(record, &id, sizeof id);
        } else {
            *(CkTwin *)(void *)record = (CkTwin){1 + (int64_t)i * 7, i / 3};
        }
    }
}

static void round_trip(const CkRecordFormat *format) {
    enum { N = 300 };
    uint8_t *records = ck_aligned_new(N * format->stride);
    uint8_t *back = ck_aligned_new(N * format->stride);
    uint8_t *disk = malloc(N * format->disk_bytes + 1);
    CHECK(format->shift <= CK_GRAPH_SHIFT_MAX);
    CHECK(format->disk_bytes << format->shift <= CK_GRAPH_BLOCK_BYTES || format->shift == 0);
    make(format, records, N, shape.n[0]);
    memset(back, 0, N * format->stride);
    ck_records_encode(format, records, N, disk + 1); /* unaligned */
    CHECK_INT(ck_records_decode(format, disk + 1, 0, N, shape.n[0], back), 1);
    if (format->kind == CK_RECORD_TWIN) { /* they have a gap between their parts */
        for (uint32_t i = 0; i < N; i++) {
            const CkTwin *twin = (CkTwin *)(void *)back + i;
            CHECK(twin->id == 1 + (int64_t)i * 7 && twin->node == i / 3);
        }
    } else {
        CHECK_MSG(memcmp(records, back, N * format->stride) == 0, "kind %d, %zu bytes, level %u",
                  (int)format->kind, format->stride, format->level);
    }
    for (uint32_t blocks = 0; blocks < 3; blocks++) {
        uint32_t size = 1u << format->shift;
        CHECK_INT(ck_record_blocks(format, blocks * size), blocks);
        CHECK_INT(ck_record_blocks(format, blocks * size + 1), blocks + 1);
    }
    CHECK_INT(ck_record_blocks(format, UINT32_MAX), (1ull << 32) >> format->shift);
    ck_aligned_free(records);
    ck_aligned_free(back);
    free(disk);
}

static void test_round_trips(void) {
    static const uint32_t dims_of[] = {1, 3, 16, 130, 255, 256, 257, 768, 769, 770};
    static float mean[800];
    CkRecordFormat format;
    for (size_t j = 0; j < sizeof mean / sizeof *mean; j++) mean[j] = (float)(j % 7) - 3;
    for (size_t i = 0; i < sizeof dims_of / sizeof *dims_of; i++) {
        const CkIntSpace space = {(CkIntMetric)(i % 3), dims_of[i], i % 2 ? mean : NULL};
        ck_record_format_codes(&space, &format);
        round_trip(&format);
        ck_record_format_centres(&space, &format);
        round_trip(&format);
    }
    ck_record_format_ids(&format);
    round_trip(&format);
    ck_record_format_twins(1, &format);
    round_trip(&format);
    for (uint32_t level = 0; level < shape.n_levels; level++) {
        ck_record_format_links(&shape, level, (int)level, &format);
        round_trip(&format);
        CHECK_INT(format.plane, level ? CK_PLANE_LINKS_B : CK_PLANE_LINKS_A);
    }
}

/* Whether one record of these bytes is taken. */
static int takes(const CkRecordFormat *format, const uint8_t *disk) {
    uint8_t *record = ck_aligned_new(format->stride);
    int ok = ck_records_decode(format, disk, 5, 1, 100, record);
    ck_aligned_free(record);
    return ok;
}

static void put_u32(uint8_t *at, uint32_t number) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(number >> (8 * i));
}

static void put_links(uint8_t *at, uint8_t n, uint32_t link) {
    at[0] = n;
    for (int i = 0; i < 3; i++) at[1 + i] = (uint8_t)(link >> (8 * i));
}

static void test_refusals(void) {
    CkRecordFormat format;
    uint8_t disk[600] = {0};
    ck_record_format_ids(&format);
    CHECK_INT(takes(&format, disk), 0);
    disk[0] = 1;
    CHECK_INT(takes(&format, disk), 1);
    disk[7] = 0x80;
    CHECK_INT(takes(&format, disk), 0);
    ck_record_format_links(&shape, 0, 0, &format);
    memset(disk, 0, sizeof disk);
    static const struct {
        uint8_t n;
        uint32_t link;
        int ok;
    } links[] = {{0, 0, 1}, {1, 99, 1}, {1, 100, 0}, {1, 0xffffff, 0},
                 {1, 5, 0}, {2, 7, 1},  {13, 7, 0},  {UINT8_MAX, 7, 0}};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        put_links(disk, links[i].n, links[i].link);
        CHECK_MSG(takes(&format, disk) == links[i].ok, "%u links, the first %u", links[i].n,
                  links[i].link);
    }
    ck_record_format_twins(0, &format);
    memset(disk, 0, sizeof disk);
    CHECK_INT(takes(&format, disk), 0);
    disk[4] = 1;
    CHECK_INT(takes(&format, disk), 1);
    const CkIntSpace small = {CK_INT_L2, 16, NULL}, large = {CK_INT_L2, 256, NULL};
    ck_record_format_codes(&small, &format);
    for (uint32_t at = 16; at < 32; at += 4) { /* NaN, infinity; a sum beyond what can be */
        memset(disk, 0, sizeof disk);
        CHECK_INT(takes(&format, disk), 1);
        put_u32(disk + at, 0x7fc00000);
        CHECK_INT(takes(&format, disk), 0);
        put_u32(disk + at, 0xff800000);
        CHECK_INT(takes(&format, disk), 0);
    }
    ck_record_format_codes(&large, &format);
    memset(disk, 0, sizeof disk);
    memset(disk, 1, 256);
    CHECK_INT(takes(&format, disk), 1);
    put_u32(disk + 256 + 4, 0x7f000000); /* a step whose square is infinite: no signs */
    CHECK_INT(takes(&format, disk), 0);
}

/* The last block of every plane has a number that fits into its part of an address. */
static void test_nodes_max(void) {
    CHECK_INT(ck_graph_nodes_max(768, 16), CK_HNSW_NODES_MAX);
    for (uint32_t dims = 1; dims <= 65536; dims = dims * 3 + 1) {
        for (uint32_t m = CK_HNSW_M_MIN; m <= CK_HNSW_M_MAX; m++) {
            const CkHnswShape wide = {.m = m};
            uint32_t n = ck_graph_nodes_max(dims, m);
            CkRecordFormat format;
            CHECK(n >= 1000000 && n <= CK_HNSW_NODES_MAX);
            const CkIntSpace space = {.dims = dims};
            ck_record_format_codes(&space, &format);
            CHECK(ck_record_block_number(&format, ck_record_blocks(&format, n) - 1) <=
                  CK_BLOCK_NUMBER_MAX);
            ck_record_format_links(&wide, 0, 0, &format);
            CHECK(ck_record_blocks(&format, n) <= 1u << CK_GRAPH_LEVEL_SHIFT);
        }
    }
}

static CkGraphRow a_row(void) {
    CkGraphRow row = {
        .generation = 3, .side = 1, .shape = shape, .n_twins = 7, .n_built = 400,
        .n_scan_blocks = 2, .n_efforts = 2, .efforts = {{10, 0.5f, 100}, {20, 1, 222}},
        .n_cells = 9, .n_celled = 2, .n_probes = 2, .probes = {{4, 0.75f}, {9, 1}},
    };
    return row;
}

static void check_row(CkStore *store, const char *damage) {
    CkError err = CK_ERROR_NONE;
    CkGraphRow row = a_row();
    int found;
    CHECK_INT(ck_graph_row_write(store, 1, &row, &err), SQLITE_OK);
    CHECK_STR_FREE(unit_sql(store->conn->db, damage), "");
    CHECK_MSG(ck_graph_row_read(store, 1, &row, &found, &err) == SQLITE_CORRUPT_VTAB,
              "%s is not noticed", damage);
    CHECK_MSG(err.message && strstr(err.message, "_ck_graph") &&
                  strstr(err.message, "ck_repair('index')"), "%s", err.message);
    ck_error_release(&err);
}

static void test_row(CkStore *store) {
    static const char *const columns[] = {"generation", "side", "m", "nodes", "twins", "built",
                                          "blocks", "cells", "celled", "levels", "efforts",
                                          "probes", "checksum"};
    static const char *const values[] = {"0",      "-1",     "4",  "5000000000", "1e300",
                                         "'text'", "x'00'",  "x''", "zeroblob(8)", "zeroblob(1000)",
                                         "x'14000000f4010000'"};
    CkError err = CK_ERROR_NONE;
    CkGraphRow row = a_row(), back;
    int found;
    CHECK_INT(ck_graph_row_read(store, 1, &back, &found, &err), SQLITE_OK);
    CHECK_INT(found, 0);
    CHECK_INT(ck_graph_row_write(store, 1, &row, &err), SQLITE_OK);
    CHECK_INT(ck_graph_row_read(store, 1, &back, &found, &err), SQLITE_OK);
    CHECK(found && back.stamp != 0);
    row.stamp = back.stamp;
    CHECK(back.side == row.side && memcmp(&back.shape, &row.shape, sizeof row.shape) == 0 &&
          back.n_twins == 7 && back.n_built == 400 && back.n_scan_blocks == 2 &&
          back.n_efforts == 2 && memcmp(back.efforts, row.efforts, sizeof row.efforts) == 0);
    CHECK(back.n_cells == 9 && back.n_celled == 2 && back.n_probes == 2 &&
          memcmp(back.probes, row.probes, sizeof row.probes) == 0);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            char sql[100];
            snprintf(sql, sizeof sql, "UPDATE _ck_graph SET %s = %s", columns[i], values[j]);
            check_row(store, sql);
        }
    }
    check_row(store, "UPDATE _ck_graph SET generation = generation + 1");
    check_row(store, "UPDATE _ck_graph SET checksum = checksum + 1");
}

void ck_test_store_graph_format(void) {
    CkError err = CK_ERROR_NONE;
    CkConn *conn = NULL;
    sqlite3 *db = unit_db();
    free(unit_sql(db, "SELECT ck_init()"));
    CHECK_INT(ck_conn_new(db, &conn, &err), SQLITE_OK);
    test_round_trips();
    test_refusals();
    test_nodes_max();
    test_row(ck_conn_store(conn, "main"));
    ck_conn_release(conn);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}
