/*
** Which kernel tier runs: the best one that is compiled in and that this CPU and its operating
** system support, or the one CK_SIMD names.
**
** The Makefile defines CK_TIER_<name> for every tier it compiles. The choice is a single pointer
** to a constant table: written again with the same value when the extension is loaded into another
** connection, so threads need no lock, only an atomic load.
*/
#include "vector/kernels.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef CK_TIER_dotprod
#include <sys/auxv.h>
#endif

extern const CkKernels ck_kernels_portable;

static int has_portable(void) {
    return 1;
}

/* The compiler's run-time tests of x86 include the XSAVE state that the operating system must
** enable for the registers. F16C has no test of its own in all compilers: every CPU with AVX2 and
** FMA has it. */
#ifdef CK_TIER_avx2
extern const CkKernels ck_kernels_avx2;

static int has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("popcnt");
}
#endif

#ifdef CK_TIER_avx512
extern const CkKernels ck_kernels_avx512;

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("bmi2");
}
#endif

#ifdef CK_TIER_avx512vnni
extern const CkKernels ck_kernels_avx512vnni;

static int has_avx512vnni(void) {
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bitalg") &&
           __builtin_cpu_supports("avx512vpopcntdq");
}
#endif

#ifdef CK_TIER_neon
extern const CkKernels ck_kernels_neon;

static int has_neon(void) {
    return 1; /* part of the architecture */
}
#endif

#ifdef CK_TIER_dotprod
extern const CkKernels ck_kernels_dotprod;

/* The flags are those of all of ARMv8.2, so the compiler may use CRC32, LSE atomics and RDMA too:
** the tier wants their bits beside that of the dot product. */
static int has_dotprod(void) {
    const unsigned long crc32 = 1ul << 7, atomics = 1ul << 8, rdma = 1ul << 12;
    const unsigned long wanted = crc32 | atomics | rdma | 1ul << 20;
    return (getauxval(AT_HWCAP) & wanted) == wanted;
}
#endif

/* Ascending, each tier implying the ones before it: what this CPU can run is a prefix. */
static const CkKernels *const tiers[] = {
    &ck_kernels_portable,
#ifdef CK_TIER_avx2
    &ck_kernels_avx2,
#endif
#ifdef CK_TIER_avx512
    &ck_kernels_avx512,
#endif
#ifdef CK_TIER_avx512vnni
    &ck_kernels_avx512vnni,
#endif
#ifdef CK_TIER_neon
    &ck_kernels_neon,
#endif
#ifdef CK_TIER_dotprod
    &ck_kernels_dotprod,
#endif
};

/* The CPU test of each tier, in the same order. */
static int (*const has_cpu[])(void) = {
    has_portable,
#ifdef CK_TIER_avx2
    has_avx2,
#endif
#ifdef CK_TIER_avx512
    has_avx512,
#endif
#ifdef CK_TIER_avx512vnni
    has_avx512vnni,
#endif
#ifdef CK_TIER_neon
    has_neon,
#endif
#ifdef CK_TIER_dotprod
    has_dotprod,
#endif
};

#define N_TIERS (int)(sizeof tiers / sizeof tiers[0])

static const CkKernels *_Atomic current = &ck_kernels_portable;

const CkKernels *ck_kernels(void) {
    return atomic_load_explicit(&current, memory_order_relaxed);
}

const CkKernels *const *ck_kernels_usable(int *n) {
    *n = 0;
    while (*n < N_TIERS && has_cpu[*n]()) ++*n;
    return tiers;
}

void ck_kernels_init(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    const CkKernels *chosen = usable[n - 1];
    const char *wanted = getenv("CK_SIMD");
    for (int i = 0; wanted && i < n; i++) {
        if (strcmp(wanted, usable[i]->tier) == 0) chosen = usable[i];
    }
    atomic_store_explicit(&current, chosen, memory_order_relaxed);
}
