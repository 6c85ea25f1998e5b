/* The doctor's look at the file: its settings, where it lies and who may touch it. */
#include <string.h>

#include "base/fs.h"
#include "store/doctor.h"

/* The path of the store's file, or "" when it has none. */
static const char *file_path(const CkDoctor *doctor) {
    const char *path = sqlite3_db_filename(doctor->store->conn->db, doctor->store->schema);
    return path ? path : "";
}

int ck_doctor_journal(CkDoctor *doctor, CkError *err) {
    CkStore *store = doctor->store;
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_DOCTOR_JOURNAL_MODE, &stmt, err) != SQLITE_OK) return err->rc;
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW && file_path(doctor)[0]) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        if (mode && strcmp(mode, "wal") != 0) {
            doctor->fix = "PRAGMA journal_mode = WAL";
            ck_doctor_find(doctor, CK_FINDING_INFO, err,
                           "journal_mode is %s: readers and writers wait for each other", mode);
        }
    }
    ck_stmt_give(store, CK_SQL_DOCTOR_JOURNAL_MODE, stmt);
    return err->rc;
}

int ck_doctor_page_size(CkDoctor *doctor, CkError *err) {
    int64_t bytes = 0;
    int found;
    ck_stmt_ints(doctor->store, CK_SQL_STATS_PAGE_SIZE, err, &bytes, 1, &found, "");
    if (err->rc != SQLITE_OK || bytes >= 8192) return err->rc;
    doctor->fix = "PRAGMA journal_mode = DELETE; PRAGMA page_size = 8192; VACUUM";
    return ck_doctor_find(doctor, CK_FINDING_INFO, err,
                          "page_size is %lld; 8192 or more reads vectors with fewer calls",
                          (long long)bytes);
}

int ck_doctor_filesystem(CkDoctor *doctor, CkError *err) {
    const char *path = file_path(doctor);
    const char *network = path[0] ? ck_fs_network(path) : NULL;
    if (!network) return SQLITE_OK;
    return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                          "'%s' is on %s: SQLite's locks do not work across machines; keep the "
                          "store on a local disk",
                          path, network);
}

int ck_doctor_permissions(CkDoctor *doctor, CkError *err) {
    const char *path = file_path(doctor);
    int mode = path[0] ? ck_fs_mode(path) : -1;
    if (sqlite3_db_readonly(doctor->store->conn->db, doctor->store->schema) == 1) {
        return ck_doctor_find(doctor, CK_FINDING_INFO, err, "the connection is read-only");
    }
    if (mode >= 0 && mode & 2) {
        return ck_doctor_find(doctor, CK_FINDING_WARN, err,
                              "'%s' has mode %o: everybody may write it", path, (unsigned)mode);
    }
    return SQLITE_OK;
}

int ck_doctor_location(CkDoctor *doctor, CkError *err) {
    const char *path = file_path(doctor);
    int synced;
    const char *folder = ck_fs_unsafe_folder(path, &synced);
    if (!folder) return SQLITE_OK;
    return ck_doctor_find(doctor, synced ? CK_FINDING_WARN : CK_FINDING_INFO, err,
                          synced ? "'%s' is below a folder that is synced, and so copied while it "
                                   "is written: %s"
                                 : "'%s' is below a folder that other tools clean: %s",
                          path, folder);
}
