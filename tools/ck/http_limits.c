/*
** When a server wants to be asked again.
**
**     Retry-After: 20                              seconds (RFC 9110; a date is left to libcurl)
**     retry-after-ms: 350
**     x-ratelimit-remaining-requests: 0            also -tokens
**     x-ratelimit-reset-requests: 6m0s, 1.5s, 20ms or 3
*/
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "embed_http.h"

void ck_http_limits_init(CkHttpLimits *limits) {
    *limits = (CkHttpLimits){.remaining = -1, .reset_ms = -1, .retry_after_ms = -1};
}

/* "6m0s", "1.5s", "20ms"; a number alone is seconds. -1: something else. */
static int64_t duration_ms(const char *text) {
    double total = 0;
    while (*text) {
        char *end;
        double number = strtod(text, &end);
        double unit = 1000;
        if (end == text || number < 0 || number > 1e9) return -1;
        if (strncmp(end, "ms", 2) == 0) {
            unit = 1;
            end += 2;
        } else if (*end) {
            unit = *end == 's' ? 1e3 : *end == 'm' ? 6e4 : *end == 'h' ? 3.6e6 : -1;
            if (unit < 0) return -1;
            end++;
        }
        total += number * unit;
        text = end;
    }
    return total > 1e12 ? (int64_t)1e12 : (int64_t)total;
}

static int has_name(const char *line, const char *name, const char **value) {
    size_t n = strlen(name);
    if (strncasecmp(line, name, n) != 0) return 0;
    *value = line + n + strspn(line + n, " \t");
    return 1;
}

void ck_http_limits_header(CkHttpLimits *limits, const char *bytes, size_t n) {
    char line[256];
    const char *value;
    if (n >= sizeof line) return;
    memcpy(line, bytes, n);
    line[n] = 0;
    line[strcspn(line, "\r\n")] = 0;
    if (has_name(line, "retry-after:", &value)) {
        if (limits->retry_after_ms < 0) limits->retry_after_ms = duration_ms(value);
    } else if (has_name(line, "retry-after-ms:", &value)) {
        limits->retry_after_ms = duration_ms(value) / 1000;
    } else if (has_name(line, "x-ratelimit-remaining-requests:", &value) ||
               has_name(line, "x-ratelimit-remaining-tokens:", &value)) {
        int64_t remaining = strtoll(value, NULL, 10);
        if (limits->remaining < 0 || remaining < limits->remaining) limits->remaining = remaining;
    } else if (has_name(line, "x-ratelimit-reset-requests:", &value) ||
               has_name(line, "x-ratelimit-reset-tokens:", &value)) {
        int64_t reset = duration_ms(value);
        if (reset > limits->reset_ms) limits->reset_ms = reset;
    }
}
