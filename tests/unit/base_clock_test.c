/* base/clock: it goes forward, at the pace of seconds. */
#include "base/clock.h"

#include <time.h>

#include "unit.h"

void ck_test_base_clock(void) {
    int64_t begin = ck_clock_ms(), before = begin;
    CHECK(begin > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = ck_clock_ms();
        CHECK_MSG(now >= before, "%lld after %lld", (long long)now, (long long)before);
        before = now;
    }
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    int64_t elapsed = ck_clock_ms() - begin;
    CHECK_MSG(elapsed >= 19 && elapsed < 10000, "20 ms took %lld", (long long)elapsed);
}
