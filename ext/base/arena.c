/* Arenas: see arena.h. */
#define _DEFAULT_SOURCE
#include "base/arena.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sqlite.h"

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

int ck_arena_init(CkArena *arena, size_t n_bytes) {
    void *base = mmap(NULL, n_bytes > 0 ? n_bytes : 1, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | CK_MAP_NORESERVE, -1, 0);
    memset(arena, 0, sizeof *arena);
    if (base == MAP_FAILED) return SQLITE_NOMEM;
    arena->base = base;
    arena->n_bytes = n_bytes;
    return SQLITE_OK;
}

void ck_arena_release(CkArena *arena) {
    if (arena->base) munmap(arena->base, arena->n_bytes > 0 ? arena->n_bytes : 1);
    memset(arena, 0, sizeof *arena);
}

void ck_arena_discard(CkArena *arena, size_t from, size_t n_bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t first = (from + page - 1) / page * page, end = (from + n_bytes) / page * page;
    if (first < end) madvise(arena->base + first, end - first, MADV_DONTNEED);
}

void ck_memory_advise_huge(void *base, size_t n_bytes) {
#if CK_HAS_HUGE_PAGES
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)base;
    uintptr_t first = (at + page - 1) / page * page, end = (at + n_bytes) / page * page;
    if (n_bytes < HUGE_PAGE_BYTES) return;
    madvise((uint8_t *)base + (first - at), end - first, MADV_HUGEPAGE);
#else
    (void)base;
    (void)n_bytes;
#endif
}

void ck_arena_advise_huge(CkArena *arena) {
    ck_memory_advise_huge(arena->base, arena->n_bytes);
#if CK_HAS_HUGE_PAGES
    if (arena->n_bytes < HUGE_PAGE_BYTES) return;
    madvise(arena->base, arena->n_bytes, CK_MADV_COLLAPSE); /* refused by old kernels */
#endif
}
