/* Migration: see migrate.h. */
#include "store/migrate.h"

#include <string.h>

#include "store/value.h"

/* Versions that a message lists before it says "…". */
#define LISTED_MAX 5

typedef struct Named {
    const char *who, *what;
    const char *name, *version; /* version may be NULL */
} Named;

static int unknown(const Named *named, CkError *err) {
    if (named->version) {
        return ck_error_set(err, SQLITE_ERROR, "%s: %s '%s' version '%s' is not registered",
                            named->who, named->what, named->name, named->version);
    }
    return ck_error_set(err, SQLITE_ERROR, "%s: %s '%s' is not registered", named->who,
                        named->what, named->name);
}

/* stmt is at the second version; the first one is in *meant. */
static int ambiguous(CkStore *store, const Named *named, const CkModelMeant *meant,
                     sqlite3_stmt *stmt, CkError *err) {
    sqlite3_str *list = sqlite3_str_new(store->conn->db);
    int n = 1, rc = SQLITE_ROW;
    sqlite3_str_appendf(list, "'%s'", meant->version);
    while (rc == SQLITE_ROW && n++ < LISTED_MAX) {
        sqlite3_str_appendf(list, ", '%s'", (const char *)sqlite3_column_text(stmt, 8));
        rc = ck_stmt_step(store, stmt, err);
    }
    if (rc == SQLITE_ROW) sqlite3_str_appendall(list, ", …");
    char *text = sqlite3_str_finish(list);
    if (!text) {
        ck_error_nomem(err);
    } else {
        ck_error_set(err, SQLITE_ERROR, "%s: %s '%s' has several versions (%s); name one",
                     named->who, named->what, named->name, text);
    }
    sqlite3_free(text);
    return err->rc;
}

static int find(CkStore *store, const Named *named, CkModelMeant *meant, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_MIGRATE_MODELS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "tt", named->name, named->version);
    int rc = ck_stmt_step(store, stmt, err);
    if (rc == SQLITE_DONE) unknown(named, err);
    if (rc == SQLITE_ROW && ck_model_from_row(stmt, 0, &meant->model, err) == SQLITE_OK) {
        const char *version = (const char *)sqlite3_column_text(stmt, 8);
        meant->version = version ? sqlite3_mprintf("%s", version) : NULL;
        if (!meant->version) ck_error_nomem(err);
    }
    if (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        ambiguous(store, named, meant, stmt, err);
    }
    ck_stmt_give(store, CK_SQL_MIGRATE_MODELS, stmt);
    return err->rc;
}

int ck_model_resolve(CkStore *store, const char *who, const char *what, sqlite3_value *name,
                     sqlite3_value *version, CkModelMeant *meant, CkError *err) {
    Named named = {who, what, NULL, NULL};
    int exists = 0;
    memset(meant, 0, sizeof *meant);
    if (ck_text_from_value(name, who, what, CK_NAME_MAX, &named.name, err) != SQLITE_OK) {
        return err->rc;
    }
    if (version && sqlite3_value_type(version) != SQLITE_NULL &&
        ck_text_from_value(version, who, "version", CK_NAME_MAX, &named.version, err)) {
        return err->rc;
    }
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK) return err->rc;
    if (!exists) return unknown(&named, err);
    return find(store, &named, meant, err);
}

void ck_model_meant_release(CkModelMeant *meant) {
    sqlite3_free(meant->version);
    meant->version = NULL;
}
