/*
** A directory as a remote: packs that are written once, on a NAS or as an artifact of a CI job.
**
**     ck-packs.json           what it is: the JSON of a hello, whose epoch is its identity
**     <store>-….ckpack        a segment: a pack (store/frame.h) that the store of this uuid wrote
**     .<store>-….tmp          one of these that is being written, or was not finished: the store's
**                             next push removes what nobody has written to for an hour
**
** There is nothing to lock and nothing that changes: a segment appears whole, by its rename, and
** who reads remembers in _ck_segment which ones it has seen, so any number of stores write and read
** at once (sync_dir_push.c, sync_dir_pull.c). A segment that is damaged is an error row, and is
** tried again the next time.
**
** The segments of this store are remembered, too: when one is gone (an older backup of the
** directory was put in its place, or somebody made room), what is still there is read again, and
** what is not is sent again. And a directory that was known and has no ck-packs.json is more often
** a missing mount than an empty one, so it is refused.
*/
#include "store/sync_dir.h"

#include <string.h>

#include "base/file.h"
#include "store/segment.h"
#include "store/transaction.h"

#define HELLO_NAME "ck-packs.json"
#define HELLO_BYTES_MAX 65536

char *ck_sync_dir_temporary(const CkSyncSession *session) {
    uint64_t salt;
    sqlite3_randomness(sizeof salt, &salt);
    return sqlite3_mprintf("%s.%s-%016llx.tmp", session->folder, session->me,
                           (unsigned long long)salt);
}

static int read_hello(const char *path, char **json, CkError *err) {
    CkFile file = CK_FILE_NONE;
    size_t n = 0;
    char *text = sqlite3_malloc64(HELLO_BYTES_MAX + 1);
    if (!text) return ck_error_nomem(err);
    if (ck_file_open(&file, path, err) == SQLITE_OK) {
        ck_file_read(&file, text, HELLO_BYTES_MAX, &n, err);
    }
    ck_file_close(&file);
    text[n] = 0;
    *json = text;
    return err->rc;
}

/* Writes the file and gives it its name. */
static int write_hello(CkSyncSession *session, const char *path, CkError *err) {
    CkStore *store = session->store;
    CkFile file = CK_FILE_NONE;
    sqlite3_stmt *stmt = NULL;
    char uuid[CK_UUID_BYTES];
    ck_uuid_make(uuid);
    char *temporary = ck_sync_dir_temporary(session);
    if (!temporary) return ck_error_nomem(err);
    if (ck_stmt_take(store, CK_SQL_SEGMENT_HELLO, &stmt, err) == SQLITE_OK) {
        ck_stmt_bind(stmt, "ttii", CK_KEY_CONTEXT, uuid, (int64_t)CK_PROTOCOL_MIN,
                     (int64_t)CK_PROTOCOL_MAX);
        if (ck_stmt_step(store, stmt, err) == SQLITE_ROW &&
            ck_file_create(&file, temporary, err) == SQLITE_OK) {
            ck_file_write(&file, sqlite3_column_blob(stmt, 0),
                          (size_t)sqlite3_column_bytes(stmt, 0), err);
        }
    }
    ck_stmt_give(store, CK_SQL_SEGMENT_HELLO, stmt);
    if (err->rc == SQLITE_OK) ck_file_publish(&file, session->folder, path, err);
    if (err->rc != SQLITE_OK) ck_file_remove(temporary);
    ck_file_close(&file);
    sqlite3_free(temporary);
    return err->rc;
}

/* Has a segment that we wrote vanished? */
static int own_is_gone(CkSyncSession *session, int *gone, CkError *err) {
    CkStore *store = session->store;
    sqlite3_stmt *stmt = NULL;
    *gone = 0;
    if (ck_stmt_take(store, CK_SQL_SEGMENT_OWN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "t", session->remote.name);
    while (!*gone && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        char *path = sqlite3_mprintf("%s%s", session->folder,
                                     sqlite3_column_text(stmt, 0));
        if (!path) ck_error_nomem(err);
        else *gone = !ck_file_exists(path);
        sqlite3_free(path);
    }
    ck_stmt_give(store, CK_SQL_SEGMENT_OWN, stmt);
    return err->rc;
}

int ck_sync_dir_last_place(CkSyncSession *session, int64_t *place, CkError *err) {
    CkStore *store = session->store;
    CkSegmentName name;
    sqlite3_stmt *stmt = NULL;
    *place = 0;
    if (ck_stmt_take(store, CK_SQL_SEGMENT_NAMES, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "t", session->remote.name);
    while (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (text) ck_segment_name_read(text, &name);
        if (text && name.place > *place) *place = name.place;
    }
    ck_stmt_give(store, CK_SQL_SEGMENT_NAMES, stmt);
    return err->rc;
}

int ck_sync_dir_begin(CkSyncSession *session, int is_new, CkError *err) {
    CkStore *store = session->store;
    const char *name = session->remote.name;
    CkWrite write;
    int gone = 0;
    if (own_is_gone(session, &gone, err) != SQLITE_OK || !(gone || is_new)) return err->rc;
    if (ck_sync_session_begin(session, &write, err) != SQLITE_OK) return err->rc;
    ck_stmt_run(store, CK_SQL_SEGMENT_FORGET, err, "t", name);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_REMOTE_PUSH_AGAIN, err, "t", name);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_REMOTE_DROP_ACKS, err, "t", name);
    session->summary->relisted |= gone;
    ck_write_end(&write, err);
    /* So that only what is gone is sent again, what is there is read first. */
    if (err->rc == SQLITE_OK && gone) ck_sync_dir_pull(session, err);
    return err->rc;
}

int ck_sync_dir_hello(CkSyncSession *session, int writes, char **json, CkError *err) {
    char *path = sqlite3_mprintf("%s%s", session->folder, HELLO_NAME);
    if (!path) return ck_error_nomem(err);
    if (!ck_file_exists(path)) {
        if (session->remote.epoch || !writes) {
            ck_error_set(err, SQLITE_CANTOPEN, "%s is not there (is the folder mounted?%s)", path,
                         writes ? "; UPDATE ck_remotes SET epoch = NULL begins anew"
                                : "; the first push makes it");
        } else if (ck_file_make_folder(session->folder, err) == SQLITE_OK) {
            write_hello(session, path, err);
        }
    }
    if (err->rc == SQLITE_OK) read_hello(path, json, err);
    sqlite3_free(path);
    return err->rc;
}
