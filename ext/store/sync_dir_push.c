/*
** Writing segments into a directory (sync_dir.c says what they are).
**
** A segment is filled with what is in the outbox, batch by batch, one frame in memory; when it has
** its name in the directory, what is in it is answered, all in one transaction.
*/
#include <string.h>

#include "base/file.h"
#include "store/ack.h"
#include "store/item_reader.h"
#include "store/outbox.h"
#include "store/segment.h"
#include "store/sync_dir.h"
#include "store/transaction.h"

/* A segment is ended when it has so many bytes: so much is sent again when writing it fails. */
#define SEGMENT_BYTES (64 * 1024 * 1024)

/* A file that was not written to for so long was left by a process that died. */
#define ABANDONED_S 3600

typedef struct Writing {
    CkSyncSession *session;
    CkItemReader reader;
    CkFrameWriter writer;
    CkFile file;
    char *temporary;
    int64_t last; /* seq up to which the outbox was taken */
    int64_t n_bytes, n_tombstones;
} Writing;

static int write_frame(Writing *writing, CkError *err) {
    CkBuf *pack = &writing->session->pack;
    ck_buf_clear(pack);
    if (ck_frame_writer_end(&writing->writer, pack, err) != SQLITE_OK) return err->rc;
    writing->n_bytes += (int64_t)pack->n_bytes;
    return ck_file_write(&writing->file, pack->data, pack->n_bytes, err);
}

/* Adds an item to the frame, and the answer it will have got. */
static int write_item(Writing *writing, const CkOutboxItem *wanted, CkError *err) {
    CkSyncSession *session = writing->session;
    CkItemReader *reader = &writing->reader;
    CkItem item;
    CkAck ack = {.seq = wanted->seq, .result = CK_ACK_CREATED};
    int64_t n_damaged = reader->n_damaged;
    if (wanted->id != 0) ck_item_reader_of_id(reader, wanted->id, err);
    else ck_item_reader_tombstone(reader, wanted->hash, err);
    int rc = err->rc == SQLITE_OK ? ck_item_reader_next(reader, &item, err) : err->rc;
    if (rc == SQLITE_ROW) {
        ck_frame_writer_add(&writing->writer, &item, err);
        session->summary->bytes += item.n_bytes;
        session->summary->pushed++;
        writing->n_tombstones += item.op == CK_ITEM_TOMBSTONE;
    } else {
        ack.result = CK_ACK_RETRY;
        ack.code = "damaged";
    }
    ck_item_reader_end(reader);
    if (err->rc != SQLITE_OK || (rc == SQLITE_DONE && reader->n_damaged == n_damaged)) {
        return err->rc; /* it was evicted meanwhile */
    }
    memcpy(ack.hash, wanted->hash, CK_HASH_BYTES);
    ck_buf_append(&session->acks, &ack, sizeof ack);
    if (session->acks.rc != SQLITE_OK) return ck_error_nomem(err);
    return ck_frame_writer_is_full(&writing->writer) ? write_frame(writing, err) : SQLITE_OK;
}

/* Takes from the outbox what comes after `last`, or else what is to be tried again. */
static int take(Writing *writing, size_t *n, CkError *err) {
    CkSyncSession *session = writing->session;
    CkRemote ahead = session->remote;
    ahead.push_seq = writing->last;
    ck_buf_clear(&session->items);
    ck_outbox_take(session->store, &ahead, &session->items, err);
    *n = session->items.n_bytes / sizeof(CkOutboxItem);
    return err->rc;
}

static int write_items(Writing *writing, size_t n, CkError *err) {
    CkSyncSession *session = writing->session;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        const CkOutboxItem *items = (const CkOutboxItem *)(const void *)session->items.data;
        write_item(writing, &items[i], err);
        if (items[i].seq > writing->last) writing->last = items[i].seq;
    }
    session->done += (int64_t)n;
    return err->rc;
}

/*
** Batch by batch. What is tried again is behind `last` and is due until it is answered, so it is a
** segment's first batch or waits for the next segment.
*/
static int fill(Writing *writing, CkError *err) {
    const CkBuf *items = &writing->session->items;
    size_t n = 0;
    for (int is_first = 1; writing->n_bytes < SEGMENT_BYTES; is_first = 0) {
        if (take(writing, &n, err) != SQLITE_OK || n == 0) break;
        const CkOutboxItem *first = (const CkOutboxItem *)(const void *)items->data;
        if (!is_first && first->seq <= writing->last) break;
        if (write_items(writing, n, err) != SQLITE_OK) break;
    }
    return err->rc == SQLITE_OK ? write_frame(writing, err) : err->rc;
}

static int record(Writing *writing, const char *name, CkError *err) {
    CkSyncSession *session = writing->session;
    CkStore *store = session->store;
    CkWrite write;
    if (ck_sync_session_begin(session, &write, err) != SQLITE_OK) return err->rc;
    if (ck_sync_session_refresh(session, err) == SQLITE_OK) {
        ck_ack_record(store, &session->remote, (CkAck *)(void *)session->acks.data,
                      session->acks.n_bytes / sizeof(CkAck), err);
    }
    if (err->rc == SQLITE_OK && name) {
        ck_stmt_run(store, CK_SQL_SEGMENT_ADD, err, "ttii", session->remote.name, name, (int64_t)1,
                    (int64_t)0);
    }
    if (err->rc == SQLITE_OK) ck_sync_session_progress(session, 0, 0, err);
    ck_write_end(&write, err);
    if (err->rc == SQLITE_OK) ck_sync_session_refresh(session, err);
    return err->rc;
}

/* A place behind all that is there, and behind what is not there any more. */
static int find_place(CkSyncSession *session, int64_t *place, CkError *err) {
    CkBuf names;
    ck_buf_init(&names);
    ck_sync_dir_last_place(session, place, err);
    if (err->rc == SQLITE_OK) ck_segment_list(session->folder, &names, err);
    const CkSegmentName *name = (const CkSegmentName *)(const void *)names.data;
    size_t n = names.n_bytes / sizeof *name;
    if (n > 0 && name[n - 1].place > *place) *place = name[n - 1].place;
    if (*place < CK_SEGMENT_PLACE_MAX) ++*place;
    ck_buf_release(&names);
    return err->rc;
}

/* Gives the segment its name, unless nothing is in it. */
static int publish(Writing *writing, CkError *err) {
    CkSyncSession *session = writing->session;
    const char *folder = session->folder;
    CkSegmentName name = {.n_tombstones = writing->n_tombstones};
    if (writing->n_bytes == 0) return record(writing, NULL, err);
    if (find_place(session, &name.place, err) != SQLITE_OK) return err->rc;
    ck_segment_name_make(session->me, &name);
    char *path = sqlite3_mprintf("%s%s", folder, name.text);
    if (!path) return ck_error_nomem(err);
    if (ck_file_publish(&writing->file, folder, path, err) == SQLITE_OK) {
        record(writing, name.text, err);
    }
    sqlite3_free(path);
    return err->rc;
}

/*
** Removes what a process of this store that died was writing. Another one may be writing just now,
** so what was written to of late stays; "now" is when our own file was made, by the clock that
** stamps the others. Whose file is removed all the same cannot rename it, and begins again.
*/
static int remove_abandoned(const Writing *writing, CkError *err) {
    const char *folder = writing->session->folder;
    char prefix[CK_UUID_BYTES + 2];
    int64_t now = 0, at = 0;
    CkBuf names;
    ck_buf_init(&names);
    sqlite3_snprintf(sizeof prefix, prefix, ".%s-", writing->session->me);
    if (ck_file_written_at(writing->temporary, &now)) {
        ck_file_list(folder, prefix, ".tmp", &names, err);
    }
    const CkFileName *name = (const CkFileName *)(const void *)names.data;
    for (size_t i = 0; i < names.n_bytes / sizeof *name && err->rc == SQLITE_OK; i++) {
        char *path = sqlite3_mprintf("%s%s", folder, name[i].name);
        if (!path) ck_error_nomem(err);
        else if (ck_file_written_at(path, &at) && at < now - ABANDONED_S) ck_file_remove(path);
        sqlite3_free(path);
    }
    ck_buf_release(&names);
    return err->rc;
}

static int write_segment(Writing *writing, CkError *err) {
    writing->temporary = ck_sync_dir_temporary(writing->session);
    if (!writing->temporary) return ck_error_nomem(err);
    if (ck_file_create(&writing->file, writing->temporary, err) == SQLITE_OK &&
        remove_abandoned(writing, err) == SQLITE_OK && fill(writing, err) == SQLITE_OK) {
        publish(writing, err);
    }
    if (writing->file.fd >= 0) ck_file_remove(writing->temporary);
    ck_file_close(&writing->file);
    sqlite3_free(writing->temporary);
    return err->rc;
}

int ck_sync_dir_push(CkSyncSession *session, CkError *err) {
    size_t n = 0;
    for (;;) {
        Writing writing = {.session = session, .file = CK_FILE_NONE};
        writing.last = session->remote.push_seq;
        ck_buf_clear(&session->acks);
        if (take(&writing, &n, err) != SQLITE_OK || n == 0) return err->rc;
        ck_item_reader_init(&writing.reader, session->store);
        ck_frame_writer_init(&writing.writer);
        write_segment(&writing, err);
        ck_frame_writer_release(&writing.writer);
        ck_item_reader_release(&writing.reader);
        if (err->rc != SQLITE_OK) return err->rc;
    }
}
