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

extern const CkKernels ck_kernels_portable;
#ifdef CK_TIER_avx2
extern const CkKernels ck_kernels_avx2;
#endif

static int has_portable(void) {
    return 1;
}

#ifdef CK_TIER_avx2
/* The compiler's run-time test includes the XSAVE state the operating system must enable. F16C
** needs no test of its own: every CPU with AVX2 and FMA has it. */
static int has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

/* Ascending, each tier implying the ones before it: what this CPU can run is a prefix. */
static const CkKernels *const tiers[] = {
    &ck_kernels_portable,
#ifdef CK_TIER_avx2
    &ck_kernels_avx2,
#endif
};

/* The CPU test of each tier, in the same order. */
static int (*const has_cpu[])(void) = {
    has_portable,
#ifdef CK_TIER_avx2
    has_avx2,
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
