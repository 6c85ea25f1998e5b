/*
** JSON array of numbers to float32: see json.h.
**
** Number conversion. Nearly all numbers in embeddings have at most 19 significant digits and a
** small exponent, so they are w * 10^e with w < 2^64 and |e| <= 22, where 10^|e| is an exact
** double. Then (double)w times or over 10^|e| is two roundings away from the decimal: within 2
** units in the last place, which is far finer than float32 (2^29 of those units to one of its own).
** Rounding that double to float is therefore right, unless the double is within a few units of the
** midpoint of two floats, where the decimal may lie on the other side (the double-rounding
** problem). That, and everything outside these bounds, goes to the C library's strtof in the "C"
** locale, which rounds correctly (glibc, musl and the BSDs do) and whose decimal point setlocale()
** in the host cannot change. Digits after the 19th only count in that slow path.
**
** Must never: read past the zero byte at the end, or trust a length found in the text.
*/
#include "vector/json.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define DIGITS_MAX 19      /* 10^19 - 1 < 2^64 */
#define POWER_MAX 22       /* 10^22 is the largest power of ten that is an exact double */
#define EXPONENT_MAX 99999 /* larger exponents are left to strtof */

typedef struct Reader {
    const char *at, *begin, *end;
    const char *who;
    locale_t c_locale; /* opened by the first number that needs strtof */
    CkError *err;
} Reader;

/* A number as written: w * 10^exponent, exact only if is_exact. */
typedef struct Decimal {
    uint64_t w;
    int exponent;
    int n_digits; /* significant ones */
    int is_negative;
    int is_exact;
} Decimal;

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip_space(Reader *r) {
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r') r->at++;
}

/* The error "expected …, got …", describing what stands at r->at. */
static int fail_expected(Reader *r, const char *expected) {
    char got[24];
    unsigned char c = (unsigned char)*r->at;
    int n_letters = 0;
    while (n_letters < 16 && is_letter(r->at[n_letters])) n_letters++;
    if (r->at >= r->end) {
        sqlite3_snprintf(sizeof got, got, "the end");
    } else if (c < 0x20 || c >= 0x7f) {
        sqlite3_snprintf(sizeof got, got, "byte 0x%02x", c);
    } else {
        sqlite3_snprintf(sizeof got, got, "'%.*s'", n_letters > 0 ? n_letters : 1, r->at);
    }
    return ck_error_set(r->err, SQLITE_ERROR, "%s: JSON at byte %d: expected %s, got %s", r->who,
                        (int)(r->at - r->begin) + 1, expected, got);
}

/* Takes the digits at r->at into d; fraction is 1 behind the point. Returns how many there were. */
static int read_digits(Reader *r, Decimal *d, int fraction) {
    const char *first = r->at;
    for (; is_digit(*r->at); r->at++) {
        if (d->n_digits < DIGITS_MAX) {
            d->w = d->w * 10 + (uint64_t)(*r->at - '0');
            d->n_digits += d->w > 0;
            d->exponent -= fraction;
        } else {
            d->is_exact = 0;
        }
    }
    return (int)(r->at - first);
}

static int read_exponent(Reader *r, Decimal *d) {
    int is_negative = *r->at == '-';
    int exponent = 0;
    if (*r->at == '-' || *r->at == '+') r->at++;
    if (!is_digit(*r->at)) return fail_expected(r, "a digit of the exponent");
    for (; is_digit(*r->at); r->at++) {
        if (exponent > EXPONENT_MAX) continue;
        exponent = exponent * 10 + (*r->at - '0');
    }
    d->exponent += is_negative ? -exponent : exponent;
    return SQLITE_OK;
}

/* RFC 8259: [ - ] ( 0 | 1-9 digits ) [ . digits ] [ e [+-] digits ] */
static int read_decimal(Reader *r, Decimal *d) {
    *d = (Decimal){.is_exact = 1};
    if (*r->at == '-') {
        d->is_negative = 1;
        r->at++;
        if (!is_digit(*r->at)) return fail_expected(r, "a digit after '-'");
    }
    if (!is_digit(*r->at)) return fail_expected(r, "a number");
    if (r->at[0] == '0' && is_digit(r->at[1])) {
        r->at++;
        return fail_expected(r, "no digit after a leading 0");
    }
    read_digits(r, d, 0);
    if (*r->at == '.') {
        r->at++;
        if (read_digits(r, d, 1) == 0) return fail_expected(r, "a digit after '.'");
    }
    if (*r->at == 'e' || *r->at == 'E') {
        r->at++;
        return read_exponent(r, d);
    }
    return SQLITE_OK;
}

/* d by the fast path of this file's head. Returns 0 when it does not apply. */
static int decimal_to_float(const Decimal *d, float *out) {
    static const double power_of_ten[POWER_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };
    /* The 29 bits of a double that float drops; half of their range is the midpoint. */
    const uint64_t dropped = 0x1fffffffu, midpoint = 0x10000000u, margin = 8;
    uint64_t bits;
    if (!d->is_exact) return 0;
    double v = (double)d->w;
    if (v > 0) {
        if (d->exponent < -POWER_MAX || d->exponent > POWER_MAX) return 0;
        v = d->exponent < 0 ? v / power_of_ten[-d->exponent] : v * power_of_ten[d->exponent];
        memcpy(&bits, &v, sizeof bits);
        /* No subnormal float can arise: v is at least 1e-22. */
        if ((bits & dropped) - (midpoint - margin) <= 2 * margin) return 0;
    }
    *out = (float)(d->is_negative ? -v : v);
    return 1;
}

static int read_number(Reader *r, float *out) {
    const char *first = r->at;
    Decimal d;
    int rc = read_decimal(r, &d);
    if (rc != SQLITE_OK) return rc;
    if (!decimal_to_float(&d, out)) {
        if (!r->c_locale) r->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (!r->c_locale) return ck_error_nomem(r->err);
        *out = strtof_l(first, NULL, r->c_locale);
    }
    if (isinf(*out)) {
        int n = (int)(r->at - first);
        return ck_error_set(r->err, SQLITE_ERROR,
                            "%s: JSON at byte %d: %.*s%s is beyond the range of float32", r->who,
                            (int)(first - r->begin) + 1, n < 40 ? n : 40, first,
                            n > 40 ? "..." : "");
    }
    return SQLITE_OK;
}

static int read_array(Reader *r, float *out, uint32_t *dims) {
    uint32_t n = 0;
    skip_space(r);
    if (*r->at != '[') return fail_expected(r, "'['");
    r->at++;
    skip_space(r);
    if (*r->at == ']') return ck_error_set(r->err, SQLITE_ERROR, "%s: vector is empty", r->who);
    for (;;) {
        skip_space(r);
        if (n == CK_DIMS_MAX) {
            return ck_error_set(r->err, SQLITE_ERROR,
                                "%s: JSON at byte %d: more than %d components", r->who,
                                (int)(r->at - r->begin) + 1, CK_DIMS_MAX);
        }
        int rc = read_number(r, &out[n]);
        if (rc != SQLITE_OK) return rc;
        n++;
        skip_space(r);
        if (*r->at == ']') break;
        if (*r->at != ',') return fail_expected(r, "',' or ']'");
        r->at++;
    }
    r->at++;
    skip_space(r);
    if (r->at != r->end) return fail_expected(r, "the end");
    *dims = n;
    return SQLITE_OK;
}

int ck_json_parse_f32(const char *text, int n, const char *who, float **out, uint32_t *dims,
                      CkError *err) {
    Reader r = {.at = text, .begin = text, .end = text + n, .who = who, .err = err};
    *out = NULL;
    if (n > CK_JSON_MAX_BYTES) {
        return ck_error_set(err, SQLITE_ERROR, "%s: JSON text is %d bytes, the limit is %d", who,
                            n, CK_JSON_MAX_BYTES);
    }
    /* A component takes at least two bytes, itself and ',' or ']', so this never has to grow. */
    int capacity = n / 2 < CK_DIMS_MAX ? n / 2 + 1 : CK_DIMS_MAX;
    float *numbers = sqlite3_malloc64((uint64_t)capacity * sizeof *numbers);
    if (!numbers) return ck_error_nomem(err);
    int rc = read_array(&r, numbers, dims);
    if (r.c_locale) freelocale(r.c_locale);
    if (rc == SQLITE_OK) {
        *out = numbers;
    } else {
        sqlite3_free(numbers);
    }
    return rc;
}
