/* Names of segments. */
#include "store/segment.h"

#include <string.h>

#include "unit.h"

static const char uuid[] = "0f8fad5b-d9cb-469f-a165-70867728950e";

static void reads_what_it_made(void) {
    CkSegmentName made = {.place = 0x1234567, .n_tombstones = 0xfedc}, name;
    ck_segment_name_make(uuid, &made);
    CHECK(strncmp(made.text, uuid, sizeof uuid - 1) == 0);
    ck_segment_name_read(made.text, &name);
    CHECK(name.place == 0x1234567);
    CHECK(name.n_tombstones == 0xfedc);
    CHECK_STR(name.text, made.text);
}

static void other_names_say_nothing(void) {
    static const char *const others[] = {
        "",
        "cache.ckpack",
        "0f8fad5b-d9cb-469f-a165-70867728950e-0000000000000001.ckpack",
        "0f8fad5b-d9cb-469f-a165-70867728950e-000000000000000g-00000000-00000000.ckpack",
        "0f8fad5b-d9cb-469f-a165-70867728950e-ffffffffffffffff-00000000-00000000.ckpack",
        "0f8fad5b-d9cb-469f-a165-70867728950e-0001000000000000-00000000-00000000.ckpack",
        "0f8fad5b-d9cb-469f-a165-70867728950e-0000000000000001-00000000_00000000.ckpack",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CkSegmentName name;
        ck_segment_name_read(others[i], &name);
        CHECK(name.place == 0);
        CHECK(name.n_tombstones == -1);
    }
}

void ck_test_store_segment(void) {
    reads_what_it_made();
    other_names_say_nothing();
}
