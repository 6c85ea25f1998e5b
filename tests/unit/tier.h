/*
** Runs on kernels of another tier than those that were chosen: keep, use, restore.
*/
#ifndef CK_TESTS_TIER_H
#define CK_TESTS_TIER_H

#include <stdlib.h>
#include <string.h>

#include "vector/kernels.h"

/* What CK_SIMD says; restore_tier() takes it. */
static inline char *keep_tier(void) {
    const char *tier = getenv("CK_SIMD");
    return tier ? strdup(tier) : NULL;
}

static inline void use_tier(const char *tier) {
    setenv("CK_SIMD", tier, 1);
    ck_kernels_init();
}

static inline void restore_tier(char *kept) {
    if (kept) {
        use_tier(kept);
    } else {
        unsetenv("CK_SIMD");
        ck_kernels_init();
    }
    free(kept);
}

#endif
