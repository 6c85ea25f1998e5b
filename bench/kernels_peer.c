/* SimSIMD, header only, and the read loop: see kernels_peer.h. */
#include "kernels_peer.h"

#include <string.h>

uint64_t bench_read(const void *bytes, size_t n) {
    const char *p = bytes;
    uint64_t sum[8] = {0};
    for (; n >= sizeof sum; n -= sizeof sum, p += sizeof sum) {
        uint64_t line[8];
        memcpy(line, p, sizeof line);
        for (int i = 0; i < 8; i++) sum[i] ^= line[i];
    }
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        sum[0] ^= word;
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

#if __has_include(<simsimd/simsimd.h>)
#define SIMSIMD_NATIVE_F16 0
#define SIMSIMD_NATIVE_BF16 0
#include <simsimd/simsimd.h>

static const struct {
    const char *kernel;
    simsimd_metric_kind_t kind;
    simsimd_datatype_t type;
} metrics[] = {
    {"dot_f32", simsimd_metric_dot_k, simsimd_datatype_f32_k},
    {"l2sq_f32", simsimd_metric_l2sq_k, simsimd_datatype_f32_k},
    {"dot_f16", simsimd_metric_dot_k, simsimd_datatype_f16_k},
    {"l2sq_f16", simsimd_metric_l2sq_k, simsimd_datatype_f16_k},
    {"dot_i8", simsimd_metric_dot_k, simsimd_datatype_i8_k},
    {"dot_u8i8", simsimd_metric_dot_k, simsimd_datatype_i8_k},
    {"l2sq_i8", simsimd_metric_l2sq_k, simsimd_datatype_i8_k},
    {"hamming", simsimd_metric_hamming_k, simsimd_datatype_b8_k},
};

BenchPeer *bench_peer(const char *kernel) {
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        if (strcmp(metrics[i].kernel, kernel) != 0) continue;
        simsimd_kernel_punned_t found = NULL;
        simsimd_capability_t used = simsimd_cap_serial_k;
        simsimd_find_kernel_punned(metrics[i].kind, metrics[i].type, simsimd_capabilities(),
                                   simsimd_cap_any_k, &found, &used);
        return (BenchPeer *)found;
    }
    return NULL;
}

#else

BenchPeer *bench_peer(const char *kernel) {
    (void)kernel;
    return NULL;
}

#endif
