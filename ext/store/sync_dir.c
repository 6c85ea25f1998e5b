/*
** A directory as a remote: packs that are written once, on a NAS or as an artifact of a CI job.
**
**     ck-packs.json                   what it is: the JSON of a hello, whose epoch is its identity
**     <store>-<seq>-<random>.ckpack   a segment: a pack (store/frame.h) that the store of this uuid
**                                     wrote, up to this seq (16 hex digits) of its feed
**     .<store>-….tmp                  a segment that is being written, or was not finished
**
** There is nothing to lock and nothing that changes: a segment appears whole, by its rename, and
** who reads remembers in _ck_segment which ones it has seen, so any number of stores write and read
** at once. A segment that is damaged is an error row, and is tried again the next time.
**
** The segments of this store are remembered, too: when one is gone (an older backup of the
** directory was put in its place, or somebody made room), what is still there is read again, and
** what is not is sent again. And a directory that was known and has no ck-packs.json is more often
** a missing mount than an empty one, so it is refused.
*/
#include "store/sync_dir.h"

#include <string.h>

#include "base/file.h"
#include "store/ack.h"
#include "store/frame.h"
#include "store/log.h"

#define HELLO_NAME "ck-packs.json"
#define HELLO_BYTES_MAX 65536

/* The folder: the url behind "file:" and an empty or local host. Ends with '/'. */
const char *ck_sync_dir_folder(const CkSyncSession *session) {
    const char *path = session->remote.url + strlen("file:");
    if (strncmp(path, "//localhost/", 12) == 0) return path + 11;
    return strncmp(path, "///", 3) == 0 ? path + 2 : path;
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

/* Writes the file as .NAME.tmp and gives it its name. */
static int write_hello(CkSyncSession *session, const char *path, CkError *err) {
    CkStore *store = session->store;
    CkFile file = CK_FILE_NONE;
    sqlite3_stmt *stmt = NULL;
    char uuid[CK_UUID_BYTES];
    ck_uuid_make(uuid);
    char *temporary = sqlite3_mprintf("%s.%s.tmp", ck_sync_dir_folder(session), uuid);
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
    if (err->rc == SQLITE_OK) ck_file_publish(&file, ck_sync_dir_folder(session), path, err);
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
        char *path = sqlite3_mprintf("%s%s", ck_sync_dir_folder(session),
                                     sqlite3_column_text(stmt, 0));
        if (!path) ck_error_nomem(err);
        else *gone = !ck_file_exists(path);
        sqlite3_free(path);
    }
    ck_stmt_give(store, CK_SQL_SEGMENT_OWN, stmt);
    return err->rc;
}

int ck_sync_dir_begin(CkSyncSession *session, int is_new, CkError *err) {
    CkStore *store = session->store;
    const char *name = session->remote.name;
    CkWrite write;
    int gone = 0;
    if (own_is_gone(session, &gone, err) != SQLITE_OK || !(gone || is_new)) return err->rc;
    if (ck_write_begin(&write, store, err) != SQLITE_OK) return err->rc;
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
    char *path = sqlite3_mprintf("%s%s", ck_sync_dir_folder(session), HELLO_NAME);
    if (!path) return ck_error_nomem(err);
    if (!ck_file_exists(path)) {
        if (session->remote.epoch || !writes) {
            ck_error_set(err, SQLITE_CANTOPEN, "%s is not there (is the folder mounted?%s)", path,
                         writes ? "; UPDATE ck_remotes SET epoch = NULL begins anew"
                                : "; the first push makes it");
        } else if (ck_file_make_folder(ck_sync_dir_folder(session), err) == SQLITE_OK) {
            write_hello(session, path, err);
        }
    }
    if (err->rc == SQLITE_OK) read_hello(path, json, err);
    sqlite3_free(path);
    return err->rc;
}

/* Reading. */

typedef struct Segment {
    const char *name;
    const CkHashes *wanted; /* only these, and the segment stays unseen; or NULL */
    CkFile file;
    CkFrame frame;
    uint8_t head[CK_FRAME_HEAD_BYTES]; /* of the frame that comes next */
    int is_end;
} Segment;

/* Reads the head of the next frame, if there is one. */
static int read_head(Segment *segment, CkError *err) {
    size_t n = 0;
    ck_file_read(&segment->file, segment->head, sizeof segment->head, &n, err);
    segment->is_end = n == 0;
    if (err->rc == SQLITE_OK && n > 0 && n < sizeof segment->head) {
        ck_error_set(err, SQLITE_CORRUPT_VTAB, "it ends within a frame");
    }
    return err->rc;
}

/* Reads the frame of the head and the head after it. */
static int read_frame(CkSyncSession *session, Segment *segment, CkError *err) {
    CkFrameHead head;
    CkBuf *pack = &session->pack;
    size_t n = 0;
    if (ck_frame_head_read(segment->head, &head, err) != SQLITE_OK) return err->rc;
    ck_buf_clear(pack);
    ck_buf_append(pack, segment->head, sizeof segment->head);
    uint8_t *body = ck_buf_extend(pack, head.n_body);
    if (!body) return ck_error_nomem(err);
    ck_file_read(&segment->file, body, head.n_body, &n, err);
    if (err->rc == SQLITE_OK && n < head.n_body) {
        ck_error_set(err, SQLITE_CORRUPT_VTAB, "it ends within a frame");
    }
    if (err->rc == SQLITE_OK) ck_frame_open(&segment->frame, pack->data, pack->n_bytes, &n, err);
    return err->rc == SQLITE_OK ? read_head(segment, err) : err->rc;
}

static int is_wanted(const CkHashes *wanted, const uint8_t *hash) {
    size_t low = 0, high = wanted ? wanted->n : 0;
    if (!wanted) return 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(wanted->data + middle * CK_HASH_BYTES, hash, CK_HASH_BYTES);
        if (order == 0) return 1;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return 0;
}

/* What the directory has of ours need not be sent there. */
static int settle(CkSyncSession *session, const CkItem *item, const CkItemOutcome *outcome,
                  CkError *err) {
    CkAck ack = {.result = CK_ACK_EXISTS};
    int found = 0;
    if (outcome->result != CK_ITEM_EXISTS) return SQLITE_OK;
    ck_stmt_ints(session->store, CK_SQL_SEGMENT_SEQ, err, &ack.seq, 1, &found, "ib", outcome->id,
                 item->hash, CK_HASH_BYTES);
    if (err->rc != SQLITE_OK || !found || ack.seq <= session->remote.push_seq) return err->rc;
    memcpy(ack.hash, item->hash, CK_HASH_BYTES);
    ck_buf_append(&session->acks, &ack, sizeof ack);
    return session->acks.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int apply_items(CkSyncSession *session, Segment *segment, CkApply *apply, int64_t *n,
                       CkError *err) {
    CkItem item;
    CkItemOutcome outcome;
    while (err->rc == SQLITE_OK && ck_frame_next(&segment->frame, &item) == SQLITE_ROW) {
        if (!is_wanted(segment->wanted, item.hash)) continue;
        if (ck_apply_item(apply, &item, &outcome, err) != SQLITE_OK) break;
        ck_sync_count_pulled(session->summary, &item, &outcome);
        settle(session, &item, &outcome, err);
        ++*n;
    }
    return err->rc;
}

/* One transaction: a frame; and with the last one the segment is seen. */
static int apply_frame(CkSyncSession *session, Segment *segment, CkError *err) {
    CkStore *store = session->store;
    CkWrite write;
    CkApply apply;
    int64_t n = 0;
    if (ck_write_begin(&write, store, err) != SQLITE_OK) return err->rc;
    ck_sync_session_refresh(session, err);
    ck_buf_clear(&session->acks);
    if (err->rc == SQLITE_OK &&
        ck_apply_begin(&apply, store, session->remote.name, NULL, err) == SQLITE_OK) {
        apply_items(session, segment, &apply, &n, err);
        ck_apply_end(&apply, NULL, err);
    }
    if (err->rc == SQLITE_OK && session->acks.n_bytes > 0 &&
        ck_sync_session_refresh(session, err) == SQLITE_OK) {
        ck_ack_record(store, &session->remote, (CkAck *)(void *)session->acks.data,
                      session->acks.n_bytes / sizeof(CkAck), err);
    }
    if (err->rc == SQLITE_OK && segment->is_end && !segment->wanted) {
        ck_stmt_run(store, CK_SQL_SEGMENT_ADD, err, "tti", session->remote.name, segment->name,
                    (int64_t)(strncmp(segment->name, session->me, CK_UUID_BYTES - 1) == 0));
    }
    if (err->rc == SQLITE_OK) ck_sync_session_progress(session, n, 0, err);
    return ck_write_end(&write, err);
}

static int read_segment(CkSyncSession *session, Segment *segment, CkError *err) {
    char *path = sqlite3_mprintf("%s%s", ck_sync_dir_folder(session), segment->name);
    if (!path) return ck_error_nomem(err);
    ck_frame_init(&segment->frame);
    if (ck_file_open(&segment->file, path, err) == SQLITE_OK) read_head(segment, err);
    if (err->rc == SQLITE_OK && segment->is_end) {
        ck_error_set(err, SQLITE_CORRUPT_VTAB, "it is empty");
    }
    while (err->rc == SQLITE_OK && !segment->is_end) {
        if (read_frame(session, segment, err) == SQLITE_OK) apply_frame(session, segment, err);
    }
    ck_frame_release(&segment->frame);
    ck_file_close(&segment->file);
    sqlite3_free(path);
    return err->rc;
}

/* A segment that cannot be read is a row in ck_errors while that is so, and no reason to stop. */
static int excuse(CkSyncSession *session, const char *name, CkError *own, CkError *err) {
    CkWrite write;
    int primary = own->rc & 0xff;
    char code[CK_FILE_NAME_BYTES + 16];
    if (primary != SQLITE_CORRUPT && primary != SQLITE_CANTOPEN && own->rc != SQLITE_OK) {
        *err = *own; /* the message moves along */
        return err->rc;
    }
    sqlite3_snprintf(sizeof code, code, "segment %s", name);
    if (ck_write_begin(&write, session->store, err) == SQLITE_OK) {
        if (own->rc == SQLITE_OK) {
            ck_errors_remove(session->store, session->task, code, err);
        } else {
            ck_errors_add(session->store, session->task, code, err, "%s: %s", name, own->message);
        }
        ck_write_end(&write, err);
    }
    session->summary->damaged += own->rc != SQLITE_OK;
    ck_error_release(own);
    return err->rc;
}

static int read_all(CkSyncSession *session, const CkHashes *wanted, CkError *err) {
    CkBuf names;
    ck_buf_init(&names);
    ck_file_list(ck_sync_dir_folder(session), CK_SEGMENT_SUFFIX, &names, err);
    const CkFileName *name = (const CkFileName *)(const void *)names.data;
    size_t n = names.n_bytes / sizeof *name;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        CkError own = CK_ERROR_NONE;
        Segment segment = {.name = name[i].name, .wanted = wanted, .file = CK_FILE_NONE};
        int64_t one;
        int seen = 0;
        if (!wanted) {
            ck_stmt_ints(session->store, CK_SQL_SEGMENT_SEEN, err, &one, 1, &seen, "tt",
                         session->remote.name, segment.name);
        }
        if (err->rc != SQLITE_OK || seen) continue;
        read_segment(session, &segment, &own);
        excuse(session, segment.name, &own, err);
    }
    ck_buf_release(&names);
    return err->rc;
}

int ck_sync_dir_pull(CkSyncSession *session, CkError *err) {
    return read_all(session, NULL, err);
}

int ck_sync_dir_get(CkSyncSession *session, CkHashes sorted, CkError *err) {
    int64_t before = session->summary->pulled;
    if (sorted.n > 0) read_all(session, &sorted, err);
    session->summary->missing += (int64_t)sorted.n - (session->summary->pulled - before);
    return err->rc;
}
