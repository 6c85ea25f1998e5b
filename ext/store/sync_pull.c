/*
** Pulling: see sync.h.
**
** A batch is read from the remote before the transaction here begins, so the write lock is held for
** the writing alone. It is one frame at most, in memory once.
*/
#include <stdlib.h>
#include <string.h>

#include "store/embedding.h"
#include "store/pack_reader.h"
#include "store/stored_vector.h"
#include "store/sync_dir.h"
#include "store/tombstone.h"
#include "store/transaction.h"

static CkPackLimits limits_of(const CkSyncSession *session) {
    CkPackLimits limits = {session->remote.batch_items, session->remote.batch_bytes, 1};
    if (limits.items > CK_FRAME_ITEMS_MAX) limits.items = CK_FRAME_ITEMS_MAX;
    if (limits.bytes > CK_FRAME_FULL_BYTES) limits.bytes = CK_FRAME_FULL_BYTES;
    return limits;
}

/*
** Applies every frame of a pack. listed: an embedding that comes without its vector is here, or is
** got, so nothing is to be done but for a mirror, which refers to what is here.
*/
static int apply_pack(CkSyncSession *session, CkApply *apply, const CkBuf *pack, int listed,
                      CkError *err) {
    CkPackReader reader;
    CkItem item;
    CkItemOutcome outcome;
    ck_pack_reader_init(&reader, "what it sent", pack->data, pack->n_bytes);
    while (ck_pack_reader_next(&reader, &item, err) == SQLITE_ROW) {
        int is_known = listed && item.op == CK_ITEM_PUT;
        if (is_known && !session->remote.mirror) continue;
        if (ck_apply_item(apply, &item, &outcome, err) != SQLITE_OK) break;
        if (is_known && outcome.result == CK_ITEM_REJECTED &&
            strcmp(outcome.code, "missing") == 0) {
            ck_buf_append(&session->lost, item.hash, CK_HASH_BYTES);
            if (session->lost.rc != SQLITE_OK) ck_error_nomem(err);
        }
        if (!is_known) ck_sync_count_pulled(session->summary, &item, &outcome);
    }
    ck_pack_reader_release(&reader);
    return err->rc;
}

/* Appends the hash to session->hashes unless it is stored here, or was retired here since. */
static int find_missing(CkSyncSession *session, const uint8_t *hash, CkError *err) {
    int64_t id, used_at;
    const CkRemote *remote = &session->remote;
    int found = 0;
    if (ck_embedding_find(session->store, hash, &id, &used_at, &found, err) != SQLITE_OK) {
        return err->rc;
    }
    if (!found && ck_tombstone_waits(session->store, remote, remote->push_seq, hash, &found,
                                     err) != SQLITE_OK) {
        return err->rc;
    }
    session->summary->pull_exists += found;
    if (!found) ck_buf_append(&session->hashes, hash, CK_HASH_BYTES);
    return session->hashes.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int missing_of_listing(CkSyncSession *session, const CkBuf *pack, CkError *err) {
    CkPackReader reader;
    CkItem item;
    CkRead read;
    ck_buf_clear(&session->hashes);
    if (pack->n_bytes == 0) return SQLITE_OK;
    if (ck_read_begin(&read, session->store, err) != SQLITE_OK) return err->rc;
    ck_pack_reader_init(&reader, "its list", pack->data, pack->n_bytes);
    while (ck_pack_reader_next(&reader, &item, err) == SQLITE_ROW) {
        if (item.op == CK_ITEM_PUT) find_missing(session, item.hash, err);
    }
    ck_pack_reader_release(&reader);
    ck_read_end(&read);
    return err->rc;
}

/* Gets what session->hashes has after `at`, as much as is one batch; moves `at`. */
static int get(CkSyncSession *session, size_t *at, CkError *err) {
    const CkPackLimits limits = limits_of(session);
    size_t n = session->hashes.n_bytes / CK_HASH_BYTES, n_done = 0;
    const CkHashes rest = {session->hashes.data + *at * CK_HASH_BYTES, n - *at};
    ck_buf_clear(&session->pack);
    if (rest.n == 0) return SQLITE_OK;
    session->transport->methods->get(session->transport, rest, &limits, &session->pack, &n_done,
                                     err);
    if (err->rc == SQLITE_OK && n_done == 0) {
        ck_error_set(err, SQLITE_ERROR, "it was asked for %lld embeddings and looked at none",
                     (long long)rest.n);
    }
    *at += n_done;
    return err->rc;
}

/* One transaction: a pack, and after it what was listed; cursor NULL before the last of a
** listing, and kept back when something of that has gone meanwhile. */
typedef struct Batch {
    const CkBuf *listing; /* or NULL */
    const CkBuf *pack;
    const CkPullCursor *cursor; /* its epoch is the session's */
    int64_t left;
    int by_hash; /* what is asked for is wanted, whatever was retired */
} Batch;

static int64_t items_met(const CkSyncSummary *summary) {
    return summary->pulled + summary->pull_exists + summary->pull_rejected + summary->conflicts;
}

static int apply_batch(CkSyncSession *session, const Batch *batch, CkError *err) {
    CkStore *store = session->store;
    CkWrite write;
    CkApply apply;
    CkPullCursor cursor;
    int64_t before = items_met(session->summary);
    if (ck_sync_session_begin(session, &write, err) != SQLITE_OK) return err->rc;
    if (ck_sync_session_refresh(session, err) != SQLITE_OK) return ck_write_end(&write, err);
    ck_apply_begin(&apply, store, session->remote.name, NULL, err);
    apply.by_hash = batch->by_hash;
    if (err->rc == SQLITE_OK) apply_pack(session, &apply, batch->pack, 0, err);
    if (err->rc == SQLITE_OK && batch->listing) apply_pack(session, &apply, batch->listing, 1, err);
    if (err->rc == SQLITE_OK) {
        ck_sync_session_progress(session, items_met(session->summary) - before, batch->left, err);
    }
    int moves = batch->cursor && !(batch->listing && session->lost.n_bytes > 0);
    if (moves) {
        cursor = *batch->cursor;
        cursor.epoch = session->remote.epoch;
    }
    ck_apply_end(&apply, moves ? &cursor : NULL, err);
    return ck_write_end(&write, err);
}

/* Gets and applies session->hashes. The listing, and the cursor, go with the last part. */
static int get_listed(CkSyncSession *session, const CkBuf *listing, const CkPullCursor *cursor,
                      CkError *err) {
    size_t at = 0, n = session->hashes.n_bytes / CK_HASH_BYTES;
    do {
        if (get(session, &at, err) != SQLITE_OK) return err->rc;
        int is_last = at == n;
        const Batch batch = {is_last ? listing : NULL, &session->pack, is_last ? cursor : NULL,
                             cursor->high_seq - cursor->next_seq, 0};
        apply_batch(session, &batch, err);
    } while (at < n && err->rc == SQLITE_OK);
    return err->rc;
}

/*
** What a listing has and is not here. A mirror refers to the rest of it, too; what of that was
** collected as garbage since it was listed is got as well, once: the remote may have lost it.
*/
static int pull_listing(CkSyncSession *session, const CkListing *listing,
                        const CkPullCursor *cursor, CkError *err) {
    int64_t known = session->summary->pull_exists;
    if (missing_of_listing(session, &listing->pack, err) != SQLITE_OK) return err->rc;
    session->is_news = session->hashes.n_bytes > 0 && session->summary->pull_exists == known;
    ck_buf_clear(&session->lost);
    if (get_listed(session, &listing->pack, cursor, err) != SQLITE_OK) return err->rc;
    if (session->lost.n_bytes == 0) return SQLITE_OK;
    ck_buf_clear(&session->hashes);
    ck_buf_append(&session->hashes, session->lost.data, session->lost.n_bytes);
    if (session->hashes.rc != SQLITE_OK) return ck_error_nomem(err);
    return get_listed(session, NULL, cursor, err);
}

static int pull_whole(CkSyncSession *session, const CkListing *listing, const CkPullCursor *cursor,
                      CkError *err) {
    int64_t known = session->summary->pull_exists;
    const Batch batch = {NULL, &listing->pack, cursor, cursor->high_seq - cursor->next_seq, 0};
    apply_batch(session, &batch, err);
    session->is_news = session->summary->pull_exists == known;
    return err->rc;
}

/*
** Page by page. A page is listed first, so that what is here need not travel; when nothing of it
** was, the next one comes with its vectors.
*/
static int pull_page(CkSyncSession *session, int64_t after, CkListing *listing, CkError *err) {
    const CkPackLimits limits = limits_of(session);
    const CkRemote *remote = &session->remote;
    CkTransport *transport = session->transport;
    listing->whole = session->is_news;
    ck_buf_clear(&listing->pack);
    transport->methods->list(transport, after, &limits, listing, err);
    if (err->rc != SQLITE_OK) return err->rc;
    /* Nothing new, and nothing that an unfinished listing waits for. */
    if (listing->pack.n_bytes == 0 && listing->next_seq == remote->pull_seq &&
        remote->listed == remote->listing) {
        return SQLITE_OK;
    }
    if (listing->next_seq <= after && listing->pack.n_bytes > 0) {
        return ck_error_set(err, SQLITE_ERROR, "its feed does not advance");
    }
    const CkPullCursor cursor = {NULL, after, listing->next_seq, listing->high_seq};
    if (listing->whole) pull_whole(session, listing, &cursor, err);
    else pull_listing(session, listing, &cursor, err);
    return err->rc == SQLITE_OK ? ck_sync_session_refresh(session, err) : err->rc;
}

int ck_sync_session_pull(CkSyncSession *session, CkError *err) {
    CkListing listing;
    int64_t after = session->remote.pull_seq;
    if (!session->transport) return ck_sync_dir_pull(session, err);
    memset(&listing, 0, sizeof listing);
    session->is_news = 0;
    do {
        if (pull_page(session, after, &listing, err) != SQLITE_OK) break;
        after = listing.next_seq;
    } while (listing.next_seq < listing.high_seq);
    ck_buf_release(&listing.pack);
    return err->rc;
}

int ck_sync_append_unreadable(CkStore *store, CkHashes hashes, CkBuf *out, CkError *err) {
    for (size_t i = 0; i < hashes.n && err->rc == SQLITE_OK; i++) {
        const uint8_t *hash = hashes.data + i * CK_HASH_BYTES;
        CkStoredVector stored = {.data = NULL};
        sqlite3_stmt *stmt = NULL;
        if (ck_store_query(store, CK_SQL_VECTOR_GET_BY_HASH, &stmt, err, "b", hash,
                           CK_HASH_BYTES) != SQLITE_OK) {
            break;
        }
        if (stmt) ck_stored_vector_from_row(stmt, CK_BY_HASH_ID, &stored);
        int is_sound = stored.data && ck_stored_vector_checksum(&stored) == stored.checksum;
        ck_stmt_give(store, CK_SQL_VECTOR_GET_BY_HASH, stmt);
        if (!is_sound) ck_buf_append(out, hash, CK_HASH_BYTES);
        if (out->rc != SQLITE_OK) ck_error_nomem(err);
    }
    return err->rc;
}

static int compare_hashes(const void *a, const void *b) {
    return memcmp(a, b, CK_HASH_BYTES);
}

/* In ascending order, each once. Returns how many there are. */
static size_t sort_hashes(CkBuf *hashes) {
    size_t n = hashes->n_bytes / CK_HASH_BYTES, n_kept = 0;
    if (n > 0) qsort(hashes->data, n, CK_HASH_BYTES, compare_hashes);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *hash = hashes->data + i * CK_HASH_BYTES;
        if (n_kept > 0 && memcmp(hash, hashes->data + (n_kept - 1) * CK_HASH_BYTES,
                                 CK_HASH_BYTES) == 0) {
            continue;
        }
        memmove(hashes->data + n_kept++ * CK_HASH_BYTES, hash, CK_HASH_BYTES);
    }
    hashes->n_bytes = n_kept * CK_HASH_BYTES;
    return n_kept;
}

int ck_sync_session_get(CkSyncSession *session, CkHashes hashes, CkError *err) {
    size_t at = 0;
    ck_buf_clear(&session->hashes);
    ck_sync_append_unreadable(session->store, hashes, &session->hashes, err);
    size_t n = sort_hashes(&session->hashes);
    if (err->rc != SQLITE_OK || n == 0) return err->rc;
    if (!session->transport) {
        return ck_sync_dir_get(session, (CkHashes){session->hashes.data, n}, err);
    }
    int64_t before = session->summary->pulled;
    while (at < n && err->rc == SQLITE_OK) {
        if (get(session, &at, err) != SQLITE_OK) break;
        const Batch batch = {NULL, &session->pack, NULL, (int64_t)(n - at), 1};
        apply_batch(session, &batch, err);
    }
    session->summary->missing += (int64_t)n - (session->summary->pulled - before);
    return err->rc;
}
