/* Vectors in JSON: see answer.h. */
#include "answer.h"

#include <string.h>

#include "ck.h"
#include "tool_sql.h"

#define QUOTED_BYTES 80

enum { DATA, LINE, FLOATS, MESSAGE, N_STATEMENTS };

struct CkAnswers {
    sqlite3 *db;
    sqlite3_stmt *statements[N_STATEMENTS];
    CkBuf decoded;
};

int ck_answers_open(CkAnswers **out, CkError *err) {
    static const CkSqlId IDS[N_STATEMENTS] = {CK_SQL_ANSWER_DATA, CK_SQL_ANSWER_LINE,
                                              CK_SQL_ANSWER_FLOATS, CK_SQL_ANSWER_MESSAGE};
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    CkAnswers *answers = sqlite3_malloc64(sizeof *answers);
    char *message = NULL;
    *out = NULL;
    if (!answers) return ck_error_nomem(err);
    memset(answers, 0, sizeof *answers);
    int rc = sqlite3_open_v2(":memory:", &answers->db, flags, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_ck_init(answers->db, &message, NULL);
    if (rc != SQLITE_OK) {
        ck_error_set(err, rc, "no database in memory: %s", message ? message : sqlite3_errstr(rc));
    }
    sqlite3_free(message);
    for (int i = 0; i < N_STATEMENTS && err->rc == SQLITE_OK; i++) {
        rc = sqlite3_prepare_v3(answers->db, ck_sql[IDS[i]].text, -1, SQLITE_PREPARE_PERSISTENT,
                                &answers->statements[i], NULL);
        if (rc != SQLITE_OK) ck_error_db(err, answers->db, rc);
    }
    if (err->rc == SQLITE_OK) *out = answers;
    else ck_answers_close(answers);
    return err->rc;
}

void ck_answers_close(CkAnswers *answers) {
    if (!answers) return;
    for (int i = 0; i < N_STATEMENTS; i++) sqlite3_finalize(answers->statements[i]);
    sqlite3_close(answers->db);
    ck_buf_release(&answers->decoded);
    sqlite3_free(answers);
}

/* ---- One vector ---- */

static int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

/* 0 when it is not base64. */
static int decode(CkBuf *out, const char *text, size_t n) {
    uint32_t bits = 0;
    int n_bits = 0;
    ck_buf_clear(out);
    while (n > 0 && text[n - 1] == '=') n--;
    for (size_t i = 0; i < n; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0) return 0;
        bits = bits << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits < 8) continue;
        n_bits -= 8;
        uint8_t byte = (uint8_t)(bits >> n_bits);
        ck_buf_append(out, &byte, 1);
    }
    return out->rc == SQLITE_OK;
}

/* Takes the vector in column `column` (its JSON type in the one before) for an item. */
static int take(CkAnswers *answers, CkEmbedder *embedder, sqlite3_stmt *row, int column,
                CkEmbedItem *item, CkError *err) {
    const char *type = (const char *)sqlite3_column_text(row, column - 1);
    const char *text = (const char *)sqlite3_column_text(row, column);
    size_t n = (size_t)sqlite3_column_bytes(row, column);
    if (!type || !text) {
        ck_embed_item_fail(item, "the answer has no vector");
    } else if (strcmp(type, "text") == 0) {
        if (!decode(&answers->decoded, text, n)) ck_embed_item_fail(item, "not base64");
        else ck_embed_take(embedder, item, answers->decoded.data, answers->decoded.n_bytes, err);
    } else {
        sqlite3_stmt *stmt = answers->statements[FLOATS];
        sqlite3_bind_text64(stmt, 1, text, n, SQLITE_STATIC, SQLITE_UTF8);
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            ck_embed_take(embedder, item, sqlite3_column_blob(stmt, 0),
                          (size_t)sqlite3_column_bytes(stmt, 0), err);
        } else {
            ck_embed_item_fail(item, "%s", sqlite3_errmsg(answers->db));
        }
        sqlite3_reset(stmt);
    }
    return err->rc;
}

/* ---- Answers ---- */

/* How much of a line a message quotes. */
static int quoted_bytes(size_t n_line) {
    return n_line < QUOTED_BYTES ? (int)n_line : QUOTED_BYTES;
}

/* Forgets what was taken from an answer that is wrong as a whole. */
static void forget(CkEmbedItem *items, size_t n) {
    for (size_t i = 0; i < n; i++) {
        sqlite3_free(items[i].vector);
        sqlite3_free(items[i].error);
        items[i].vector = NULL;
        items[i].error = NULL;
    }
}

int ck_answers_read(CkAnswers *answers, CkEmbedder *embedder, const CkBuf *json,
                    CkEmbedItem *items, size_t n, CkError *err) {
    sqlite3_stmt *stmt = answers->statements[DATA];
    uint32_t dims = embedder->dims;
    size_t n_read = 0;
    int rc = SQLITE_DONE;
    sqlite3_bind_text64(stmt, 1, json->data ? (const char *)json->data : "", json->n_bytes,
                        SQLITE_STATIC, SQLITE_UTF8);
    while (err->rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        sqlite3_int64 index = sqlite3_column_int64(stmt, 0);
        if (sqlite3_column_type(stmt, 0) != SQLITE_INTEGER || index < 0 || index >= (int64_t)n) {
            ck_error_set(err, SQLITE_FORMAT, "an index is not 0 to %llu: %s",
                         (unsigned long long)(n - 1), sqlite3_column_text(stmt, 0));
        } else if (items[index].vector || items[index].error) {
            ck_error_set(err, SQLITE_FORMAT, "index %lld comes twice", index);
        } else {
            take(answers, embedder, stmt, 2, &items[index], err);
            n_read++;
        }
    }
    if (err->rc == SQLITE_OK && rc != SQLITE_DONE) {
        ck_error_set(err, SQLITE_FORMAT, "%s", sqlite3_errmsg(answers->db));
    }
    sqlite3_reset(stmt);
    if (err->rc == SQLITE_OK && n_read != n) {
        ck_error_set(err, SQLITE_FORMAT, "%llu vectors for %llu texts", (unsigned long long)n_read,
                     (unsigned long long)n);
    }
    if (err->rc != SQLITE_OK) {
        forget(items, n);
        embedder->dims = dims;
    }
    return err->rc;
}

/* Whose answer a line is that is no JSON: the digits behind the first "index":, or -1. */
static int64_t index_of_broken(const char *line, size_t n_line) {
    static const char name[] = "\"index\"";
    const char *end = line + n_line, *at = memmem(line, n_line, name, sizeof name - 1);
    int64_t index = -1;
    if (!at) return -1;
    at += sizeof name - 1;
    while (at < end && (*at == ' ' || *at == ':')) at++;
    for (; at < end && *at >= '0' && *at <= '9' && index < INT32_MAX; at++) {
        index = (index < 0 ? 0 : index * 10) + (*at - '0');
    }
    return index;
}

/* One that is no JSON, such as one with NaN, is the error of its text if it says which that is. */
static int take_broken(CkAnswers *answers, const char *line, size_t n_line, CkEmbedItem *items,
                       size_t n, CkError *err) {
    const char *message = sqlite3_errmsg(answers->db);
    int64_t index = index_of_broken(line, n_line);
    if (index >= 0 && index < (int64_t)n && !items[index].vector && !items[index].error) {
        ck_embed_item_fail(&items[index], "the answer is not JSON (%s), numbers must be finite: "
                           "%.*s", message, quoted_bytes(n_line), line);
        return SQLITE_OK;
    }
    return ck_error_set(err, SQLITE_FORMAT, "%s: %.*s (only answers may be written to stdout)",
                        message, quoted_bytes(n_line), line);
}

int ck_answers_line(CkAnswers *answers, CkEmbedder *embedder, const char *line, size_t n_line,
                    CkEmbedItem *items, size_t n, CkError *err) {
    sqlite3_stmt *stmt = answers->statements[LINE];
    sqlite3_bind_text64(stmt, 1, line, n_line, SQLITE_STATIC, SQLITE_UTF8);
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        take_broken(answers, line, n_line, items, n, err);
    } else {
        sqlite3_int64 index = sqlite3_column_int64(stmt, 0);
        const char *error = (const char *)sqlite3_column_text(stmt, 3);
        if (sqlite3_column_type(stmt, 0) != SQLITE_INTEGER || index < 0 || index >= (int64_t)n) {
            ck_error_set(err, SQLITE_FORMAT, "an index is not 0 to %llu: %.*s",
                         (unsigned long long)(n - 1), quoted_bytes(n_line), line);
        } else if (items[index].vector || items[index].error) {
            ck_error_set(err, SQLITE_FORMAT, "index %lld comes twice", index);
        } else if (error) {
            ck_embed_item_fail(&items[index], "%s", error);
        } else {
            take(answers, embedder, stmt, 2, &items[index], err);
        }
    }
    sqlite3_reset(stmt);
    return err->rc;
}

char *ck_answers_message(CkAnswers *answers, const CkBuf *body) {
    sqlite3_stmt *stmt = answers->statements[MESSAGE];
    const char *text = body->data ? (const char *)body->data : "";
    const char *found = NULL;
    sqlite3_bind_text64(stmt, 1, text, body->n_bytes, SQLITE_STATIC, SQLITE_UTF8);
    if (sqlite3_step(stmt) == SQLITE_ROW) found = (const char *)sqlite3_column_text(stmt, 0);
    char *message = found ? sqlite3_mprintf("%s", found)
                          : sqlite3_mprintf("%.*s", (int)body->n_bytes, text);
    sqlite3_reset(stmt);
    for (char *c = message; c && *c; c++) {
        if ((uint8_t)*c < 0x20 || *c == 0x7f) *c = ' ';
    }
    return message;
}
