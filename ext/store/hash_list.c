/* Lists of hashes: see hash_list.h. */
#include "store/hash_list.h"

#include "base/hex.h"

int ck_hash_from_hex(const char *hex, int n, uint8_t hash[CK_HASH_BYTES]) {
    if (!hex || n != 2 * CK_HASH_BYTES) return 0;
    for (int i = 0; i < CK_HASH_BYTES; i++) {
        int high = ck_hex_digit(hex[2 * i]), low = ck_hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return 0;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return 1;
}

void ck_hash_to_hex(const uint8_t hash[CK_HASH_BYTES], char hex[CK_HASH_HEX]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < CK_HASH_BYTES; i++) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 15];
    }
    hex[2 * CK_HASH_BYTES] = 0;
}

/* Appends one element of the JSON array. */
static int append_hex(CkBuf *hashes, sqlite3_stmt *element, const char *who, CkError *err) {
    const char *hex = (const char *)sqlite3_column_text(element, 0);
    uint8_t hash[CK_HASH_BYTES];
    if (!ck_hash_from_hex(hex, sqlite3_column_bytes(element, 0), hash)) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: element %lld must be a hash of %d hex digits, got %s%.80s%s", who,
                            (long long)ck_hash_list_count(hashes), 2 * CK_HASH_BYTES,
                            hex ? "'" : "", hex ? hex : "NULL", hex ? "'" : "");
    }
    ck_buf_append(hashes, hash, sizeof hash);
    return hashes->rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int read_json(CkStore *store, sqlite3_value *json, const char *who, CkBuf *hashes,
                     CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_MISSING_ELEMENTS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "v", json);
    int rc;
    do {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) append_hex(hashes, stmt, who, err);
    } while (rc == SQLITE_ROW && err->rc == SQLITE_OK);
    if (rc == SQLITE_ERROR) {
        ck_error_set(err, rc,
                     "%s: hashes must be a BLOB of %d-byte digests or a JSON array of hex "
                     "digests: %s (blob || blob is TEXT in SQL: CAST(a || b AS BLOB))",
                     who, CK_HASH_BYTES, sqlite3_errmsg(store->conn->db));
    } else if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
        ck_error_db(err, store->conn->db, rc);
    }
    ck_stmt_give(store, CK_SQL_MISSING_ELEMENTS, stmt);
    return err->rc;
}

int ck_hash_list_from_value(CkStore *store, sqlite3_value *value, const char *who, CkBuf *hashes,
                            CkError *err) {
    int n = sqlite3_value_bytes(value);
    switch (sqlite3_value_type(value)) {
    case SQLITE_TEXT:
        return read_json(store, value, who, hashes, err);
    case SQLITE_BLOB:
        if (n % CK_HASH_BYTES != 0) {
            return ck_error_set(err, SQLITE_ERROR,
                                "%s: hashes is %d bytes, expected a multiple of %d", who, n,
                                CK_HASH_BYTES);
        }
        ck_buf_append(hashes, sqlite3_value_blob(value), (size_t)n);
        return hashes->rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
    default:
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: hashes must be a BLOB of %d-byte digests or a JSON array "
                            "of hex digests, got %s",
                            who, CK_HASH_BYTES, ck_type_name(value));
    }
}
