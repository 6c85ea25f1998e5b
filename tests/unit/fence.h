/*
** Memory between two pages that must not be touched: what a kernel reads or writes outside of its
** arguments ends the program, in every build and in intrinsics that no sanitizer sees.
*/
#ifndef CK_TESTS_FENCE_H
#define CK_TESTS_FENCE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct Fence {
    uint8_t *pages, *begin, *end;
    size_t n_bytes; /* of pages, the two forbidden ones included */
} Fence;

static inline Fence new_fence(size_t room) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    Fence fence = {.n_bytes = ((room + page - 1) / page + 2) * page};
    fence.pages = mmap(NULL, fence.n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0);
    if (fence.pages == MAP_FAILED) abort();
    fence.begin = fence.pages + page;
    fence.end = fence.pages + fence.n_bytes - page;
    mprotect(fence.pages, page, PROT_NONE);
    mprotect(fence.end, page, PROT_NONE);
    return fence;
}

/* Copies n bytes to where the fence begins or, every other time, to where it ends. */
static inline void *put(const Fence *fence, const void *bytes, size_t n, size_t turn) {
    uint8_t *to = turn % 2 ? fence->begin : fence->end - n;
    return memcpy(to, bytes, n);
}

static inline void free_fence(const Fence *fence) {
    munmap(fence->pages, fence->n_bytes);
}

#endif
