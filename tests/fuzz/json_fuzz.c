/*
** The JSON parser: any text gives components or a message; what it gives is finite, and written
** with nine digits and read again it is the same bits.
*/
#include <math.h>

#include "base/limits.h"
#include "fuzz.h"
#include "vector/json.h"

#define NUMBER_BYTES 20 /* "-1.17549435e-38," */

static void check_round_trip(const float *x, uint32_t dims) {
    char *text = malloc((size_t)dims * NUMBER_BYTES + 3);
    int n = 0;
    text[n++] = '[';
    for (uint32_t i = 0; i < dims; i++) {
        n += snprintf(text + n, NUMBER_BYTES, "%s%.9g", i > 0 ? "," : "", (double)x[i]);
    }
    text[n++] = ']';
    text[n] = 0;
    CkError err = CK_ERROR_NONE;
    float *again = NULL;
    uint32_t n_again = 0;
    FUZZ_CHECK(ck_json_parse_f32(text, n, "t", &again, &n_again, &err) == SQLITE_OK);
    FUZZ_CHECK(n_again == dims && memcmp(again, x, dims * sizeof *x) == 0);
    sqlite3_free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    /* A copy of its own, so that a read past the zero byte is seen. */
    char *text = malloc(n + 1);
    memcpy(text, data, n);
    text[n] = 0;
    CkError err = CK_ERROR_NONE;
    float *x = NULL;
    uint32_t dims = 0;
    if (ck_json_parse_f32(text, (int)n, "t", &x, &dims, &err) == SQLITE_OK) {
        FUZZ_CHECK(x && dims > 0 && dims <= CK_DIMS_MAX && !err.message);
        for (uint32_t i = 0; i < dims; i++) FUZZ_CHECK(isfinite(x[i]));
        check_round_trip(x, dims);
    } else {
        FUZZ_CHECK(!x && err.rc == SQLITE_ERROR && strncmp(err.message, "t: ", 3) == 0);
    }
    sqlite3_free(x);
    ck_error_release(&err);
    free(text);
    return 0;
}
