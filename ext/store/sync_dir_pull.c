/*
** Reading the segments of a folder (sync_dir.c says what that is).
**
** A store that answers has the latest state of each hash; a folder has all that was ever written.
** So who reads it first looks for tombstones, in the segments that have some, and leaves out what
** was put before them: a put that is applied counts as a use of the embedding, after which the
** tombstone would not be heeded. Before and after are the order of segments (store/segment.h).
**
** A segment that turns up late, below others that were read, may have been written before a
** tombstone that stands here. Its puts do not replace one that is younger than the embedding.
*/
#include <stdlib.h>
#include <string.h>

#include "store/ack.h"
#include "store/log.h"
#include "store/segment.h"
#include "store/sync_dir.h"
#include "store/transaction.h"

/* Of the rows in ck_errors that speak of a segment; its name follows. */
#define CODE "segment "

/* Which item, in the order of segments. */
typedef struct Stone {
    uint8_t hash[CK_HASH_BYTES];
    uint64_t at;
} Stone;

typedef struct Reading {
    CkSyncSession *session;
    const CkHashes *wanted; /* only these, and the segments stay unseen; or NULL */
    CkBuf names;            /* CkSegmentName of each segment that is to be read */
    CkBuf stones;           /* a Stone for each of their tombstones, by hash, then in order */
    int64_t high;           /* the highest place that was read before */
    CkSegmentName *name;    /* of the segment that is read now */
    CkSegment segment;
    uint64_t at;            /* of the next item */
    char refused[200];      /* why a model refuses some of the segment, or "" */
    int is_unreadable;      /* what failed is the reading of the segment */
} Reading;

static CkSegmentName *names_of(const Reading *reading, size_t *n) {
    *n = reading->names.n_bytes / sizeof(CkSegmentName);
    return (CkSegmentName *)(void *)reading->names.data;
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

/* Opens the i-th segment, or reads its next frame; a failure is the segment's. */
static int open_segment(Reading *reading, size_t i, CkError *err) {
    size_t n;
    reading->name = names_of(reading, &n) + i;
    reading->at = (uint64_t)i << 32;
    reading->refused[0] = 0;
    ck_segment_open(&reading->segment, reading->session->folder, reading->name->text,
                    err);
    reading->is_unreadable = err->rc != SQLITE_OK;
    return err->rc;
}

static int next_frame(Reading *reading, CkError *err) {
    ck_segment_next(&reading->segment, err);
    reading->is_unreadable = err->rc != SQLITE_OK;
    return err->rc;
}

/* Tombstones. */

static int compare_stones(const void *a, const void *b) {
    const Stone *x = a, *y = b;
    int order = memcmp(x->hash, y->hash, CK_HASH_BYTES);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Does a tombstone of the hash come after the item `at`? */
static int is_retired_after(const Reading *reading, const uint8_t *hash, uint64_t at) {
    const Stone *stones = (const Stone *)(const void *)reading->stones.data;
    size_t low = 0, n = reading->stones.n_bytes / sizeof(Stone), high = n;
    Stone sought = {.at = at};
    memcpy(sought.hash, hash, CK_HASH_BYTES);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_stones(&stones[middle], &sought) <= 0) low = middle + 1;
        else high = middle;
    }
    return low < n && memcmp(stones[low].hash, hash, CK_HASH_BYTES) == 0;
}

static int find_stones_of_frame(Reading *reading, CkError *err) {
    CkItem item;
    while (ck_frame_next(&reading->segment.frame, &item) == SQLITE_ROW) {
        Stone stone = {.at = reading->at++};
        if (item.op != CK_ITEM_TOMBSTONE || !is_wanted(reading->wanted, item.hash)) continue;
        memcpy(stone.hash, item.hash, CK_HASH_BYTES);
        ck_buf_append(&reading->stones, &stone, sizeof stone);
    }
    return reading->stones.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

/* A segment that cannot be read is noticed when its puts are. */
static int find_stones_of_segment(Reading *reading, size_t i, CkError *err) {
    CkError own = CK_ERROR_NONE;
    open_segment(reading, i, &own);
    while (own.rc == SQLITE_OK && !reading->segment.is_end) {
        if (next_frame(reading, &own) == SQLITE_OK) find_stones_of_frame(reading, &own);
    }
    ck_segment_close(&reading->segment);
    if (own.rc == SQLITE_NOMEM) ck_error_nomem(err);
    ck_error_release(&own);
    return err->rc;
}

static int find_stones(Reading *reading, CkError *err) {
    size_t n;
    const CkSegmentName *names = names_of(reading, &n);
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        if (names[i].n_tombstones != 0) find_stones_of_segment(reading, i, err);
    }
    if (reading->stones.n_bytes > 0) {
        qsort(reading->stones.data, reading->stones.n_bytes / sizeof(Stone), sizeof(Stone),
              compare_stones);
    }
    return err->rc;
}

/* Items. */

/* Is the item out of date? */
static int is_superseded(Reading *reading, const CkItem *item, uint64_t at, int *superseded,
                         CkError *err) {
    int64_t one;
    *superseded = is_retired_after(reading, item->hash, at);
    if (*superseded || item->op != CK_ITEM_PUT || reading->wanted ||
        reading->name->place > reading->high) {
        return SQLITE_OK;
    }
    return ck_stmt_ints(reading->session->store, CK_SQL_SEGMENT_RETIRED, err, &one, 1, superseded,
                        "bi", item->hash, CK_HASH_BYTES, item->created_at);
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

/* An embedding whose model has other dims here is taken when it has not any more. */
static void note_refusal(Reading *reading, const CkItemOutcome *outcome) {
    if (outcome->result != CK_ITEM_REJECTED || strcmp(outcome->code, "model") != 0) return;
    sqlite3_snprintf(sizeof reading->refused, reading->refused, "%s", outcome->message);
}

static int apply_items(Reading *reading, CkApply *apply, int64_t *n, CkError *err) {
    CkItem item;
    CkItemOutcome outcome;
    int superseded = 0;
    while (err->rc == SQLITE_OK && ck_frame_next(&reading->segment.frame, &item) == SQLITE_ROW) {
        uint64_t at = reading->at++;
        if (!is_wanted(reading->wanted, item.hash)) continue;
        if (reading->wanted && item.op == CK_ITEM_TOMBSTONE) continue;
        if (is_superseded(reading, &item, at, &superseded, err) != SQLITE_OK) break;
        if (superseded) continue;
        if (ck_apply_item(apply, &item, &outcome, err) != SQLITE_OK) break;
        ck_sync_count_pulled(reading->session->summary, &item, &outcome);
        settle(reading->session, &item, &outcome, err);
        note_refusal(reading, &outcome);
        ++*n;
    }
    return err->rc;
}

/* The last frame of a segment was applied. */
static int add_seen(Reading *reading, CkError *err) {
    const CkSyncSession *session = reading->session;
    const char *name = reading->name->text;
    return ck_stmt_run(session->store, CK_SQL_SEGMENT_ADD, err, "ttii", session->remote.name, name,
                       (int64_t)(strncmp(name, session->me, CK_UUID_BYTES - 1) == 0),
                       (int64_t)(reading->refused[0] != 0));
}

/* One transaction: a frame; and with the last one the segment is seen. */
static int apply_frame(Reading *reading, CkError *err) {
    CkSyncSession *session = reading->session;
    CkStore *store = session->store;
    CkWrite write;
    CkApply apply;
    int64_t n = 0;
    if (ck_sync_session_begin(session, &write, err) != SQLITE_OK) return err->rc;
    ck_buf_clear(&session->acks);
    if (ck_sync_session_refresh(session, err) == SQLITE_OK) {
        if (ck_apply_begin(&apply, store, session->remote.name, NULL, err) == SQLITE_OK) {
            apply.by_hash = reading->wanted != NULL;
            apply_items(reading, &apply, &n, err);
        }
        ck_apply_end(&apply, NULL, err);
    }
    if (err->rc == SQLITE_OK && session->acks.n_bytes > 0 &&
        ck_sync_session_refresh(session, err) == SQLITE_OK) {
        ck_ack_record(store, &session->remote, (CkAck *)(void *)session->acks.data,
                      session->acks.n_bytes / sizeof(CkAck), err);
    }
    if (err->rc == SQLITE_OK && reading->segment.is_end && !reading->wanted) {
        add_seen(reading, err);
    }
    if (err->rc == SQLITE_OK) ck_sync_session_progress(session, n, 0, err);
    return ck_write_end(&write, err);
}

static int read_segment(Reading *reading, size_t i, CkError *err) {
    open_segment(reading, i, err);
    while (err->rc == SQLITE_OK && !reading->segment.is_end) {
        if (next_frame(reading, err) == SQLITE_OK) apply_frame(reading, err);
    }
    ck_segment_close(&reading->segment);
    return err->rc;
}

/*
** A segment that cannot be read, or has what a model here refuses, is a row in ck_errors while that
** is so, and no reason to stop.
*/
static int excuse(const Reading *reading, CkError *own, CkError *err) {
    CkSyncSession *session = reading->session;
    const char *name = reading->name->text;
    const char *message = own->rc != SQLITE_OK ? own->message : reading->refused;
    CkWrite write;
    char code[sizeof CODE + CK_FILE_NAME_BYTES];
    if (own->rc != SQLITE_OK && (own->rc == SQLITE_NOMEM || !reading->is_unreadable)) {
        *err = *own; /* the message moves along */
        return err->rc;
    }
    if (own->rc == SQLITE_OK && reading->wanted) return SQLITE_OK; /* not all of it was looked at */
    sqlite3_snprintf(sizeof code, code, CODE "%s", name);
    if (ck_sync_session_begin(session, &write, err) == SQLITE_OK) {
        if (message[0]) {
            ck_errors_add(session->store, session->task, code, err, "%s: %s", name, message);
        } else {
            ck_errors_remove(session->store, session->task, code, err);
        }
        ck_write_end(&write, err);
    }
    session->summary->damaged += own->rc != SQLITE_OK;
    ck_error_release(own);
    return err->rc;
}

/* Finds an error that speaks of a segment that is gone: its code, from sqlite3_malloc, or NULL. */
static char *find_old_error(CkSyncSession *session, CkError *err) {
    CkStore *store = session->store;
    sqlite3_stmt *stmt = NULL;
    char *code = NULL;
    if (ck_stmt_take(store, CK_SQL_ERROR_CODES, &stmt, err) != SQLITE_OK) return NULL;
    ck_stmt_bind(stmt, "tt", session->task, CODE);
    while (!code && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        char *path = text ? sqlite3_mprintf("%s%s", session->folder, text + strlen(CODE)) : NULL;
        int is_gone = path && !ck_file_exists(path);
        if (is_gone) code = sqlite3_mprintf("%s", text);
        if (!path || (is_gone && !code)) ck_error_nomem(err);
        sqlite3_free(path);
    }
    ck_stmt_give(store, CK_SQL_ERROR_CODES, stmt);
    return code;
}

static int remove_old_errors(CkSyncSession *session, CkError *err) {
    char *code;
    CkWrite write;
    while ((code = find_old_error(session, err)) != NULL) {
        if (err->rc == SQLITE_OK && ck_sync_session_begin(session, &write, err) == SQLITE_OK) {
            ck_errors_remove(session->store, session->task, code, err);
            ck_write_end(&write, err);
        }
        sqlite3_free(code);
        if (err->rc != SQLITE_OK) break;
    }
    return err->rc;
}

/* Keeps the names that were not seen. */
static int leave_out_seen(Reading *reading, CkError *err) {
    CkStore *store = reading->session->store;
    const char *remote = reading->session->remote.name;
    size_t n, n_kept = 0;
    CkSegmentName *names = names_of(reading, &n);
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        int64_t one;
        int seen = 0;
        ck_stmt_ints(store, CK_SQL_SEGMENT_SEEN, err, &one, 1, &seen, "tt", remote, names[i].text);
        if (!seen) names[n_kept++] = names[i];
    }
    reading->names.n_bytes = n_kept * sizeof *names;
    if (n_kept == 0 || err->rc != SQLITE_OK) return err->rc;
    return ck_sync_dir_last_place(reading->session, &reading->high, err);
}

static int read_all(Reading *reading, CkError *err) {
    size_t n;
    ck_segment_list(reading->session->folder, &reading->names, err);
    if (err->rc == SQLITE_OK && !reading->wanted) leave_out_seen(reading, err);
    if (err->rc == SQLITE_OK) find_stones(reading, err);
    names_of(reading, &n);
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        CkError own = CK_ERROR_NONE;
        read_segment(reading, i, &own);
        excuse(reading, &own, err);
    }
    ck_buf_release(&reading->names);
    ck_buf_release(&reading->stones);
    return err->rc;
}

int ck_sync_dir_pull(CkSyncSession *session, CkError *err) {
    Reading reading = {.session = session};
    return read_all(&reading, err) == SQLITE_OK ? remove_old_errors(session, err) : err->rc;
}

int ck_sync_dir_get(CkSyncSession *session, CkHashes sorted, CkError *err) {
    Reading reading = {.session = session, .wanted = &sorted};
    if (sorted.n == 0 || read_all(&reading, err) != SQLITE_OK) return err->rc;
    ck_buf_clear(&session->sent);
    ck_sync_append_unreadable(session->store, sorted, &session->sent, err);
    session->summary->missing += (int64_t)(session->sent.n_bytes / CK_HASH_BYTES);
    return err->rc;
}
