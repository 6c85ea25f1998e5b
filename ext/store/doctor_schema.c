/*
** The doctor's look at the schema: is every table, index and view there, as ck makes it?
**
** What it should be is not listed a second time: the schema is created in a database in memory, and
** the text of every object is held against the store's. SQLite keeps that text as it was given.
*/
#include <string.h>

#include "store/doctor.h"

/* What holds nothing that cannot be made again, or be missed. */
static int can_be_made_again(const char *type, const char *name) {
    static const char *const tables[] = {"_ck_config", "_ck_hits",       "_ck_index", "_ck_block",
                                         "_ck_block_data", "_ck_tail", "_ck_stale",
                                         "_ck_report", "_ck_remote_model",
                                         "_ck_writer"};
    int can = strcmp(type, "table") != 0 || strncmp(name, "ck_", 3) == 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        can |= strcmp(name, tables[i]) == 0;
    }
    return can;
}

/* Is the object there, and of that text? */
static int find(CkStore *store, const char *type, const char *name, const char *sql, int *same,
                CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int found = 0;
    if (ck_stmt_take(store, CK_SQL_DOCTOR_OBJECT, &stmt, err) != SQLITE_OK) return 0;
    ck_stmt_bind(stmt, "tt", type, name);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        const char *its_sql = (const char *)sqlite3_column_text(stmt, 0);
        found = 1;
        *same = its_sql && strcmp(its_sql, sql) == 0;
    }
    ck_stmt_give(store, CK_SQL_DOCTOR_OBJECT, stmt);
    return found;
}

static void note(CkSchemaDiff *diff, const char *name) {
    if (!diff->name[0]) sqlite3_snprintf(sizeof diff->name, diff->name, "%s", name);
}

/* Holds one row (type, name, sql) of the model database against the store. */
static int compare(CkStore *store, sqlite3_stmt *row, int repair, CkSchemaDiff *diff,
                   CkError *err) {
    const char *type = (const char *)sqlite3_column_text(row, 0);
    const char *name = (const char *)sqlite3_column_text(row, 1);
    const char *sql = (const char *)sqlite3_column_text(row, 2);
    int same = 0;
    if (!type || !name || !sql) return ck_error_nomem(err);
    int found = find(store, type, name, sql, &same, err);
    if (err->rc != SQLITE_OK || same) return err->rc;
    int made_again = !found && can_be_made_again(type, name);
    if (repair && made_again) {
        int rc = sqlite3_exec(store->conn->db, sql, NULL, NULL, NULL);
        if (rc != SQLITE_OK) return ck_error_db(err, store->conn->db, rc);
        diff->n_made++;
        return SQLITE_OK;
    }
    diff->n_missing += !found;
    diff->n_changed += found;
    diff->n_beyond_repair += !made_again;
    note(diff, name);
    return SQLITE_OK;
}

int ck_doctor_compare_schema(CkStore *store, int repair, CkSchemaDiff *diff, CkError *err) {
    sqlite3 *model = NULL;
    sqlite3_stmt *stmt = NULL;
    memset(diff, 0, sizeof *diff);
    int rc = sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(model, ck_sql[CK_SQL_SCHEMA_CREATE].text, NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_prepare_v2(model, ck_sql[CK_SQL_DOCTOR_OBJECTS].text, -1, &stmt, NULL);
    }
    while (rc == SQLITE_OK && err->rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rc = compare(store, stmt, repair, diff, err);
    }
    if (err->rc == SQLITE_OK && rc != SQLITE_OK && rc != SQLITE_DONE) {
        if (model) {
            ck_error_db(err, model, rc);
        } else {
            ck_error_nomem(err);
        }
    }
    sqlite3_finalize(stmt);
    sqlite3_close(model);
    return err->rc;
}

int ck_doctor_schema(CkDoctor *doctor, CkError *err) {
    CkSchemaDiff diff;
    int64_t n_triggers = 0;
    int found;
    if (ck_doctor_compare_schema(doctor->store, 0, &diff, err) != SQLITE_OK) return err->rc;
    if (diff.n_missing + diff.n_changed > 0) {
        doctor->fix = diff.n_beyond_repair ? "restore the file from a backup"
                                           : "SELECT ck_repair('schema')";
        return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                              "%d tables, indexes or views are missing, %d are not as ck made "
                              "them; the first is %s",
                              diff.n_missing, diff.n_changed, diff.name);
    }
    ck_stmt_ints(doctor->store, CK_SQL_DOCTOR_TRIGGERS, err, &n_triggers, 1, &found, "");
    if (err->rc != SQLITE_OK || n_triggers == 0) return err->rc;
    doctor->fix = "drop the triggers that sqlite_schema lists on tables _ck_*";
    return ck_doctor_find(doctor, CK_FINDING_WARN, err,
                          "%lld triggers are on ck's private tables, and none of them is ck's",
                          (long long)n_triggers);
}
