/* How long a remote that failed is left alone. */
#include "unit.h"

#include "store/remote.h"

void ck_test_store_remote(void) {
    int64_t wait = CK_RETRY_FIRST_S;
    for (int64_t attempts = 1; attempts < 40; attempts++) {
        int64_t least = INT64_MAX, most = 0;
        for (uint64_t salt = 0; salt < 20000; salt++) {
            int64_t delay = ck_retry_delay_s(attempts, salt * 0x9e3779b97f4a7c15u);
            if (delay < least) least = delay;
            if (delay > most) most = delay;
        }
        CHECK_INT(least, wait - wait / 4 / 2);
        CHECK_INT(most, wait - wait / 4 / 2 + wait / 4);
        wait = wait * 2 < CK_RETRY_MAX_S ? wait * 2 : CK_RETRY_MAX_S;
    }
    CHECK_INT(ck_retry_delay_s(INT64_MAX, 0), CK_RETRY_MAX_S - CK_RETRY_MAX_S / 8);
}
