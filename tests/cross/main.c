/*
** The unit tests of the kernels alone, for machines that only an emulator has: prints the tiers the
** CPU can run, one a line, then what fails. It links no SQLite.
*/
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../unit/unit.h"
#include "vector/kernels.h"

void ck_test_vector_kernels(void);
void ck_test_vector_kernels_sign(void);

static int n_failures;

void unit_check(int ok, const char *file, int line, const char *format, ...) {
    if (ok || ++n_failures > 20) return;
    va_list args;
    va_start(args, format);
    printf("  %s:%d: ", file, line);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

void unit_check_int(long long actual, long long expected, const char *file, int line,
                    const char *what) {
    unit_check(actual == expected, file, line, "%s is %lld, not %lld", what, actual, expected);
}

void unit_check_str(const char *actual, const char *expected, const char *file, int line,
                    const char *what) {
    unit_check(strcmp(actual, expected) == 0, file, line, "%s is %s, not %s", what, actual,
               expected);
}

unsigned long long unit_random(unsigned long long *state) {
    unsigned long long x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dull;
}

int main(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    for (int i = 0; i < n; i++) printf("%s\n", usable[i]->tier);
    fflush(stdout);
    ck_test_vector_kernels();
    ck_test_vector_kernels_sign();
    return n_failures ? 1 : 0;
}
