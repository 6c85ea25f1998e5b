/*
** What a fuzz target is.
**
** tests/fuzz/NAME_fuzz.c defines LLVMFuzzerTestOneInput, which gets any bytes, does one thing with
** them and calls FUZZ_CHECK() on what must hold whatever they are. libFuzzer calls it where clang
** has it, driver.c otherwise. Memory errors are the sanitizers' to find.
*/
#ifndef CK_TESTS_FUZZ_H
#define CK_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FUZZ_CHECK(cond) \
    do { \
        if (!(cond)) { \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #cond); \
            abort(); \
        } \
    } while (0)

#endif
