/* base/arena: memory that is zero at first, keeps what is written, and is given back in parts. */
#include "base/arena.h"

#include "unit.h"

static void keeps_what_is_written(size_t n_bytes) {
    CkArena arena;
    CHECK_INT(ck_arena_init(&arena, n_bytes), SQLITE_OK);
    CHECK(arena.base && arena.n_bytes == n_bytes && (uintptr_t)arena.base % 4096 == 0);
    size_t n_wrong = 0;
    for (size_t i = 0; i < n_bytes; i += 4093) n_wrong += arena.base[i] != 0;
    for (size_t i = 0; i < n_bytes; i++) arena.base[i] = (uint8_t)(i % 251);
    ck_arena_advise_huge(&arena);
    for (size_t i = 0; i < n_bytes; i++) n_wrong += arena.base[i] != i % 251;
    CHECK_INT(n_wrong, 0);
    ck_arena_release(&arena);
    CHECK(!arena.base && arena.n_bytes == 0);
    ck_arena_release(&arena); /* and again, which is nothing */
}

/* Whatever part is given back, all around it stays; and it can be written again. */
static void gives_parts_back(void) {
    enum { BYTES = 200000 };
    CkArena arena;
    unsigned long long state = 5;
    CHECK_INT(ck_arena_init(&arena, BYTES), SQLITE_OK);
    for (int round = 0; round < 200; round++) {
        size_t from = unit_random(&state) % BYTES, n = unit_random(&state) % (BYTES - from + 1);
        if (round % 4 == 0) n = n % 100; /* less than a page */
        memset(arena.base, 7, BYTES);
        ck_arena_discard(&arena, from, n);
        size_t n_wrong = 0;
        for (size_t i = 0; i < from; i++) n_wrong += arena.base[i] != 7;
        for (size_t i = from + n; i < BYTES; i++) n_wrong += arena.base[i] != 7;
        CHECK_MSG(n_wrong == 0, "%zu bytes beside %zu .. %zu are lost", n_wrong, from, from + n);
    }
    ck_arena_release(&arena);
}

/* An arena is sized for what may come; a terabyte costs nothing, what cannot be is refused. */
static void is_address_space(void) {
    CkArena arena;
    CHECK_INT(ck_arena_init(&arena, (size_t)-1 / 2), SQLITE_NOMEM);
    CHECK(!arena.base && arena.n_bytes == 0);
    CHECK_INT(ck_arena_init(&arena, (size_t)1 << 36), SQLITE_OK);
    if (arena.base) arena.base[((size_t)1 << 36) - 1] = 1;
    ck_arena_release(&arena);
}

/* Any memory may be advised, wherever it begins and ends. */
static void advises_any_memory(void) {
    enum { BYTES = 5 << 20 };
    for (size_t at = 0; at < 3; at++) {
        uint8_t *memory = malloc(BYTES);
        memset(memory, 9, BYTES);
        ck_memory_advise_huge(memory + at * 1000, BYTES - at * 5000);
        size_t n_wrong = 0;
        for (size_t i = 0; i < BYTES; i++) n_wrong += memory[i] != 9;
        CHECK_INT(n_wrong, 0);
        free(memory);
    }
    ck_memory_advise_huge(NULL, 0);
}

void ck_test_base_arena(void) {
    keeps_what_is_written(0);
    keeps_what_is_written(1);
    keeps_what_is_written(100000);
    keeps_what_is_written((size_t)5 << 20);
    gives_parts_back();
    is_address_space();
    advises_any_memory();
}
