/*
** Pushing: see sync.h.
**
** The order is what makes it safe: what is taken from the outbox is durable in the remote before
** the answer is recorded here. Cut short in between, it is offered again and is known there by its
** hash.
*/
#include <string.h>

#include "store/ack.h"
#include "store/frame.h"
#include "store/item_reader.h"
#include "store/outbox.h"
#include "store/sync_dir.h"
#include "store/transaction.h"

static CkOutboxItem *items_of(const CkSyncSession *session, size_t *n) {
    *n = session->items.n_bytes / sizeof(CkOutboxItem);
    return (CkOutboxItem *)(void *)session->items.data;
}

/* The next batch, of one frame. */
static int take(CkSyncSession *session, CkError *err) {
    CkRemote limited = session->remote;
    if (limited.batch_bytes > CK_FRAME_FULL_BYTES) limited.batch_bytes = CK_FRAME_FULL_BYTES;
    if (limited.batch_items > CK_FRAME_ITEMS_MAX) limited.batch_items = CK_FRAME_ITEMS_MAX;
    ck_buf_clear(&session->items);
    return ck_outbox_take(session->store, &limited, &session->items, err);
}

/*
** One that the remote has is sent all the same: if its vector is another one there, two models go
** by one name, which nobody would notice as long as the hashes agree. It is answered as a conflict.
*/
static void sample_known(uint8_t *flags, size_t n) {
    uint8_t *known = memchr(flags, 0, n);
    if (known) *known = 1;
}

/*
** flags[i]: item i is to be sent: the remote lacks it, or was not asked, because it knew nothing of
** the batch before. Tombstones count as lacking.
*/
static int offer(CkSyncSession *session, CkError *err) {
    size_t n, n_puts = 0;
    const CkOutboxItem *items = items_of(session, &n);
    ck_buf_clear(&session->hashes);
    ck_buf_clear(&session->flags);
    for (size_t i = 0; i < n; i++) {
        if (items[i].id != 0) ck_buf_append(&session->hashes, items[i].hash, CK_HASH_BYTES);
        n_puts += items[i].id != 0;
    }
    uint8_t *flags = ck_buf_extend(&session->flags, n + n_puts);
    if (!flags || session->hashes.rc != SQLITE_OK) return ck_error_nomem(err);
    const CkHashes hashes = {session->hashes.data, n_puts};
    memset(flags, 1, n + n_puts);
    if (n_puts > 0 && !session->is_news) {
        session->transport->methods->missing(session->transport, hashes, flags + n, err);
    }
    session->is_news = n_puts > 0;
    for (size_t i = 0, put = n; i < n; i++) {
        if (items[i].id != 0) flags[i] = flags[put++];
        session->is_news &= flags[i];
    }
    sample_known(flags, n);
    return err->rc;
}

static int add_ack(CkSyncSession *session, const CkOutboxItem *item, CkAckResult result,
                   const CkPutAnswer *said, CkError *err) {
    CkAck ack = {.seq = item->seq, .result = result};
    memcpy(ack.hash, item->hash, CK_HASH_BYTES);
    if (said && said->code[0]) ack.code = said->code;
    if (said && said->message[0]) ack.message = said->message;
    ck_buf_append(&session->acks, &ack, sizeof ack);
    return session->acks.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

/* Reads the item and adds it to the frame; one that cannot be read is answered by us. */
static int pack_item(CkSyncSession *session, CkItemReader *reader, CkFrameWriter *writer,
                     const CkOutboxItem *wanted, CkError *err) {
    static const CkPutAnswer damaged = {CK_ITEM_REJECTED, "damaged",
                                        "its vector does not read back"};
    CkItem item;
    int64_t n_damaged = reader->n_damaged;
    if (wanted->id != 0) ck_item_reader_of_id(reader, wanted->id, err);
    else ck_item_reader_tombstone(reader, wanted->hash, err);
    int rc = err->rc == SQLITE_OK ? ck_item_reader_next(reader, &item, err) : err->rc;
    if (rc == SQLITE_ROW) {
        session->summary->bytes += item.n_bytes;
        ck_frame_writer_add(writer, &item, err);
        ck_buf_append(&session->sent, wanted, sizeof *wanted);
    } else if (rc == SQLITE_DONE && reader->n_damaged > n_damaged) {
        add_ack(session, wanted, CK_ACK_RETRY, &damaged, err);
    }
    ck_item_reader_end(reader);
    return err->rc;
}

/*
** Packs what the remote lacks; what it has is answered. An embedding that was evicted meanwhile is
** not in the outbox any more.
*/
static int pack_items(CkSyncSession *session, CkError *err) {
    size_t n;
    const CkOutboxItem *items = items_of(session, &n);
    CkItemReader reader;
    CkFrameWriter writer;
    CkRead read;
    if (ck_read_begin(&read, session->store, err) != SQLITE_OK) return err->rc;
    ck_item_reader_init(&reader, session->store);
    ck_frame_writer_init(&writer);
    writer.plain = 1;
    ck_buf_clear(&session->sent);
    ck_buf_clear(&session->acks);
    ck_buf_clear(&session->pack);
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        if (session->flags.data[i]) {
            pack_item(session, &reader, &writer, &items[i], err);
        } else {
            session->summary->push_exists++;
            add_ack(session, &items[i], CK_ACK_EXISTS, NULL, err);
        }
        if (ck_frame_writer_is_full(&writer)) ck_frame_writer_end(&writer, &session->pack, err);
    }
    if (err->rc == SQLITE_OK) ck_frame_writer_end(&writer, &session->pack, err);
    if (session->sent.rc != SQLITE_OK) ck_error_nomem(err);
    ck_frame_writer_release(&writer);
    ck_item_reader_release(&reader);
    ck_read_end(&read);
    return err->rc;
}

static int take_answer(CkSyncSession *session, const CkOutboxItem *item, const CkPutAnswer *said,
                       CkError *err) {
    static const CkPutAnswer conflict = {CK_ITEM_CONFLICT, "conflict", ""};
    CkSyncSummary *summary = session->summary;
    switch (said->result) {
    case CK_ITEM_CREATED:
        summary->pushed++;
        return add_ack(session, item, CK_ACK_CREATED, NULL, err);
    case CK_ITEM_EXISTS:
        session->is_news = 0;
        summary->push_exists++;
        return add_ack(session, item, CK_ACK_EXISTS, NULL, err);
    case CK_ITEM_CONFLICT:
        summary->conflicts++;
        return add_ack(session, item, CK_ACK_EXISTS, &conflict, err);
    default:
        summary->push_rejected++;
        /* What was damaged on the way may arrive next time. */
        return add_ack(session, item,
                       strcmp(said->code, "checksum") == 0 ? CK_ACK_RETRY : CK_ACK_REJECTED, said,
                       err);
    }
}

static int send(CkSyncSession *session, CkError *err) {
    const CkOutboxItem *sent = (const CkOutboxItem *)(void *)session->sent.data;
    size_t n = session->sent.n_bytes / sizeof *sent;
    CkBuf *said = &session->reply.answers;
    ck_buf_clear(said);
    session->reply.before_seq = session->reply.after_seq = 0;
    if (n == 0) return SQLITE_OK;
    if (session->transport->methods->put(session->transport, &session->pack,
                                         session->remote.new_mark, &session->reply,
                                         err) != SQLITE_OK) {
        return err->rc;
    }
    session->changed = 1;
    const CkPutAnswer *answers = (const CkPutAnswer *)(void *)said->data;
    if (said->n_bytes != n * sizeof *answers) {
        return ck_error_set(err, SQLITE_ERROR, "it was sent %lld items and answered %lld",
                            (long long)n, (long long)(said->n_bytes / sizeof *answers));
    }
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        take_answer(session, &sent[i], &answers[i], err);
    }
    return err->rc;
}

/*
** Who has read all of the remote's feed need not read in it what he put there himself. A mirror
** does: it refers to what it reads.
*/
static int pass_own(CkSyncSession *session, CkError *err) {
    const CkRemote *remote = &session->remote;
    int64_t after = session->reply.after_seq;
    if (remote->mirror || after <= session->reply.before_seq ||
        remote->pull_seq != session->reply.before_seq) {
        return SQLITE_OK;
    }
    return ck_stmt_run(session->store, CK_SQL_REMOTE_SET_CURSOR, err, "tii", remote->name, after,
                       after > remote->pull_high ? after : remote->pull_high);
}

static int record(CkSyncSession *session, CkError *err) {
    CkStore *store = session->store;
    CkWrite write;
    char mark[CK_UUID_BYTES]; /* that went with the batch */
    int64_t last = 0;
    int found;
    size_t n, n_acks = session->acks.n_bytes / sizeof(CkAck);
    const CkOutboxItem *items = items_of(session, &n);
    sqlite3_snprintf(sizeof mark, mark, "%s", session->remote.new_mark);
    if (ck_sync_session_begin(session, &write, err) != SQLITE_OK) return err->rc;
    if (ck_sync_session_refresh(session, err) == SQLITE_OK) {
        ck_ack_record(store, &session->remote, (CkAck *)(void *)session->acks.data, n_acks, err);
    }
    if (err->rc == SQLITE_OK && session->sent.n_bytes > 0) {
        ck_remote_marked(store, session->remote.name, mark, err);
    }
    if (err->rc == SQLITE_OK) pass_own(session, err);
    if (err->rc == SQLITE_OK) ck_stmt_ints(store, CK_SQL_META_SEQ, err, &last, 1, &found, "");
    if (err->rc == SQLITE_OK) {
        ck_sync_session_progress(session, (int64_t)n, last - items[n - 1].seq, err);
    }
    return ck_write_end(&write, err);
}

int ck_sync_session_push(CkSyncSession *session, CkError *err) {
    size_t n = 0;
    if (ck_sync_session_refresh(session, err) != SQLITE_OK) return err->rc; /* a pull was before */
    session->is_news = 0;
    if (!session->transport) return ck_sync_dir_push(session, err);
    for (;;) {
        if (take(session, err) != SQLITE_OK) break;
        items_of(session, &n);
        if (n == 0) break;
        if (offer(session, err) != SQLITE_OK || pack_items(session, err) != SQLITE_OK ||
            send(session, err) != SQLITE_OK || record(session, err) != SQLITE_OK) {
            break;
        }
        if (ck_sync_session_refresh(session, err) != SQLITE_OK) break;
    }
    return err->rc;
}
