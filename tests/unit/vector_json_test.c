/* JSON arrays: what is read, what is refused and with which words, and correct rounding. */
#include "vector/json.h"

#include <float.h>
#include <locale.h>
#include <math.h>

#include "base/limits.h"
#include "unit.h"
#include "vector/quantize.h"

#define SEED 0x5eed0002u

static const char *const good[] = {
    "[1]", "[0]", "[-0]", "[1,2,3]", " \t\r\n[ 1 , 2 ]\n", "[0.5,-1e3,1E+3,1e-3]", "[1e-999]",
    "[0.000000000000000000000000000000000000000000001]", "[123456789012345678901234567890]",
    "[3.4028235e38]", "[0e99999999999]", "[1.5e00000000000000000000001]",
};

static const struct {
    const char *text, *message;
} bad[] = {
    {"", "t: JSON at byte 1: expected '[', got the end"},
    {"   ", "t: JSON at byte 4: expected '[', got the end"},
    {"[]", "t: vector is empty"},
    {"[ ]", "t: vector is empty"},
    {"[", "t: JSON at byte 2: expected a number, got the end"},
    {"[1", "t: JSON at byte 3: expected ',' or ']', got the end"},
    {"[1,", "t: JSON at byte 4: expected a number, got the end"},
    {"[1,]", "t: JSON at byte 4: expected a number, got ']'"},
    {"[,1]", "t: JSON at byte 2: expected a number, got ','"},
    {"[1,,2]", "t: JSON at byte 4: expected a number, got ','"},
    {"[1 2]", "t: JSON at byte 4: expected ',' or ']', got '2'"},
    {"[[1]]", "t: JSON at byte 2: expected a number, got '['"},
    {"[{}]", "t: JSON at byte 2: expected a number, got '{'"},
    {"{\"a\":1}", "t: JSON at byte 1: expected '[', got '{'"},
    {"1", "t: JSON at byte 1: expected '[', got '1'"},
    {"[\"1\"]", "t: JSON at byte 2: expected a number, got '\"'"},
    {"[1]x", "t: JSON at byte 4: expected the end, got 'x'"},
    {"[1][2]", "t: JSON at byte 4: expected the end, got '['"},
    {"[NaN]", "t: JSON at byte 2: expected a number, got 'NaN'"},
    {"[nan]", "t: JSON at byte 2: expected a number, got 'nan'"},
    {"[Infinity]", "t: JSON at byte 2: expected a number, got 'Infinity'"},
    {"[-Infinity]", "t: JSON at byte 3: expected a digit after '-', got 'Infinity'"},
    {"[null]", "t: JSON at byte 2: expected a number, got 'null'"},
    {"[true]", "t: JSON at byte 2: expected a number, got 'true'"},
    {"[+1]", "t: JSON at byte 2: expected a number, got '+'"},
    {"[-]", "t: JSON at byte 3: expected a digit after '-', got ']'"},
    {"[--1]", "t: JSON at byte 3: expected a digit after '-', got '-'"},
    {"[01]", "t: JSON at byte 3: expected no digit after a leading 0, got '1'"},
    {"[-01]", "t: JSON at byte 4: expected no digit after a leading 0, got '1'"},
    {"[.5]", "t: JSON at byte 2: expected a number, got '.'"},
    {"[5.]", "t: JSON at byte 4: expected a digit after '.', got ']'"},
    {"[5.e1]", "t: JSON at byte 4: expected a digit after '.', got 'e'"},
    {"[1e]", "t: JSON at byte 4: expected a digit of the exponent, got ']'"},
    {"[1e+]", "t: JSON at byte 5: expected a digit of the exponent, got ']'"},
    {"[1.5.5]", "t: JSON at byte 5: expected ',' or ']', got '.'"},
    {"[0x10]", "t: JSON at byte 3: expected ',' or ']', got 'x'"},
    {"[1,5;2]", "t: JSON at byte 5: expected ',' or ']', got ';'"},
    {"[1,\x01]", "t: JSON at byte 4: expected a number, got byte 0x01"},
    {"[1\v]", "t: JSON at byte 3: expected ',' or ']', got byte 0x0b"},
    {"[\xc3\xa9]", "t: JSON at byte 2: expected a number, got byte 0xc3"},
    {"\xef\xbb\xbf[1]", "t: JSON at byte 1: expected '[', got byte 0xef"},
    {"[1e999]", "t: JSON at byte 2: 1e999 is beyond the range of float32"},
    {"[0,-1e39]", "t: JSON at byte 4: -1e39 is beyond the range of float32"},
    {"[3.4028236e38]", "t: JSON at byte 2: 3.4028236e38 is beyond the range of float32"},
};

/* Parses text of n bytes; checks success or the message. Returns the first component. */
static float parse(const char *text, int n, const char *message, uint32_t *dims) {
    CkError err = CK_ERROR_NONE;
    float *x = NULL, first = 0;
    int rc = ck_json_parse_f32(text, n, "t", &x, dims, &err);
    CHECK_STR(err.message, message);
    CHECK_INT(rc, message ? SQLITE_ERROR : SQLITE_OK);
    if (message) CHECK(x == NULL);
    if (x) first = x[0];
    sqlite3_free(x);
    ck_error_release(&err);
    return first;
}

static void shapes_are_strict(void) {
    uint32_t dims = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        parse(good[i], (int)strlen(good[i]), NULL, &dims);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        parse(bad[i].text, (int)strlen(bad[i].text), bad[i].message, &dims);
    }
    parse("[1\0]", 4, "t: JSON at byte 3: expected ',' or ']', got byte 0x00", &dims);
    parse("[1]\0", 4, "t: JSON at byte 4: expected the end, got byte 0x00", &dims);
    CHECK(signbit(parse("[-0]", 4, NULL, &dims)));
    parse("[1, 2,3 ]", 9, NULL, &dims);
    CHECK_INT(dims, 3);
}

static void limits_are_named(void) {
    uint32_t dims = 0;
    int n = 2 * CK_DIMS_MAX + 1;
    char *text = malloc((size_t)CK_JSON_MAX_BYTES + 2);
    memset(text, '0', (size_t)CK_JSON_MAX_BYTES + 1);
    text[CK_JSON_MAX_BYTES + 1] = 0;
    parse(text, CK_JSON_MAX_BYTES + 1, "t: JSON text is 10000001 bytes, the limit is 10000000",
          &dims);
    /* One number of ten million digits is read, and is too large. */
    text[0] = '[';
    text[1] = '1';
    text[CK_JSON_MAX_BYTES - 1] = ']';
    text[CK_JSON_MAX_BYTES] = 0;
    CkError err = CK_ERROR_NONE;
    float *x;
    CHECK_INT(ck_json_parse_f32(text, CK_JSON_MAX_BYTES, "t", &x, &dims, &err), SQLITE_ERROR);
    CHECK(err.message && strstr(err.message, "beyond the range of float32"));
    ck_error_release(&err);
    for (int i = 1; i < n; i++) text[i] = i % 2 ? '7' : ',';
    text[n - 1] = ']';
    text[n] = 0;
    parse(text, n, NULL, &dims);
    CHECK_INT(dims, CK_DIMS_MAX);
    memcpy(text + n - 1, ",7]", 4);
    parse(text, n + 2, "t: JSON at byte 131074: more than 65536 components", &dims);
    free(text);
}

static void check_number(const char *number, float want) {
    char text[400];
    uint32_t dims = 0;
    int n = snprintf(text, sizeof text, "[%s]", number);
    float got = parse(text, n, NULL, &dims);
    CHECK_MSG(ck_f32_bits(got) == ck_f32_bits(want), "%s read as %.9g, not %.9g", number,
              (double)got, (double)want);
}

/* A random finite positive float below the largest, of any exponent or of those embeddings have. */
static float random_float(unsigned long long *state, int any_exponent) {
    uint32_t bits = (uint32_t)unit_random(state) & 0x7fffffffu;
    if (any_exponent) return ck_f32_from_bits(bits % 0x7f7fffffu);
    return ck_f32_from_bits(0x38000000u + bits % 0x08000000u);
}

/* Decimals of every length, compared with the C library in its default locale. */
static void decimals_round_like_the_library(void) {
    unsigned long long state = SEED;
    char number[360];
    for (int i = 0; i < 40000; i++) {
        double v = (double)random_float(&state, i % 2);
        v *= 1 + (double)(unit_random(&state) % 1000) * 1e-10;
        snprintf(number, sizeof number, i % 4 < 2 ? "%.*e" : "%.*g", i % 26, v);
        if (isinf(strtof(number, NULL))) continue;
        check_number(number, strtof(number, NULL));
    }
}

/* Exactly halfway between two floats, and a hair to either side: what converting through double
** gets wrong. The exact decimal of a midpoint has at most 113 significant digits here. */
static void midpoints_round_to_even(void) {
    unsigned long long state = SEED;
    char number[360];
    for (int i = 0; i < 4000; i++) {
        float low = random_float(&state, i % 4 == 0), high = nextafterf(low, INFINITY);
        float even = ck_f32_bits(low) & 1 ? high : low;
        double middle = ((double)low + (double)high) / 2;
        int n = snprintf(number, sizeof number, "%.160f", middle);
        if (strtod(number, NULL) != middle) continue;
        check_number(number, even);
        number[n++] = '1';
        number[n] = 0;
        check_number(number, high);
        /* Shortened: no longer the midpoint, but still the same double. */
        snprintf(number, sizeof number, "%.*g", 17 + i % 3, middle);
        check_number(number, strtof(number, NULL));
        snprintf(number, sizeof number, "%.17g", nextafter(middle, 0));
        check_number(number, low);
        snprintf(number, sizeof number, "%.19g", nextafter(middle, INFINITY));
        check_number(number, high);
    }
    check_number("1.00000017881393432617187499", 1.0000001f);
    check_number("1.00000017881393432617187500", 1.0000002f);
    check_number("1.00000017881393432617187501", 1.0000002f);
    check_number("7.0064923216240853e-46", 0.0f);
    check_number("7.0064923216240855e-46", FLT_TRUE_MIN);
    check_number("340282356779733661637539395458142568447", FLT_MAX);
}

/* A host with a decimal comma does not matter, on either path. */
static void the_locale_does_not_matter(void) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!setlocale(LC_NUMERIC, names[i])) continue;
        check_number("0.5", 0.5f);
        check_number("0.50000000000000000000000000", 0.5f);
        setlocale(LC_NUMERIC, "C");
    }
}

void ck_test_vector_json(void) {
    shapes_are_strict();
    limits_are_named();
    decimals_round_like_the_library();
    midpoints_round_to_even();
    the_locale_does_not_matter();
}
