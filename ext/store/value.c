/* SQL values as the store takes them: see value.h. */
#include "store/value.h"

#include <string.h>

static const char *const type_names[] = {"", "INTEGER", "REAL", "TEXT", "BLOB", "NULL"};

const char *ck_type_name(sqlite3_value *value) {
    int type = value ? sqlite3_value_type(value) : SQLITE_NULL;
    return type_names[type >= 1 && type <= 5 ? type : 5];
}

int ck_hash_from_value(sqlite3_value *value, const char *who, uint8_t hash[CK_HASH_BYTES],
                       CkError *err) {
    if (!value || sqlite3_value_type(value) != SQLITE_BLOB) {
        return ck_error_set(err, SQLITE_ERROR, "%s: hash must be a BLOB of %d bytes, got %s", who,
                            CK_HASH_BYTES, ck_type_name(value));
    }
    int n = sqlite3_value_bytes(value);
    if (n != CK_HASH_BYTES) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: hash must be a BLOB of %d bytes, got a BLOB of %d", who,
                            CK_HASH_BYTES, n);
    }
    memcpy(hash, sqlite3_value_blob(value), CK_HASH_BYTES);
    return SQLITE_OK;
}

int ck_text_from_value(sqlite3_value *value, const char *who, const char *what, int max,
                       const char **text, CkError *err) {
    *text = NULL;
    if (!value || sqlite3_value_type(value) != SQLITE_TEXT) {
        return ck_error_set(err, SQLITE_ERROR, "%s: %s must be TEXT, got %s", who, what,
                            ck_type_name(value));
    }
    const char *bytes = (const char *)sqlite3_value_text(value);
    if (!bytes) return ck_error_nomem(err);
    int n = sqlite3_value_bytes(value);
    if (n < 1 || n > max) {
        return ck_error_set(err, SQLITE_ERROR, "%s: %s must have 1..%d bytes, got %d", who, what,
                            max, n);
    }
    /* A NUL would end the name early in every message and in other languages' bindings. */
    if ((int)strlen(bytes) != n) {
        return ck_error_set(err, SQLITE_ERROR, "%s: %s contains a NUL character", who, what);
    }
    *text = bytes;
    return SQLITE_OK;
}

int ck_content_from_value(sqlite3_value *value, const char *who, CkBytes *content, CkError *err) {
    int type = value ? sqlite3_value_type(value) : SQLITE_NULL;
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) {
        return ck_error_set(err, SQLITE_ERROR, "%s: content must be TEXT or BLOB, got %s", who,
                            ck_type_name(value));
    }
    const void *data = type == SQLITE_TEXT ? (const void *)sqlite3_value_text(value)
                                           : sqlite3_value_blob(value);
    content->n = (size_t)sqlite3_value_bytes(value);
    if (!data && content->n > 0) return ck_error_nomem(err);
    content->data = data ? data : "";
    return SQLITE_OK;
}

int ck_key_from_values(const CkKeyHasher *hasher, sqlite3_value **argv, const char *who,
                       uint8_t key[CK_HASH_BYTES], CkError *err) {
    const char *model, *version;
    CkBytes content;
    if (ck_text_from_value(argv[0], who, "model", CK_NAME_MAX, &model, err) != SQLITE_OK ||
        ck_text_from_value(argv[1], who, "version", CK_NAME_MAX, &version, err) != SQLITE_OK ||
        ck_content_from_value(argv[2], who, &content, err) != SQLITE_OK) {
        return err->rc;
    }
    CkBytes model_bytes = {model, (size_t)sqlite3_value_bytes(argv[0])};
    CkBytes version_bytes = {version, (size_t)sqlite3_value_bytes(argv[1])};
    ck_key_compute(hasher, model_bytes, version_bytes, content, key);
    return SQLITE_OK;
}

int ck_integer_from_value(sqlite3_value *value, const char *who, const char *what,
                          const CkRange *range, int64_t *out, CkError *err) {
    int type = value ? sqlite3_value_type(value) : SQLITE_NULL;
    /* A whole REAL is what JSON and some bindings make of an integer. */
    int whole = type == SQLITE_FLOAT &&
                sqlite3_value_double(value) == (double)sqlite3_value_int64(value);
    if (type == SQLITE_INTEGER || whole) {
        *out = sqlite3_value_int64(value);
        if (*out >= range->min && *out <= range->max) return SQLITE_OK;
        return ck_error_set(err, SQLITE_ERROR, "%s: %s must be %lld..%lld, got %lld", who, what,
                            (long long)range->min, (long long)range->max, (long long)*out);
    }
    return ck_error_set(err, SQLITE_ERROR, "%s: %s must be an INTEGER, got %s", who, what,
                        ck_type_name(value));
}

int ck_value_given(sqlite3_value *value) {
    return value && !sqlite3_value_nochange(value) && sqlite3_value_type(value) != SQLITE_NULL;
}

CkStore *ck_store_from_value(CkConn *conn, sqlite3_value *schema, const char *who, CkError *err) {
    const char *name = "main";
    if (ck_value_given(schema)) {
        ck_text_from_value(schema, who, "schema", CK_NAME_MAX, &name, err);
    }
    if (err->rc == SQLITE_OK && sqlite3_db_readonly(conn->db, name) < 0) {
        ck_error_set(err, SQLITE_ERROR, "%s: no attached database is called '%s'", who, name);
    }
    if (err->rc != SQLITE_OK) return NULL;
    CkStore *store = ck_conn_store(conn, name);
    if (!store) ck_error_nomem(err);
    return store;
}
