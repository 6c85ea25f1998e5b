/* The doctor: see doctor.h. The checks of the file are in doctor_file.c. */
#include "store/doctor.h"

#include <stdarg.h>
#include <string.h>

#include "store/log.h"
#include "store/stored_vector.h"

/* Vectors that are looked at when not all are asked for. */
#define DOCTOR_SAMPLE 1000

/* A clock that is this much ahead is not worth a word. Seconds. */
#define DOCTOR_SKEW_S 60

int ck_doctor_find(CkDoctor *doctor, CkFinding finding, CkError *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *detail = sqlite3_vmprintf(format, args);
    va_end(args);
    if (!detail) return ck_error_nomem(err);
    sqlite3_free(doctor->detail);
    doctor->detail = detail;
    doctor->finding = finding;
    return SQLITE_OK;
}

/* Runs a counting statement with an optional argument; anything but 0 is a finding. */
static int64_t count(CkDoctor *doctor, CkSqlId sql, int64_t argument, CkError *err) {
    int64_t n = 0;
    int found;
    ck_stmt_ints(doctor->store, sql, err, &n, 1, &found, "i", argument);
    return err->rc == SQLITE_OK ? n : 0;
}

static int check_refs(CkDoctor *doctor, CkError *err) {
    int64_t n = count(doctor, CK_SQL_DOCTOR_REFS, 0, err);
    if (n == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                          "%lld refs lack their embedding, workspace or path", (long long)n);
}

static int check_vectors(CkDoctor *doctor, CkError *err) {
    int64_t n = count(doctor, CK_SQL_DOCTOR_VECTORS, 0, err);
    if (n == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                          "%lld embeddings and vectors do not belong together", (long long)n);
}

static int check_hashes(CkDoctor *doctor, CkError *err) {
    int64_t n[3] = {0, 0, 0};
    int found;
    ck_stmt_ints(doctor->store, CK_SQL_DOCTOR_HASHES, err, n, 3, &found, "");
    if (err->rc != SQLITE_OK) return err->rc;
    if (n[0] == 0) {
        return ck_doctor_find(doctor, CK_FINDING_OK, err,
                              "%lld hashes, %lld of them left by deleted embeddings",
                              (long long)n[2], (long long)n[1]);
    }
    return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                          "%lld embeddings and hashes do not belong together", (long long)n[0]);
}

int ck_doctor_is_damaged(sqlite3_stmt *stmt) {
    CkStoredVector stored;
    ck_stored_vector_from_row(stmt, 0, &stored);
    return !stored.data || ck_stored_vector_checksum(&stored) != stored.checksum;
}

static int check_checksums(CkDoctor *doctor, CkError *err) {
    CkStore *store = doctor->store;
    sqlite3_stmt *stmt = NULL;
    int64_t n_vectors = count(doctor, CK_SQL_DOCTOR_VECTOR_COUNT, 0, err), n_read = 0, n_bad = 0;
    int64_t every = doctor->all ? 1 : n_vectors / DOCTOR_SAMPLE + 1;
    if (err->rc != SQLITE_OK || ck_stmt_take(store, CK_SQL_DOCTOR_CHECKSUMS, &stmt, err)) {
        return err->rc;
    }
    ck_stmt_bind(stmt, "i", every);
    while (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        n_read++;
        n_bad += ck_doctor_is_damaged(stmt);
    }
    ck_stmt_give(store, CK_SQL_DOCTOR_CHECKSUMS, stmt);
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_doctor_find(doctor, n_bad > 0 ? CK_FINDING_ERROR : CK_FINDING_OK, err,
                          "%lld of %lld vectors read, %lld damaged", (long long)n_read,
                          (long long)n_vectors, (long long)n_bad);
}

static int check_bytes(CkDoctor *doctor, CkError *err) {
    int64_t n = count(doctor, CK_SQL_DOCTOR_BYTES, 0, err);
    if (n == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_WARN, err, "%lld embeddings have a wrong size noted",
                          (long long)n);
}

static int check_seq(CkDoctor *doctor, CkError *err) {
    int64_t n = count(doctor, CK_SQL_DOCTOR_SEQ, 0, err);
    if (n > 0) {
        return ck_doctor_find(doctor, CK_FINDING_ERROR, err, "the sequence counter is %lld behind",
                              (long long)n);
    }
    n = count(doctor, CK_SQL_DOCTOR_SEQ_TWICE, 0, err);
    if (n == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                          "%lld embeddings have the seq of another, or none", (long long)n);
}

static int check_clock(CkDoctor *doctor, CkError *err) {
    int64_t now = ck_conn_now(doctor->store->conn);
    int64_t n = count(doctor, CK_SQL_DOCTOR_CLOCK, now + DOCTOR_SKEW_S, err);
    if (n == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_WARN, err,
                          "%lld rows are stamped in the future and never become garbage",
                          (long long)n);
}

static int check_workspaces(CkDoctor *doctor, CkError *err) {
    int64_t n[2] = {0, 0};
    int found;
    int64_t nameless = count(doctor, CK_SQL_DOCTOR_NAMELESS, 0, err);
    if (nameless > 0) {
        doctor->fix = "SELECT ck_repair('workspaces')";
        return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                              "%lld have no name, so nobody can release them", (long long)nameless);
    }
    ck_stmt_ints(doctor->store, CK_SQL_DOCTOR_WORKSPACES, err, n, 2, &found, "");
    if (err->rc != SQLITE_OK || n[0] + n[1] == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_INFO, err,
                          "%lld are stale, %lld released ones still have refs to sweep",
                          (long long)n[0], (long long)n[1]);
}

static int check_paths(CkDoctor *doctor, CkError *err) {
    int64_t n = count(doctor, CK_SQL_DOCTOR_PATHS, 0, err);
    if (n == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_INFO, err, "%lld path%s used by no ref",
                          (long long)n, n == 1 ? " is" : "s are");
}

static int check_progress(CkDoctor *doctor, CkError *err) {
    int64_t limit = ck_conn_now(doctor->store->conn) - CK_PROGRESS_DEAD_S;
    int64_t n = count(doctor, CK_SQL_DOCTOR_PROGRESS, limit, err);
    if (n == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_INFO, err,
                          "%lld tasks stopped before they were done", (long long)n);
}

static int check_config(CkDoctor *doctor, CkError *err) {
    int64_t n = count(doctor, CK_SQL_DOCTOR_CONFIG, 0, err);
    if (n == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_WARN, err, "%lld settings are no numbers from 0 on",
                          (long long)n);
}

/* A text of one row that should not be there, or should be `good`. */
static int check_text(CkDoctor *doctor, CkSqlId sql, const char *good, CkFinding finding,
                      CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(doctor->store, sql, &stmt, err) != SQLITE_OK) return err->rc;
    if (ck_stmt_step(doctor->store, stmt, err) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (!text) {
            ck_error_nomem(err);
        } else if (!good || strcmp(text, good) != 0) {
            ck_doctor_find(doctor, finding, err, "%s", text);
        }
    }
    ck_stmt_give(doctor->store, sql, stmt);
    return err->rc;
}

static int check_errors(CkDoctor *doctor, CkError *err) {
    return check_text(doctor, CK_SQL_DOCTOR_ERRORS, NULL, CK_FINDING_WARN, err);
}

static int check_file(CkDoctor *doctor, CkError *err) {
    if (!doctor->all) return SQLITE_OK;
    return check_text(doctor, CK_SQL_DOCTOR_FILE, "ok", CK_FINDING_ERROR, err);
}

static const struct {
    const char *name;
    int (*run)(CkDoctor *doctor, CkError *err);
    const char *fix; /* what a finding is answered with */
} checks[] = {
    {"schema", ck_doctor_schema, NULL},
    {"file", check_file, "REINDEX; if that does not help, restore the file from a backup"},
    {"refs", check_refs, "SELECT ck_repair('refs')"},
    {"vectors", check_vectors, "SELECT ck_repair('vectors')"},
    {"models", ck_doctor_models, "UPDATE _ck_model, or restore the file from a backup"},
    {"hashes", check_hashes, "SELECT ck_repair('hashes')"},
    {"checksums", check_checksums, "SELECT ck_repair('checksums')"},
    {"bytes", check_bytes, "SELECT ck_repair('bytes')"},
    {"seq", check_seq, "SELECT ck_repair('seq')"},
    {"clock", check_clock, "SELECT ck_repair('clock')"},
    {"workspaces", check_workspaces, "SELECT ck_gc()"},
    {"index", ck_doctor_index, "SELECT ck_repair('index')"},
    {"cache", ck_doctor_cache, NULL},
    {"config", check_config, "SELECT ck_repair('config')"},
    {"paths", check_paths, "SELECT ck_repair('paths')"},
    {"progress", check_progress, "SELECT ck_repair('progress')"},
    {"errors", check_errors, "SELECT * FROM ck_errors"},
    {"journal", ck_doctor_journal, NULL},
    {"page_size", ck_doctor_page_size, NULL},
    {"filesystem", ck_doctor_filesystem, NULL},
    {"permissions", ck_doctor_permissions, NULL},
    {"location", ck_doctor_location, NULL},
};
#define N_CHECKS ((int)(sizeof checks / sizeof *checks))

const char *ck_finding_name(CkFinding finding) {
    static const char *const names[] = {"ok", "info", "warn", "error"};
    return names[finding];
}

void ck_doctor_open(CkDoctor *doctor, CkStore *store, int all) {
    memset(doctor, 0, sizeof *doctor);
    doctor->store = store;
    doctor->all = all;
}

/* Of a store that somebody altered a statement may not even compile: that is what was asked. */
static void run_check(CkDoctor *doctor, CkError *err) {
    CkError own = CK_ERROR_NONE;
    checks[doctor->check].run(doctor, &own);
    int primary = own.rc & 0xff;
    if (primary == SQLITE_ERROR || primary == SQLITE_CORRUPT) {
        doctor->fix = NULL;
        ck_doctor_find(doctor, CK_FINDING_ERROR, err, "cannot be checked: %s", own.message);
        ck_error_release(&own);
    } else if (own.rc != SQLITE_OK) {
        *err = own; /* the message moves along */
    }
}

int ck_doctor_step(CkDoctor *doctor, CkError *err) {
    sqlite3_free(doctor->detail);
    doctor->detail = NULL;
    doctor->finding = CK_FINDING_OK;
    doctor->ended = doctor->check >= N_CHECKS;
    if (doctor->ended) return SQLITE_OK;
    doctor->name = checks[doctor->check].name;
    doctor->fix = checks[doctor->check].fix;
    run_check(doctor, err);
    if (doctor->finding == CK_FINDING_OK) doctor->fix = NULL;
    doctor->check++;
    return err->rc;
}

void ck_doctor_close(CkDoctor *doctor) {
    sqlite3_free(doctor->detail);
    memset(doctor, 0, sizeof *doctor);
}
