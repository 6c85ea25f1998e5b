/*
** The kernels of int8 codes (intcode.h) many at a time: the part of kernels_tier.c, which alone
** includes it, that a graph is searched and built with.
**
** Rows are padded to whole cache lines, with zeros on one side, so there are no tails.
*/

/* How many rows ahead of the one that is multiplied are fetched. */
#define GATHER_AHEAD 8
#define GATHER_SIGNS_AHEAD 16

/* Writes the sums of four registers, in order. */
INLINE void store_sums(int32_t *out, Ints a, Ints b, Ints c, Ints d) {
    uint32_t lanes[4 * ROWS];
    ints_store(lanes, ints_sum_lanes(a, b, c, d));
    for (int i = 0; i < 4; i++) {
        uint32_t sum = lanes[i];
        for (int j = 1; j < ROWS; j++) sum += lanes[4 * j + i];
        out[i] = (int32_t)sum;
    }
}

/* `rows` rows of a with four of b, all n_bytes long; row i of a is at a + i * n_bytes. The sums of
** row i go to out + i * out_stride. */
INLINE void tile_u8i8(int32_t *out, size_t out_stride, const uint8_t *a, int rows,
                      const uint8_t *const b[4], size_t n_bytes) {
    Ints s[4][4], excess[4];
    for (int j = 0; j < 4; j++) {
        excess[j] = ints_zero();
        for (int i = 0; i < rows; i++) s[i][j] = ints_zero();
    }
    for (size_t at = 0; at < n_bytes; at += CODES) {
        Codes x[4];
        for (int i = 0; i < rows; i++) x[i] = codes_load_u8(a + (size_t)i * n_bytes + at);
        for (int j = 0; j < 4; j++) {
            Codes y = codes_load_i8(b[j] + at);
            for (int i = 0; i < rows; i++) s[i][j] = ints_add_dot_u8i8(s[i][j], x[i], y);
            excess[j] = ints_add_excess_u8i8(excess[j], y);
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < 4; j++) s[i][j] = ints_sub(s[i][j], excess[j]);
        store_sums(out + (size_t)i * out_stride, s[i][0], s[i][1], s[i][2], s[i][3]);
    }
}

INLINE void fetch_row(const CkRows *rows, uint32_t which) {
    if (rows->n_fetched == 0) return;
    const uint8_t *row = rows->base + which * rows->stride;
    for (size_t at = 0; at < rows->n_fetched; at += 64) __builtin_prefetch(row + at);
    __builtin_prefetch(row + rows->n_fetched - 1);
}

/* What is made of the products with four rows, in the place of these. */
typedef void FinishFour(uint32_t four[4], const CkIntQuery *query, const uint8_t *const rows[4],
                        size_t factors_at);

INLINE void finish_dots(uint32_t four[4], const CkIntQuery *query, const uint8_t *const rows[4],
                        size_t factors_at) {
    (void)four;
    (void)query;
    (void)rows;
    (void)factors_at;
}

INLINE void finish_distances(uint32_t four[4], const CkIntQuery *query,
                             const uint8_t *const rows[4], size_t factors_at) {
    for (int i = 0; i < 4; i++) {
        const CkIntFactors *factors = (const CkIntFactors *)(const void *)(rows[i] + factors_at);
        four[i] = ck_f32_bits(ck_int_distance(query, factors, (int32_t)four[i]));
    }
}

INLINE void gather_of_length(uint8_t *out, const CkIntQuery *query, const CkRows *rows,
                             const uint32_t *which, size_t n, size_t n_bytes, FinishFour *finish) {
    const size_t factors_at = rows->n_fetched - sizeof(CkIntFactors);
    for (size_t i = 0; i < n && i < GATHER_AHEAD; i++) fetch_row(rows, which[i]);
    for (size_t i = 0; i < n; i += 4) {
        const uint8_t *four[4];
        int32_t dots[4];
        uint32_t results[4];
        size_t m = n - i < 4 ? n - i : 4;
        for (size_t j = 0; j < 4; j++) {
            size_t ahead = i + j + GATHER_AHEAD;
            if (ahead < n) fetch_row(rows, which[ahead]);
            four[j] = rows->base + which[i + (j < m ? j : 0)] * rows->stride;
        }
        tile_u8i8(dots, 0, query->codes, 1, four, n_bytes);
        memcpy(results, dots, sizeof results);
        finish(results, query, four, factors_at);
        if (m == 4) {
            memcpy(out + 4 * i, results, sizeof results);
        } else {
            memcpy(out + 4 * i, results, 4 * m);
        }
    }
}

/* 128, 384, 768 and 1,024 dims have loops of their own, in which the query stays in registers. */
INLINE void gather_rows(uint8_t *out, const CkIntQuery *query, const CkRows *rows,
                        const uint32_t *which, size_t n, FinishFour *finish) {
    switch (rows->n_bytes) {
    case 128: gather_of_length(out, query, rows, which, n, 128, finish); break;
    case 384: gather_of_length(out, query, rows, which, n, 384, finish); break;
    case 768: gather_of_length(out, query, rows, which, n, 768, finish); break;
    case 1024: gather_of_length(out, query, rows, which, n, 1024, finish); break;
    default: gather_of_length(out, query, rows, which, n, rows->n_bytes, finish);
    }
}

static void gather_u8i8(int32_t *out, const uint8_t *codes, const CkRows *rows,
                        const uint32_t *which, size_t n) {
    const CkIntQuery query = {.codes = (uint8_t *)codes};
    gather_rows((uint8_t *)out, &query, rows, which, n, finish_dots);
}

static void gather_distances(float *out, const CkIntQuery *query, const CkRows *rows,
                             const uint32_t *which, size_t n) {
    gather_rows((uint8_t *)out, query, rows, which, n, finish_distances);
}

INLINE void gather_bit4_of_length(uint32_t *out, const uint8_t *planes, const CkRows *rows,
                                  const uint32_t *which, size_t n, size_t n_bytes) {
    for (size_t i = 0; i < n && i < GATHER_SIGNS_AHEAD; i++) fetch_row(rows, which[i]);
    for (size_t i = 0; i < n; i++) {
        size_t ahead = i + GATHER_SIGNS_AHEAD;
        if (ahead < n) fetch_row(rows, which[ahead]);
        out[i] = dot_bit4_of_length(rows->base + which[i] * rows->stride, planes, n_bytes);
    }
}

static void gather_bit4(uint32_t *out, const uint8_t *planes, const CkRows *rows,
                        const uint32_t *which, size_t n) {
    switch (rows->n_bytes) {
    case 48: gather_bit4_of_length(out, planes, rows, which, n, 48); break;
    case 96: gather_bit4_of_length(out, planes, rows, which, n, 96); break;
    case 128: gather_bit4_of_length(out, planes, rows, which, n, 128); break;
    default: gather_bit4_of_length(out, planes, rows, which, n, rows->n_bytes);
    }
}

/* Four rows of b stay in the cache while all of a, which should be few, pass by. */
static void products_u8i8(int32_t *out, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b,
                          size_t n_bytes) {
    for (size_t j = 0; j < n_b; j += 4) {
        const uint8_t *four[4];
        for (size_t i = 0; i < 4; i++) four[i] = b + (j + i) * n_bytes;
        for (size_t i = 0; i < n_a; i += TILE) {
            tile_u8i8(out + i * n_b + j, n_b, a + i * n_bytes, TILE, four, n_bytes);
        }
    }
}

static int32_t sum_i8(const int8_t *a, size_t n) {
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i];
    return sum;
}

static void int_distances(float *out, const CkIntTerms *terms, const int32_t *dots, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float scale = terms->query_scale * terms->scale[i];
        float product = scale * (float)(dots[i] - 128 * terms->sum[i]);
        float add = terms->query_add + terms->add[i];
        out[i] = add - product;
    }
}
