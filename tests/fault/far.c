/* The other side of a sync: see far.h. */
#include "far.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char store[] = "far.db";
static const char folder[] = "packs";

static const char dump_sql[] =
    "SELECT 'far', hash, model, version, seq, vector FROM embeddings ORDER BY hash;"
    "SELECT 'far tombstone', hash, seq FROM main.ck_tombstones ORDER BY hash;"
    "SELECT 'far report', hash FROM main._ck_report ORDER BY hash;"
    "PRAGMA integrity_check;";

static void remove_folder(void) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[sizeof folder + sizeof entry->d_name];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path); /* "." and ".." stay */
    }
    if (dir) closedir(dir);
    rmdir(folder);
}

void far_remove(void) {
    session_remove(store);
    remove_folder();
}

int far_save(Text *file) {
    return access(store, F_OK) == 0 ? session_read_file(store, file) : 0;
}

int far_restore(const Text *file) {
    remove_folder();
    if (mkdir(folder, 0777)) return 1;
    if (file->n > 0) return session_restore(store, file);
    session_remove(store);
    return 0;
}

int far_dump(Text *out, const char **message) {
    sqlite3 *db = NULL;
    char *why = NULL;
    *message = "the other store cannot be read";
    if (access(store, F_OK) != 0) return SQLITE_OK;
    int rc = session_open(store, &db);
    if (rc == SQLITE_OK) rc = session_load(db, &why);
    if (rc == SQLITE_OK) rc = session_run(db, dump_sql, out);
    sqlite3_free(why);
    if (sqlite3_close(db) != SQLITE_OK && rc == SQLITE_OK) rc = SQLITE_BUSY;
    return rc;
}
