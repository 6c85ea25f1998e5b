/*
** The transport to another store's file: a second connection, on which the remote's side of the
** protocol runs (transport.h).
**
** A message is one transaction there and has ended when it is answered. So the locks of the two
** files are never held together but for what a reader of the one holds while it writes the other,
** and two stores that sync with each other at the same time cannot wait for one another.
*/
#include <string.h>

#include "store/apply.h"
#include "store/identity.h"
#include "store/pack_reader.h"
#include "store/remote.h"
#include "store/side.h"
#include "store/transaction.h"
#include "store/transport.h"

typedef struct StoreTransport {
    CkTransport base;
    CkSide side;
    CkStore *far;
    char me[CK_UUID_BYTES];
} StoreTransport;

static CkStore *far_of(CkTransport *transport) {
    return ((StoreTransport *)transport)->far;
}

/* Every message ends with it. */
static int ended(CkTransport *transport, CkError *err) {
    return ck_side_outcome(&((StoreTransport *)transport)->side, err);
}

static int store_hello(CkTransport *transport, char **json, CkError *err) {
    StoreTransport *to = (StoreTransport *)transport;
    if (ck_hello_make(to->far, to->me, json, err) == SQLITE_OK && !*json) {
        ck_error_set(err, SQLITE_CANTOPEN, "there is no store in it");
    }
    return ended(transport, err);
}

static int store_missing(CkTransport *transport, CkHashes hashes, uint8_t *missing, CkError *err) {
    CkStore *far = far_of(transport);
    CkRead read;
    sqlite3_stmt *stmt = NULL;
    if (ck_read_begin(&read, far, err) != SQLITE_OK) return ended(transport, err);
    ck_stmt_take(far, CK_SQL_EMBEDDING_EXISTS, &stmt, err);
    for (size_t i = 0; i < hashes.n && err->rc == SQLITE_OK; i++) {
        ck_stmt_bind(stmt, "b", hashes.data + i * CK_HASH_BYTES, CK_HASH_BYTES);
        missing[i] = ck_stmt_step(far, stmt, err) != SQLITE_ROW;
        sqlite3_reset(stmt);
    }
    ck_stmt_give(far, CK_SQL_EMBEDDING_EXISTS, stmt);
    ck_read_end(&read);
    return ended(transport, err);
}

static int store_list(CkTransport *transport, int64_t after, const CkPackLimits *limits,
                      CkListing *out, CkError *err) {
    CkStore *far = far_of(transport);
    CkPackList what = {.after = after, .whole = out->whole};
    CkRead read;
    int found;
    if (ck_read_begin(&read, far, err) != SQLITE_OK) return ended(transport, err);
    ck_stmt_ints(far, CK_SQL_META_SEQ, err, &out->high_seq, 1, &found, "");
    if (err->rc == SQLITE_OK) ck_pack_list(far, &what, limits, &out->pack, err);
    ck_read_end(&read);
    out->next_seq = what.is_end ? out->high_seq : what.last;
    return ended(transport, err);
}

static int store_get(CkTransport *transport, CkHashes hashes, const CkPackLimits *limits,
                     CkBuf *pack, size_t *n_done, CkError *err) {
    CkStore *far = far_of(transport);
    CkPackHashes what = {hashes.data, hashes.n, 0};
    CkRead read;
    if (ck_read_begin(&read, far, err) != SQLITE_OK) return ended(transport, err);
    ck_pack_hashes(far, &what, limits, pack, err);
    ck_read_end(&read);
    *n_done = what.n_done;
    return ended(transport, err);
}

static int answer(const CkItemOutcome *outcome, CkBuf *answers, CkError *err) {
    CkPutAnswer out = {.result = outcome->result};
    if (outcome->result == CK_ITEM_REJECTED) {
        sqlite3_snprintf(sizeof out.code, out.code, "%s", outcome->code);
        sqlite3_snprintf(sizeof out.message, out.message, "%s", outcome->message);
    }
    ck_buf_append(answers, &out, sizeof out);
    return answers->rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int put_items(CkApply *apply, const CkBuf *pack, CkBuf *answers, CkError *err) {
    CkPackReader reader;
    CkItem item;
    CkItemOutcome outcome;
    ck_pack_reader_init(&reader, "what was pushed", pack->data, pack->n_bytes);
    while (ck_pack_reader_next(&reader, &item, err) == SQLITE_ROW) {
        if (ck_apply_item(apply, &item, &outcome, err) == SQLITE_OK) {
            answer(&outcome, answers, err);
        }
    }
    ck_pack_reader_release(&reader);
    return err->rc;
}

static int store_put(CkTransport *transport, const CkBuf *pack, const char *mark,
                     CkPutReply *reply, CkError *err) {
    StoreTransport *to = (StoreTransport *)transport;
    CkStore *far = to->far;
    CkWrite write;
    CkApply apply;
    int found;
    if (ck_write_begin(&write, far, err) != SQLITE_OK) return ended(transport, err);
    /* First who it is, then what it sends, so that the audit can name the user. */
    if (ck_apply_begin(&apply, far, NULL, to->me, err) == SQLITE_OK &&
        ck_peer_heartbeat(far, to->me, ck_identity_user(), mark, err) == SQLITE_OK &&
        ck_stmt_ints(far, CK_SQL_META_SEQ, err, &reply->before_seq, 1, &found, "") == SQLITE_OK) {
        put_items(&apply, pack, &reply->answers, err);
    }
    ck_apply_end(&apply, NULL, err);
    reply->after_seq = reply->before_seq;
    if (err->rc == SQLITE_OK && apply.n_announced == 0) {
        ck_stmt_ints(far, CK_SQL_META_SEQ, err, &reply->after_seq, 1, &found, "");
    }
    ck_write_end(&write, err);
    return ended(transport, err);
}

static int store_report(CkTransport *transport, const CkReportPart *part, CkError *err) {
    StoreTransport *to = (StoreTransport *)transport;
    CkReportPart mine = *part;
    CkWrite write;
    int64_t n_changed;
    mine.peer = to->me;
    if (ck_write_begin(&write, to->far, err) != SQLITE_OK) return ended(transport, err);
    ck_peer_report(to->far, &mine, &n_changed, err);
    ck_write_end(&write, err);
    return ended(transport, err);
}

static int store_heartbeat(CkTransport *transport, CkError *err) {
    StoreTransport *to = (StoreTransport *)transport;
    CkWrite write;
    if (ck_write_begin(&write, to->far, err) != SQLITE_OK) return ended(transport, err);
    ck_peer_heartbeat(to->far, to->me, ck_identity_user(), NULL, err);
    ck_write_end(&write, err);
    return ended(transport, err);
}

static void store_close(CkTransport *transport) {
    ck_side_close(&((StoreTransport *)transport)->side);
    sqlite3_free(transport);
}

static const CkTransportMethods store_methods = {
    .hello = store_hello,
    .missing = store_missing,
    .list = store_list,
    .get = store_get,
    .put = store_put,
    .report = store_report,
    .heartbeat = store_heartbeat,
    .close = store_close,
};

/* For puts there must be a store, and it must be what it says it is: a copy has a name of its own
** before it says hello, and not only with the first put. */
static int prepare_writes(CkStore *far, int exists, CkError *err) {
    CkWrite write;
    int64_t known = 0, inode = exists ? ck_identity_inode(far) : 0;
    int found;
    if (exists) ck_stmt_ints(far, CK_SQL_IDENTITY_GET, err, &known, 1, &found, "");
    if (err->rc != SQLITE_OK || (exists && inode == known)) return err->rc;
    if (ck_write_begin(&write, far, err) != SQLITE_OK) return err->rc;
    if (ck_store_open_write(far, err) == SQLITE_OK) ck_identity_check(far, err);
    return ck_write_end(&write, err);
}

/* What was there and is not must not be made anew: the drive may not be mounted. */
static int is_gone(const char *url, CkError *err) {
    return ck_error_set(err, SQLITE_CANTOPEN,
                        "%s: the store that was there is gone, or cannot be opened (is the drive "
                        "mounted? UPDATE ck_remotes SET epoch = NULL begins anew)",
                        url);
}

/* The first look at the file of a connection. */
static int look(StoreTransport *to, int *exists, CkError *err) {
    to->far = ck_conn_store(to->side.conn, "main");
    if (!to->far) return ck_error_nomem(err);
    ck_stmt_run(to->far, CK_SQL_META_SIDE_CACHE, err, "");
    if (err->rc == SQLITE_OK) ck_stmt_run(to->far, CK_SQL_META_SIDE_CHECKPOINT, err, "");
    if (err->rc == SQLITE_OK) ck_store_open_read(to->far, exists, err);
    return err->rc;
}

static int connect(StoreTransport *to, CkStore *store, const char *url, CkTransportUse use,
                   CkError *err) {
    int flags = SQLITE_OPEN_READWRITE | (use == CK_TRANSPORT_CREATES ? SQLITE_OPEN_CREATE : 0);
    int exists = 0;
    if (ck_side_open(&to->side, store, url, flags, err) != SQLITE_OK) {
        if (err->rc != SQLITE_CANTOPEN || use != CK_TRANSPORT_WRITES) return err->rc;
        ck_error_release(err);
        return is_gone(url, err);
    }
    if (look(to, &exists, err) != SQLITE_OK && use == CK_TRANSPORT_READS &&
        ck_side_reopen_unlocked(&to->side, url, err) == SQLITE_OK) {
        look(to, &exists, err);
    }
    if (err->rc != SQLITE_OK || use == CK_TRANSPORT_READS) return err->rc;
    if (!exists && use == CK_TRANSPORT_WRITES) return is_gone(url, err);
    return prepare_writes(to->far, exists, err);
}

int ck_transport_open_store(CkStore *store, const char *url, const char *me, CkTransportUse use,
                            CkTransport **transport, CkError *err) {
    StoreTransport *to = sqlite3_malloc64(sizeof *to);
    *transport = NULL;
    if (!to) return ck_error_nomem(err);
    memset(to, 0, sizeof *to);
    to->base.methods = &store_methods;
    sqlite3_snprintf(sizeof to->me, to->me, "%s", me);
    if (connect(to, store, url, use, err) != SQLITE_OK) {
        ended(&to->base, err);
        store_close(&to->base);
        return err->rc;
    }
    *transport = &to->base;
    return SQLITE_OK;
}
