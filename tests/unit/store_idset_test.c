/* store/idset: sealing sorts and drops duplicates, intersections equal a brute-force one. */
#include "store/idset.h"

#include "unit.h"

static void fill(CkIdSet *set, unsigned long long *state, int n, int range, char *present) {
    CkError err = CK_ERROR_NONE;
    ck_idset_init(set);
    for (int i = 0; i < n; i++) {
        int id = (int)(unit_random(state) % (unsigned)range);
        present[id] = 1;
        CHECK_INT(ck_idset_add(set, id, &err), SQLITE_OK);
    }
    ck_idset_seal(set);
}

static void check_equals(const CkIdSet *set, const char *present, int range, uint32_t seed) {
    size_t at = 0;
    for (int id = 0; id < range; id++) {
        if (!present[id]) continue;
        CHECK_MSG(at < ck_idset_count(set) && ck_idset_ids(set)[at] == id,
                  "seed %u: id %d is missing", seed, id);
        at++;
    }
    CHECK_INT(ck_idset_count(set), at);
}

static void test_random_intersections(void) {
    for (uint32_t seed = 1; seed <= 200; seed++) {
        unsigned long long state = seed;
        char in_a[64] = {0}, in_b[64] = {0};
        CkIdSet a, b;
        fill(&a, &state, (int)(seed % 40), 64, in_a);
        fill(&b, &state, (int)(seed * 7 % 50), 64, in_b);
        check_equals(&a, in_a, 64, seed);
        ck_idset_intersect(&a, &b);
        for (int id = 0; id < 64; id++) in_a[id] = in_a[id] && in_b[id];
        check_equals(&a, in_a, 64, seed);
        ck_idset_release(&a);
        ck_idset_release(&b);
    }
}

static void test_unrestricted_is_everything(void) {
    CkIdSet all, some;
    CkError err = CK_ERROR_NONE;
    ck_idset_init(&all);
    ck_idset_init(&some);
    ck_idset_add(&some, 7, &err);
    ck_idset_seal(&some);
    ck_idset_intersect(&some, &all);
    CHECK_INT(ck_idset_count(&some), 1);
    ck_idset_intersect(&all, &some);
    CHECK(all.restricts);
    CHECK_INT(ck_idset_count(&all), 1);
    ck_idset_release(&all);
    ck_idset_release(&some);
}

/* An empty set that was sealed lets nothing pass. */
static void test_empty_restricts(void) {
    CkIdSet none, other;
    ck_idset_init(&none);
    ck_idset_seal(&none);
    ck_idset_init(&other);
    ck_idset_intersect(&other, &none);
    CHECK(other.restricts);
    CHECK_INT(ck_idset_count(&other), 0);
    ck_idset_release(&none);
    ck_idset_release(&other);
}

void ck_test_store_idset(void) {
    test_random_intersections();
    test_unrestricted_is_everything();
    test_empty_restricts();
}
