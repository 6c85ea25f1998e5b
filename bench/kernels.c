/*
** The distance kernels beside SimSIMD: nanoseconds a call, for every tier this CPU has.
**
**     kernels [--quick] [--cpu] [--rows FILE] [NAME…]        NAME: dot_f32 …, all unless told
**
** A query stays where it is and meets one row after another: rows that fit into L1, into L2, 400
** MB of them in order ("stream"), and the same in random order ("random"; huge pages, so that the
** TLB plays little part). All sides take turns. "read" only reads the rows: in a stream, the limit
** that memory sets. The line of a figure is the best tier; its peer is SimSIMD, where that has the
** kernel, or in a stream the faster of SimSIMD and "read". The line below has all sides. Blocks of
** codes are not taken in random order; coding a vector or a query is measured in L1 alone.
*/
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "gen.h"
#include "kernels_peer.h"
#include "vector/kernels.h"
#include "vector/quantize.h"
#include "vector/signcode.h"

#define BLOCK_BYTES ((size_t)1 << 20)
#define MEMORY_BYTES ((size_t)400 << 20)
#define QUERY_BYTES 4096
#define N_RANDOM 100000
#define BLOCK_ROWS ((size_t)423) /* of 768 dims in a block of the scan plane */
#define SIDES_MAX BENCH_SIDES_MAX

typedef enum Element { F32, F16, I8, BIT } Element;

/* Where the rows are, and in which order they are read. */
typedef struct Rows {
    const char *at;
    size_t row_bytes, n, n_passes;
    const uint32_t *order; /* NULL: as they lie */
    const void *query;
    size_t length; /* what a kernel takes: components, or bytes of bits */
} Rows;

/* A way to go through the rows once; the sum keeps the compiler from leaving anything out. */
typedef struct Pass {
    double (*run)(const struct Pass *pass);
    const Rows *rows;
    const CkKernels *kernels;
    BenchPeer *peer;
} Pass;

static inline const void *row_at(const Rows *rows, size_t i) {
    return rows->at + (rows->order ? rows->order[i] : i) * rows->row_bytes;
}

#define DEFINE_PASS(kernel)                                                             \
    static double pass_##kernel(const Pass *pass) {                                     \
        const Rows *r = pass->rows;                                                     \
        double sum = 0;                                                                 \
        for (size_t i = 0; i < r->n; i++) {                                             \
            sum += (double)pass->kernels->kernel(r->query, row_at(r, i), r->length);    \
        }                                                                               \
        return sum;                                                                     \
    }

DEFINE_PASS(dot_f32)
DEFINE_PASS(l2sq_f32)
DEFINE_PASS(l1_f32)
DEFINE_PASS(dot_f16)
DEFINE_PASS(l2sq_f16)
DEFINE_PASS(l1_f16)
DEFINE_PASS(dot_i8)
DEFINE_PASS(dot_u8i8)
DEFINE_PASS(l2sq_i8)
DEFINE_PASS(l1_i8)
DEFINE_PASS(hamming)

/* The code is what streams by; the query is its four planes. */
static double pass_dot_bit4(const Pass *pass) {
    const Rows *r = pass->rows;
    double sum = 0;
    for (size_t i = 0; i < r->n; i++) {
        sum += (double)pass->kernels->dot_bit4(row_at(r, i), r->query, r->length);
    }
    return sum;
}

/* As a search meets codes: block by block. */
static double pass_dots_bit4(const Pass *pass) {
    const Rows *r = pass->rows;
    static uint32_t dots[BLOCK_ROWS];
    double sum = 0;
    for (size_t i = 0; i < r->n; i += BLOCK_ROWS) {
        size_t n = r->n - i < BLOCK_ROWS ? r->n - i : BLOCK_ROWS;
        pass->kernels->dots_bit4(dots, row_at(r, i), n, r->query, r->length);
        sum += (double)dots[0];
    }
    return sum;
}

/* signcode.h takes the kernels of the whole program. */
static void use_tier(const CkKernels *kernels) {
    setenv("CK_SIMD", kernels->tier, 1);
    ck_kernels_init();
}

/* A scan that finds nothing near: the heads, which are half of the rows, with their columns, which
** a block has beside its codes and which stay in L1 here. */
static double pass_sign_scan(const Pass *pass) {
    const Rows *r = pass->rows;
    static uint32_t dots[2 * BLOCK_ROWS], slots[2 * BLOCK_ROWS], ones[2 * BLOCK_ROWS];
    static float keys[2 * BLOCK_ROWS], add[2 * BLOCK_ROWS], mul[2 * BLOCK_ROWS];
    static uint8_t planes[QUERY_BYTES];
    size_t head = r->length / 2;
    memcpy(planes, r->query, 4 * head);
    CkSignQuery query = {planes, 1, -1, 0.1f, {planes, head, 0, 1}, {planes, head, 0, 1}};
    double sum = 0;
    use_tier(pass->kernels);
    for (size_t i = 0; i < r->n; i += BLOCK_ROWS) {
        size_t n = r->n - i < BLOCK_ROWS ? r->n - i : BLOCK_ROWS;
        CkSignColumns columns = {2 * n, add, mul, ones, row_at(r, i), planes};
        sum += (double)ck_sign_scan(&query, &columns, -INFINITY, dots, slots, keys);
    }
    return sum;
}

static double pass_sign_encode(const Pass *pass) {
    const Rows *r = pass->rows;
    static float scratch[QUERY_BYTES / sizeof(float)];
    static uint8_t code[QUERY_BYTES];
    CkSignSpace space = {r->query, (uint32_t)r->length, 0};
    CkSignFactors factors;
    double sum = 0;
    use_tier(pass->kernels);
    for (size_t i = 0; i < r->n; i++) {
        ck_sign_encode(&space, row_at(r, i), 1, scratch, code, &factors);
        sum += (double)factors.add;
    }
    return sum;
}

static double pass_sign_query(const Pass *pass) {
    const Rows *r = pass->rows;
    static float scratch[QUERY_BYTES / sizeof(float)];
    static uint8_t planes[QUERY_BYTES];
    CkSignSpace space = {r->query, (uint32_t)r->length, 0};
    CkSignQuery query = {.planes = planes};
    double sum = 0;
    use_tier(pass->kernels);
    for (size_t i = 0; i < r->n; i++) {
        ck_sign_query(&space, row_at(r, i), 1, scratch, &query);
        sum += (double)query.sum;
    }
    return sum;
}

static double pass_peer(const Pass *pass) {
    const Rows *r = pass->rows;
    double sum = 0, distance;
    for (size_t i = 0; i < r->n; i++) {
        pass->peer(r->query, row_at(r, i), r->length, &distance);
        sum += distance;
    }
    return sum;
}

static double pass_read(const Pass *pass) {
    const Rows *r = pass->rows;
    uint64_t sum = 0;
    for (size_t i = 0; i < r->n; i++) sum += bench_read(row_at(r, i), r->row_bytes);
    return (double)sum;
}

typedef struct Kernel {
    const char *name;
    Element element;
    double (*pass)(const Pass *pass);
    double aim_l1, aim_stream; /* ns at 768 dims, or 0 */
    int n_places;              /* of `places`; 0: all */
} Kernel;

static const Kernel kernels[] = {
    {"dot_f32", F32, pass_dot_f32, 0, 0, 0},
    {"l2sq_f32", F32, pass_l2sq_f32, 0, 0, 0},
    {"l1_f32", F32, pass_l1_f32, 0, 0, 0},
    {"dot_f16", F16, pass_dot_f16, 0, 0, 0},
    {"l2sq_f16", F16, pass_l2sq_f16, 0, 0, 0},
    {"l1_f16", F16, pass_l1_f16, 0, 0, 0},
    {"dot_i8", I8, pass_dot_i8, 5, 0, 0},
    {"dot_u8i8", I8, pass_dot_u8i8, 5, 0, 0},
    {"l2sq_i8", I8, pass_l2sq_i8, 0, 0, 0},
    {"l1_i8", I8, pass_l1_i8, 0, 0, 0},
    {"hamming", BIT, pass_hamming, 0, 4, 0},
    {"dot_bit4", BIT, pass_dot_bit4, 0, 4, 0},
    {"dots_bit4", BIT, pass_dots_bit4, 0, 4.5, 3},
    {"sign_scan", BIT, pass_sign_scan, 0, 4.5, 3},
    {"sign_encode", F32, pass_sign_encode, 400, 0, 1},
    {"sign_query", F32, pass_sign_query, 1500, 0, 1},
};
#define N_KERNELS (int)(sizeof kernels / sizeof *kernels)

static const struct {
    const char *name;
    size_t n_bytes; /* of rows */
    int in_memory, random;
} places[] = {
    {"L1", 12 << 10, 0, 0},
    {"L2", 512 << 10, 0, 0},
    {"stream", MEMORY_BYTES, 1, 0},
    {"random", MEMORY_BYTES, 1, 1},
};
#define N_PLACES (int)(sizeof places / sizeof *places)

static const BenchUnit ns = {"ns", 1e9, 0};
static volatile double sink;

static double run_pass(void *state) {
    const Pass *pass = state;
    double started = bench_now();
    for (size_t i = 0; i < pass->rows->n_passes; i++) sink += pass->run(pass);
    return bench_now() - started;
}

/* Finite numbers around 0 of the element type, the same block again and again. */
static void fill(char *memory, size_t n_bytes, Element element) {
    Gen gen = {1};
    for (size_t i = 0; i < BLOCK_BYTES; i += 4) {
        float x = gen_normal(&gen) / 32, y = gen_normal(&gen) / 32;
        uint32_t bits = ck_f32_bits(x);
        if (element == F16) bits = ck_f16_from_f32(x) | (uint32_t)ck_f16_from_f32(y) << 16;
        if (element == I8 || element == BIT) bits = (uint32_t)gen_u64(&gen);
        memcpy(memory + i, &bits, sizeof bits);
    }
    for (size_t i = BLOCK_BYTES; i < n_bytes; i += BLOCK_BYTES) {
        memcpy(memory + i, memory, n_bytes - i < BLOCK_BYTES ? n_bytes - i : BLOCK_BYTES);
    }
}

static size_t bytes_of(Element element, int dims) {
    static const int bits[] = {[F32] = 32, [F16] = 16, [I8] = 8, [BIT] = 1};
    return (size_t)(dims * bits[element] / 8);
}

/* What the other sides took, and the rate of the best tier. */
static void note_sides(const BenchTimes *times, const BenchSide *sides, int n, double work,
                       size_t row_bytes, int best) {
    char text[256];
    size_t at = 0;
    for (int i = 0; i < n && at < sizeof text; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s %.2f  ", sides[i].name,
                               bench_median(times, i) / work * 1e9);
    }
    bench_note("    ns: %s  %.1f GB/s", text,
               (double)row_bytes * work / bench_median(times, best) * 1e-9);
}

/* Sides: the tiers, "read", and SimSIMD if it has the kernel. */
static void measure(Bench *bench, const Kernel *kernel, int place, int dims, const Rows *rows) {
    Pass passes[SIDES_MAX];
    BenchSide sides[SIDES_MAX];
    int n_tiers, n = 0;
    const CkKernels *const *tiers = ck_kernels_usable(&n_tiers);
    BenchPeer *peer = bench_peer(kernel->name);
    for (; n < n_tiers; n++) {
        passes[n] = (Pass){kernel->pass, rows, tiers[n], NULL};
        sides[n] = (BenchSide){tiers[n]->tier, run_pass, &passes[n]};
    }
    const int best = n - 1, read = n++;
    passes[read] = (Pass){pass_read, rows, NULL, NULL};
    sides[read] = (BenchSide){"read", run_pass, &passes[read]};
    if (peer) {
        passes[n] = (Pass){pass_peer, rows, NULL, peer};
        sides[n] = (BenchSide){"SimSIMD", run_pass, &passes[n]};
        n++;
    }
    BenchTimes times;
    bench_rounds(&times, sides, n, 1, bench_size(bench, places[place].in_memory ? 7 : 15, 3));
    /* Only where memory has to bring every row in order does reading it set a limit. */
    const int is_stream = places[place].in_memory && !places[place].random;
    int beside = peer ? n - 1 : read;
    if (is_stream && bench_median(&times, read) < bench_median(&times, beside)) beside = read;
    int has_peer = peer || is_stream;
    int has_vnni = strcmp(sides[best].name, "avx512vnni") == 0;
    char name[64];
    snprintf(name, sizeof name, "kernels %s %d %s", kernel->name, dims, places[place].name);
    BenchPair pair = {name, best, beside, has_peer ? sides[beside].name : NULL, 0, &ns, {0, 0}};
    pair.work = (double)(rows->n * rows->n_passes);
    if (has_peer && dims == 768) pair.aim.ratio = 1 / 1.1;
    if (place == 0 && dims == 768 && has_vnni) pair.aim.figure = kernel->aim_l1;
    if (is_stream && dims == 768) pair.aim.figure = kernel->aim_stream;
    bench_report(bench, &times, &pair);
    note_sides(&times, sides, n, pair.work, rows->row_bytes, best);
}

static void bench_kernel(Bench *bench, const Kernel *kernel, char *memory, uint32_t *order) {
    size_t n_memory = bench->quick ? 8 * BLOCK_BYTES : MEMORY_BYTES;
    /* 63 bytes more: the query starts on a cache line, as rows of these sizes do. */
    static char query[QUERY_BYTES + 63];
    fill(memory, n_memory, kernel->element);
    char *aligned = query + (-(uintptr_t)query & 63);
    memcpy(aligned, memory + BLOCK_BYTES / 2, QUERY_BYTES);
    for (int dims = 384; dims <= 768; dims += 384) {
        int n_places = kernel->n_places ? kernel->n_places : N_PLACES;
        for (int place = 0; place < n_places; place++) {
            size_t n_bytes = places[place].in_memory ? n_memory : places[place].n_bytes;
            Rows rows = {.at = memory, .row_bytes = bytes_of(kernel->element, dims)};
            rows.n = n_bytes / rows.row_bytes;
            rows.query = aligned;
            rows.length = kernel->element == BIT ? rows.row_bytes : (size_t)dims;
            rows.n_passes = places[place].in_memory || bench->quick ? 1 : 100000 / rows.n + 1;
            if (places[place].random) {
                Gen gen = {7};
                for (int i = 0; i < N_RANDOM; i++) {
                    order[i] = (uint32_t)gen_below(&gen, (int)rows.n);
                }
                rows.order = order;
                rows.n = (size_t)bench_size(bench, N_RANDOM, 1000);
            }
            measure(bench, kernel, place, dims, &rows);
        }
    }
}

static int is_chosen(const char *name, int n, char **names) {
    int n_names = 0;
    for (int i = 1; i < n; i++) {
        if (strcmp(names[i], "--rows") == 0) {
            i++;
        } else if (names[i][0] != '-') {
            n_names++;
            if (strcmp(name, names[i]) == 0) return 1;
        }
    }
    return n_names == 0;
}

int main(int argc, char **argv) {
    Bench bench = {.directory = "."};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) bench.quick = 1;
        if (strcmp(argv[i], "--cpu") == 0) bench_use_cpu_time();
        if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc) bench.rows = fopen(argv[++i], "w");
    }
    char *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                        0);
    if (memory == MAP_FAILED) bench_fail("no %zu bytes of memory", MEMORY_BYTES);
    madvise(memory, MEMORY_BYTES, MADV_HUGEPAGE);
    uint32_t *order = bench_alloc(N_RANDOM * sizeof *order);
    if (!bench_peer("dot_f32")) bench_note("SimSIMD is not installed: no peer");
    for (int i = 0; i < N_KERNELS; i++) {
        if (is_chosen(kernels[i].name, argc, argv)) {
            bench_kernel(&bench, &kernels[i], memory, order);
        }
    }
    if (bench.rows) fclose(bench.rows);
    if (!bench.quick) bench_note("%d aims missed", bench.n_missed);
    free(order);
    munmap(memory, MEMORY_BYTES);
    return 0;
}
