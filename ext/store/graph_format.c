/* The graph on disk: see graph_format.h. */
#include "store/graph_format.h"

#include <math.h>
#include <string.h>

#include "base/coding.h"
#include "vector/kernels.h"

#define EFFORT_BYTES 12
#define PROBE_BYTES 8
#define TWIN_BYTES 12
#define FACTOR_BYTES 16
#define SLOT_BYTES 3

_Static_assert(CK_HNSW_NODES_MAX <= 1 << 8 * SLOT_BYTES, "slots are written in three bytes");
_Static_assert(2 * CK_HNSW_M_MAX <= UINT8_MAX, "how many links there are is one byte");
_Static_assert(CK_HNSW_LEVELS_MAX <= CK_GRAPH_TWINS, "levels have numbers below the twins'");

static uint32_t shift_of(size_t disk_bytes) {
    uint32_t shift = 0;
    while (shift < CK_GRAPH_SHIFT_MAX && disk_bytes << (shift + 1) <= CK_GRAPH_BLOCK_BYTES) shift++;
    return shift;
}

void ck_record_format_codes(const CkIntSpace *space, CkRecordFormat *format) {
    size_t disk_bytes = (size_t)space->dims + FACTOR_BYTES;
    *format = (CkRecordFormat){
        .kind = CK_RECORD_CODE,
        .plane = CK_PLANE_CODES,
        .space = space,
        .stride = ck_int_stride(space->dims),
        .disk_bytes = disk_bytes,
        .shift = shift_of(disk_bytes),
    };
}

void ck_record_format_centres(const CkIntSpace *space, CkRecordFormat *format) {
    ck_record_format_codes(space, format);
    format->kind = CK_RECORD_CENTRE;
    format->plane = CK_PLANE_CENTRES;
}

void ck_record_format_ids(CkRecordFormat *format) {
    *format = (CkRecordFormat){
        .kind = CK_RECORD_ID,
        .plane = CK_PLANE_IDS,
        .stride = sizeof(int64_t),
        .disk_bytes = sizeof(int64_t),
        .shift = shift_of(sizeof(int64_t)),
    };
}

void ck_record_format_links(const CkHnswShape *shape, uint32_t level, int side,
                            CkRecordFormat *format) {
    uint32_t width = ck_hnsw_width(shape, level);
    size_t disk_bytes = 1 + (size_t)width * SLOT_BYTES;
    *format = (CkRecordFormat){
        .kind = CK_RECORD_LINKS,
        .plane = side ? CK_PLANE_LINKS_B : CK_PLANE_LINKS_A,
        .level = level,
        .width = width,
        .stride = ck_hnsw_links_stride(shape, level),
        .disk_bytes = disk_bytes,
        .shift = shift_of(disk_bytes),
    };
}

void ck_record_format_twins(int side, CkRecordFormat *format) {
    *format = (CkRecordFormat){
        .kind = CK_RECORD_TWIN,
        .plane = side ? CK_PLANE_LINKS_B : CK_PLANE_LINKS_A,
        .level = CK_GRAPH_TWINS,
        .stride = sizeof(CkTwin),
        .disk_bytes = TWIN_BYTES,
        .shift = shift_of(TWIN_BYTES),
    };
}

uint32_t ck_graph_nodes_max(uint32_t dims, uint32_t m) {
    const CkHnswShape shape = {.m = m};
    const CkIntSpace space = {.dims = dims};
    CkRecordFormat codes, links;
    ck_record_format_codes(&space, &codes);
    ck_record_format_links(&shape, 0, 0, &links);
    uint64_t max = (uint64_t)(CK_BLOCK_NUMBER_MAX + 1) << codes.shift;
    uint64_t n_linked = 1ull << (CK_GRAPH_LEVEL_SHIFT + links.shift);
    if (n_linked < max) max = n_linked;
    return max < CK_HNSW_NODES_MAX ? (uint32_t)max : CK_HNSW_NODES_MAX;
}

int ck_twin_order(const void *a, const void *b) {
    const CkTwin *x = a, *y = b;
    if (x->node != y->node) return x->node < y->node ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void encode_code(const CkRecordFormat *format, const uint8_t *record, uint8_t *out) {
    const uint32_t dims = format->space->dims;
    const CkIntFactors *factors = ck_int_factors(record, dims);
    memcpy(out, record, dims);
    out += dims;
    ck_store_f32(out, factors->add);
    ck_store_f32(out + 4, factors->scale);
    ck_store_u32(out + 8, (uint32_t)factors->sum);
    ck_store_f32(out + 12, factors->half);
}

/* All slots but the last are written with a byte too many, which the next one covers. */
static void encode_links(const CkRecordFormat *format, const uint8_t *record, uint8_t *out) {
    const uint32_t *links = (const uint32_t *)(const void *)record, width = format->width;
    *out++ = (uint8_t)links[0];
    for (uint32_t i = 1; i < width; i++, out += SLOT_BYTES) ck_store_u32(out, links[i]);
    ck_store_u24(out, links[width]);
}

static void encode(const CkRecordFormat *format, const uint8_t *record, uint8_t *out) {
    switch (format->kind) {
    case CK_RECORD_CODE:
    case CK_RECORD_CENTRE:
        encode_code(format, record, out);
        break;
    case CK_RECORD_ID: {
        int64_t id;
        memcpy(&id, record, sizeof id);
        ck_store_u64(out, (uint64_t)id);
        break;
    }
    case CK_RECORD_LINKS:
        encode_links(format, record, out);
        break;
    case CK_RECORD_TWIN: {
        CkTwin twin;
        memcpy(&twin, record, sizeof twin);
        ck_store_u32(out, twin.node);
        ck_store_u64(out + 4, (uint64_t)twin.id);
        break;
    }
    }
}

void ck_records_encode(const CkRecordFormat *format, const uint8_t *records, uint32_t n,
                       uint8_t *out) {
    for (uint32_t i = 0; i < n; i++) {
        encode(format, records + format->stride * i, out + format->disk_bytes * i);
    }
}

/* The signs of a code, which are not on disk; 0 when it stands for a vector that is too long. */
static int make_signs(const CkIntSpace *space, uint8_t *record) {
    if (ck_int_sign_bytes(space->dims) == 0) return 1;
    ck_int_signs(space, record);
    const CkIntSignFactors *signs = ck_int_sign_factors(record, space->dims);
    return isfinite(signs->add) && isfinite(signs->mul);
}

/* A code; 0 when its factors are none that a vector can have. */
static int decode_code(const CkRecordFormat *format, const uint8_t *data, uint8_t *record) {
    uint32_t dims = format->space->dims;
    CkIntFactors factors = {
        .add = ck_load_f32(data + dims),
        .scale = ck_load_f32(data + dims + 4),
        .sum = (int32_t)ck_load_u32(data + dims + 8),
        .half = ck_load_f32(data + dims + 12),
    };
    int32_t most = 128 * (int32_t)dims;
    memset(record + dims, 0, format->stride - dims);
    memcpy(record, data, dims);
    memcpy(record + ck_int_factors_at(dims), &factors, sizeof factors);
    return isfinite(factors.add) && isfinite(factors.scale) && factors.scale >= 0 &&
           factors.sum >= -most && factors.sum <= most && isfinite(factors.half);
}

static int decode_links(const CkRecordFormat *format, const uint8_t *data, uint32_t self,
                        uint32_t n_all, uint8_t *record) {
    uint32_t *links = (uint32_t *)(void *)record, width = format->width;
    links[0] = *data++;
    for (uint32_t i = 1; i < width; i++, data += SLOT_BYTES) {
        links[i] = ck_load_u32(data) & ((1u << 8 * SLOT_BYTES) - 1);
    }
    links[width] = ck_load_u24(data);
    return ck_hnsw_links_ok(links, width, n_all, self);
}

int ck_records_decode(const CkRecordFormat *format, const uint8_t *data, uint32_t first, uint32_t n,
                      uint32_t n_all, uint8_t *records) {
    int ok = 1;
    for (uint32_t i = 0; i < n && ok; i++) {
        const uint8_t *from = data + format->disk_bytes * i;
        uint8_t *to = records + format->stride * i;
        int64_t id;
        CkTwin twin = {0, 0};
        switch (format->kind) {
        case CK_RECORD_CODE:
            ok = decode_code(format, from, to) && make_signs(format->space, to);
            break;
        case CK_RECORD_CENTRE:
            ok = decode_code(format, from, to);
            break;
        case CK_RECORD_ID:
            id = (int64_t)ck_load_u64(from);
            memcpy(to, &id, sizeof id);
            ok = id > 0;
            break;
        case CK_RECORD_LINKS:
            ok = decode_links(format, from, first + i, n_all, to);
            break;
        case CK_RECORD_TWIN:
            twin.node = ck_load_u32(from);
            twin.id = (int64_t)ck_load_u64(from + 4);
            memcpy(to, &twin, sizeof twin);
            ok = twin.id > 0;
            break;
        }
    }
    return ok;
}

/* The row's blobs. */
typedef struct Blobs {
    CkBuf levels, efforts, probes;
} Blobs;

static void release(Blobs *blobs) {
    ck_buf_release(&blobs->levels);
    ck_buf_release(&blobs->efforts);
    ck_buf_release(&blobs->probes);
}

static int64_t checksum_of(int64_t model, const CkGraphRow *row, const Blobs *blobs) {
    const int64_t fields[] = {
        model,        row->generation, row->side,          row->shape.m, row->shape.n[0],
        row->n_twins, row->n_built,    row->n_scan_blocks, row->n_cells, row->n_celled,
    };
    uint8_t bytes[sizeof fields];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        ck_store_u64(bytes + 8 * i, (uint64_t)fields[i]);
    }
    uint64_t sum = ck_kernels()->checksum(bytes, sizeof bytes, 0);
    sum = ck_kernels()->checksum(blobs->levels.data, blobs->levels.n_bytes, sum);
    sum = ck_kernels()->checksum(blobs->efforts.data, blobs->efforts.n_bytes, sum);
    return (int64_t)ck_kernels()->checksum(blobs->probes.data, blobs->probes.n_bytes, sum);
}

/* Whether n is what 32 bits hold, and above 0 if it must be. */
static int fits(int64_t n, int64_t min) {
    return n >= min && n <= CK_HNSW_NODES_MAX;
}

static int unpack_probes(CkGraphRow *row, const CkBuf *probes) {
    row->n_probes = probes->n_bytes / PROBE_BYTES;
    if (row->n_probes > CK_GRAPH_PROBES_MAX || probes->n_bytes % PROBE_BYTES != 0) return 0;
    for (size_t i = 0; i < row->n_probes; i++) {
        const uint8_t *from = probes->data + PROBE_BYTES * i;
        CkProbeEffort *probe = &row->probes[i];
        *probe = (CkProbeEffort){ck_load_u32(from), ck_load_f32(from + 4)};
        if (probe->n < 1 || probe->n > row->n_cells || !(probe->recall >= 0) ||
            !(probe->recall <= 1)) {
            return 0;
        }
    }
    return 1;
}

/* Fills the row's arrays from their blobs; 0 when these are malformed. */
static int unpack(CkGraphRow *row, const Blobs *blobs) {
    const CkBuf *levels = &blobs->levels, *efforts = &blobs->efforts;
    size_t n_levels = levels->n_bytes / 4, n_efforts = efforts->n_bytes / EFFORT_BYTES;
    if (n_levels < 1 || n_levels > CK_HNSW_LEVELS_MAX || levels->n_bytes % 4 != 0 ||
        n_efforts > CK_GRAPH_EFFORTS_MAX || efforts->n_bytes % EFFORT_BYTES != 0) {
        return 0;
    }
    row->shape.n_levels = (uint32_t)n_levels;
    for (size_t i = 0; i < n_levels; i++) row->shape.n[i] = ck_load_u32(levels->data + 4 * i);
    row->n_efforts = n_efforts;
    for (size_t i = 0; i < n_efforts; i++) {
        const uint8_t *from = efforts->data + EFFORT_BYTES * i;
        CkEffort *effort = &row->efforts[i];
        *effort = (CkEffort){ck_load_u32(from), ck_load_f32(from + 4), ck_load_f32(from + 8)};
        if (effort->ef < 1 || effort->ef > CK_EF_MAX || !(effort->recall >= 0) ||
            !(effort->recall <= 1) || !(effort->n_distances >= 0) || isinf(effort->n_distances)) {
            return 0;
        }
    }
    return ck_hnsw_shape_ok(&row->shape) && unpack_probes(row, &blobs->probes);
}

static void take_blob(sqlite3_stmt *stmt, int column, CkBuf *blob, CkError *err) {
    ck_buf_append(blob, sqlite3_column_blob(stmt, column),
                  (size_t)sqlite3_column_bytes(stmt, column));
    if (blob->rc != SQLITE_OK) ck_error_nomem(err);
}

/* Reads a stepped graph_get. */
static int from_row(sqlite3_stmt *stmt, int64_t model, CkGraphRow *row, CkError *err) {
    int64_t side = sqlite3_column_int64(stmt, 2), m = sqlite3_column_int64(stmt, 3);
    int64_t n = sqlite3_column_int64(stmt, 4), n_twins = sqlite3_column_int64(stmt, 5);
    int64_t n_built = sqlite3_column_int64(stmt, 6), n_blocks = sqlite3_column_int64(stmt, 7);
    int64_t n_cells = sqlite3_column_int64(stmt, 8), n_celled = sqlite3_column_int64(stmt, 9);
    Blobs blobs = {.levels = {0}};
    memset(row, 0, sizeof *row);
    take_blob(stmt, 10, &blobs.levels, err);
    take_blob(stmt, 11, &blobs.efforts, err);
    take_blob(stmt, 12, &blobs.probes, err);
    row->generation = sqlite3_column_int64(stmt, 0);
    row->stamp = sqlite3_column_int64(stmt, 1);
    int ok = (side == 0 || side == 1) && m >= CK_HNSW_M_MIN && m <= CK_HNSW_M_MAX && fits(n, 1) &&
             fits(n_twins, 0) && fits(n_built, 1) && n_blocks >= 0 &&
             n_blocks <= CK_BLOCK_NUMBER_MAX && n_cells >= 0 && n_cells <= CK_BLOCK_NUMBER_MAX &&
             n_celled >= 0 && n_celled <= n_blocks;
    if (ok) {
        row->side = (int)side;
        row->shape.m = (uint32_t)m;
        row->n_twins = (uint32_t)n_twins;
        row->n_built = (uint32_t)n_built;
        row->n_scan_blocks = n_blocks;
        row->n_cells = (uint32_t)n_cells;
        row->n_celled = n_celled;
        ok = unpack(row, &blobs) && row->shape.n[0] == n &&
             sqlite3_column_int64(stmt, 13) == checksum_of(model, row, &blobs);
    }
    release(&blobs);
    if (ok || err->rc != SQLITE_OK) return err->rc;
    return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                        "index: the row of model %lld in _ck_graph is damaged; SELECT "
                        "ck_repair('index') builds the index anew",
                        (long long)model);
}

int ck_graph_row_read(CkStore *store, int64_t model, CkGraphRow *row, int *found, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    *found = 0;
    if (ck_stmt_take(store, CK_SQL_GRAPH_GET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", model);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        *found = from_row(stmt, model, row, err) == SQLITE_OK;
    }
    ck_stmt_give(store, CK_SQL_GRAPH_GET, stmt);
    return err->rc;
}

/* Room in a blob, which is never NULL: an empty one is a value, too. */
static uint8_t *extend(CkBuf *blob, size_t n_bytes, CkError *err) {
    uint8_t *at = ck_buf_reserve(blob, n_bytes + 1) ? ck_buf_extend(blob, n_bytes) : NULL;
    if (!at) ck_error_nomem(err);
    return at;
}

static int pack(const CkGraphRow *row, Blobs *blobs, CkError *err) {
    uint8_t *level = extend(&blobs->levels, 4 * row->shape.n_levels, err);
    uint8_t *effort = extend(&blobs->efforts, EFFORT_BYTES * row->n_efforts, err);
    uint8_t *probe = extend(&blobs->probes, PROBE_BYTES * row->n_probes, err);
    if (err->rc != SQLITE_OK) return err->rc;
    for (uint32_t i = 0; i < row->shape.n_levels; i++) {
        ck_store_u32(level + 4 * i, row->shape.n[i]);
    }
    for (size_t i = 0; i < row->n_efforts; i++) {
        ck_store_u32(effort + EFFORT_BYTES * i, row->efforts[i].ef);
        ck_store_f32(effort + EFFORT_BYTES * i + 4, row->efforts[i].recall);
        ck_store_f32(effort + EFFORT_BYTES * i + 8, row->efforts[i].n_distances);
    }
    for (size_t i = 0; i < row->n_probes; i++) {
        ck_store_u32(probe + PROBE_BYTES * i, row->probes[i].n);
        ck_store_f32(probe + PROBE_BYTES * i + 4, row->probes[i].recall);
    }
    return SQLITE_OK;
}

int ck_graph_row_write(CkStore *store, int64_t model, const CkGraphRow *row, CkError *err) {
    Blobs blobs = {.levels = {0}};
    if (pack(row, &blobs, err) == SQLITE_OK) {
        ck_stmt_run(store, CK_SQL_GRAPH_PUT, err, "iiiiiiiiiibbbi", model, row->generation,
                    (int64_t)row->side, (int64_t)row->shape.m, (int64_t)row->shape.n[0],
                    (int64_t)row->n_twins, (int64_t)row->n_built, row->n_scan_blocks,
                    (int64_t)row->n_cells, row->n_celled, blobs.levels.data,
                    (int)blobs.levels.n_bytes, blobs.efforts.data, (int)blobs.efforts.n_bytes,
                    blobs.probes.data, (int)blobs.probes.n_bytes,
                    checksum_of(model, row, &blobs));
    }
    release(&blobs);
    return err->rc;
}
