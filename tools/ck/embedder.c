/* What all embedders share, and the lexical one: see embedder.h. */
#include "embedder.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/coding.h"
#include "scan.h"

typedef struct Lexical {
    CkEmbedder head;
    CkScanner *scanner;
    CkBuf vector;
} Lexical;

int ck_embedder_open(CkEmbedder **embedder, const CkEmbedSettings *settings, CkError *err) {
    *embedder = NULL;
    if (settings->endpoint) return ck_embed_http_open(embedder, settings, err);
    if (settings->command) return ck_embed_command_open(embedder, settings, err);
    return ck_embed_lexical_open(embedder, err);
}

void ck_embedder_close(CkEmbedder *embedder) {
    if (embedder) embedder->close(embedder);
}

void ck_embed_item_fail(CkEmbedItem *item, const char *format, ...) {
    va_list args;
    if (item->error) return;
    va_start(args, format);
    item->error = sqlite3_vmprintf(format, args);
    va_end(args);
}

static void check_components(CkEmbedItem *item, const uint8_t *vector, uint32_t dims) {
    int is_zero = 1;
    for (uint32_t i = 0; i < dims; i++) {
        float value = ck_load_f32(vector + i * sizeof value);
        if (!isfinite(value)) {
            ck_embed_item_fail(item, "component %u of the vector is not a finite number", i);
            return;
        }
        is_zero &= value == 0;
    }
    if (is_zero) ck_embed_item_fail(item, "all components of the vector are zero");
}

int ck_embed_take(CkEmbedder *embedder, CkEmbedItem *item, const void *vector, size_t n_bytes,
                  CkError *err) {
    uint32_t dims = (uint32_t)(n_bytes / sizeof(float));
    if (n_bytes == 0 || n_bytes % sizeof(float) != 0) {
        ck_embed_item_fail(item, "the vector has %llu bytes, which is no number of floats",
                           (unsigned long long)n_bytes);
        return SQLITE_OK;
    }
    if (embedder->dims != 0 && dims != embedder->dims) {
        return ck_error_set(err, SQLITE_MISMATCH, "the vector has %u dims, expected %u", dims,
                            embedder->dims);
    }
    check_components(item, vector, dims);
    if (item->error) return SQLITE_OK;
    embedder->dims = dims;
    item->vector = sqlite3_malloc64(n_bytes);
    if (!item->vector) return ck_error_nomem(err);
    memcpy(item->vector, vector, n_bytes);
    return SQLITE_OK;
}

static int lexical_embed(CkEmbedder *head, CkEmbedItem *items, size_t n, CkError *err) {
    Lexical *lexical = (Lexical *)head;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        ck_buf_clear(&lexical->vector);
        if (items[i].vector || items[i].error) continue;
        if (ck_scan_embed(lexical->scanner, items[i].text, items[i].n_text, &lexical->vector,
                          err) == SQLITE_OK) {
            ck_embed_take(head, &items[i], lexical->vector.data, lexical->vector.n_bytes, err);
        }
    }
    return err->rc;
}

static void lexical_close(CkEmbedder *head) {
    Lexical *lexical = (Lexical *)head;
    ck_scanner_close(lexical->scanner);
    ck_buf_release(&lexical->vector);
    sqlite3_free(lexical);
}

int ck_embed_lexical_open(CkEmbedder **embedder, CkError *err) {
    Lexical *lexical = sqlite3_malloc64(sizeof *lexical);
    if (!lexical) return ck_error_nomem(err);
    memset(lexical, 0, sizeof *lexical);
    lexical->head = (CkEmbedder){.embed = lexical_embed, .close = lexical_close, .is_lexical = 1};
    if (ck_scanner_open(&lexical->scanner, err) != SQLITE_OK) {
        lexical_close(&lexical->head);
        return err->rc;
    }
    *embedder = &lexical->head;
    return SQLITE_OK;
}
