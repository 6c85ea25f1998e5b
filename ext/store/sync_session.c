/* Sessions: see sync_session.h. */
#include "store/sync_session.h"

#include <string.h>

#include "store/identity.h"
#include "store/log.h"
#include "store/remote_url.h"
#include "store/sync_dir.h"
#include "store/transaction.h"

/* Who is overtaken so often takes what looks like a restored backup for one, and lists it anew. */
#define HELLOS_MAX 100

static CkBuf *buffer_of(CkSyncSession *session, int i) {
    CkBuf *const buffers[] = {&session->items, &session->sent,  &session->hashes,
                              &session->pack,  &session->acks,  &session->flags,
                              &session->reply.answers, &session->lost};
    return i < (int)(sizeof buffers / sizeof *buffers) ? buffers[i] : NULL;
}

int ck_sync_session_begin(CkSyncSession *session, CkWrite *write, CkError *err) {
    CkError own = CK_ERROR_NONE;
    if (ck_write_begin(write, session->store, &own) == SQLITE_OK) return SQLITE_OK;
    session->is_own = 1;
    if (own.rc == SQLITE_NOMEM) ck_error_nomem(err);
    else ck_error_set(err, own.rc, "sync: this store: %s", own.message ? own.message : "failed");
    ck_error_release(&own);
    return err->rc;
}

/* A store that was copied gets its own name before it says it to others. */
static int read_name(CkSyncSession *session, CkError *err) {
    CkStore *store = session->store;
    sqlite3_stmt *stmt = NULL;
    CkWrite write;
    int64_t known = 0, inode = ck_identity_inode(store);
    int found = 0;
    ck_stmt_ints(store, CK_SQL_IDENTITY_GET, err, &known, 1, &found, "");
    if (err->rc == SQLITE_OK && inode != known && inode != 0 &&
        ck_sync_session_begin(session, &write, err) == SQLITE_OK) {
        ck_identity_check(store, err);
        ck_write_end(&write, err);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    if (ck_stmt_take(store, CK_SQL_META_UUID, &stmt, err) != SQLITE_OK) return err->rc;
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        sqlite3_snprintf(sizeof session->me, session->me, "%s", sqlite3_column_text(stmt, 0));
    }
    ck_stmt_give(store, CK_SQL_META_UUID, stmt);
    return err->rc;
}

static int same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether another session of this store has pushed or pulled since the remote was read, which is
** read again: a hello from before that lacks the mark it left or what it has seen, as that of a
** restored backup does. */
static int is_overtaken(CkSyncSession *session, CkError *err) {
    CkRemote before = session->remote;
    if (ck_remote_open(session->store, before.name, &session->remote, err) != SQLITE_OK) {
        session->remote = before;
        return 0;
    }
    const CkRemote *now = &session->remote;
    int overtaken = !same(before.mark, now->mark) || !same(before.new_mark, now->new_mark) ||
                    before.pull_seq != now->pull_seq || before.pull_high != now->pull_high;
    ck_remote_release(&before);
    return overtaken;
}

/* One hello and what becomes of it. 1: it was overtaken, and nothing became of it. */
static int try_to_shake_hands(CkSyncSession *session, int writes, int last, CkHandshake *shaken,
                              CkError *err) {
    CkWrite write;
    char *hello = NULL;
    int overtaken = 0;
    if (session->transport) {
        session->transport->methods->hello(session->transport, &hello, err);
    } else {
        ck_sync_dir_hello(session, writes, &hello, err);
    }
    if (err->rc == SQLITE_OK && ck_sync_session_begin(session, &write, err) == SQLITE_OK) {
        overtaken = is_overtaken(session, err) && !last;
        if (err->rc == SQLITE_OK && !overtaken) {
            ck_remote_handshake(session->store, session->remote.name, hello, shaken, err);
        }
        ck_write_end(&write, err);
    }
    sqlite3_free(hello);
    return overtaken && err->rc == SQLITE_OK;
}

static int shake_hands(CkSyncSession *session, int writes, CkError *err) {
    CkHandshake shaken = {0, NULL, 0};
    for (int i = 1; try_to_shake_hands(session, writes, i == HELLOS_MAX, &shaken, err); i++) {
    }
    session->summary->relisted |= shaken.relist;
    if (err->rc != SQLITE_OK || ck_sync_session_refresh(session, err) != SQLITE_OK) return err->rc;
    session->is_greeted = 1;
    return session->transport ? SQLITE_OK : ck_sync_dir_begin(session, shaken.relist, err);
}

/* What the other side says does not know whose it is; what the books say does. */
static int name_remote(const CkSyncSession *session, CkError *err) {
    CkError own = *err;
    if (own.rc == SQLITE_OK || own.rc == SQLITE_NOMEM || !session->task) return own.rc;
    if (own.message && strncmp(own.message, "sync: ", 6) == 0) return own.rc;
    *err = (CkError)CK_ERROR_NONE;
    ck_error_set(err, own.rc, "sync: remote '%s': %s%s", session->remote.name,
                 own.message ? own.message : sqlite3_errstr(own.rc),
                 (own.rc & 0xff) != SQLITE_READONLY || session->folder ? ""
                 : session->writes
                     ? " (UPDATE ck_remotes SET push = 0 for one that may only be read)"
                     : " (one in WAL mode, in a folder that may only be read, takes ?immutable=1 "
                       "in its url, while nobody else writes it)");
    ck_error_release(&own);
    return err->rc;
}

/* What the caller has to mend is no failure of the remote. */
static int check_remote(CkSyncSession *session, CkSyncUse use, CkError *err) {
    const CkRemote *remote = &session->remote;
    if (ck_remote_url_read(remote->name, remote->url, &session->folder, err) != SQLITE_OK) {
        return err->rc;
    }
    if (use == CK_SYNC_PUSHES && !remote->push) {
        return ck_error_set(err, SQLITE_ERROR,
                            "sync: remote '%s': nothing is pushed there (ck_remotes.push is 0)",
                            remote->name);
    }
    return SQLITE_OK;
}

int ck_sync_session_open(CkSyncSession *session, CkStore *store, const char *remote, CkSyncUse use,
                         CkError *err) {
    CkSyncSummary *summary = session->summary;
    memset(session, 0, sizeof *session);
    session->store = store;
    session->summary = summary;
    session->started_at = ck_conn_now(store->conn);
    if (ck_remote_open(store, remote, &session->remote, err) != SQLITE_OK) return err->rc;
    if (check_remote(session, use, err) != SQLITE_OK) return err->rc;
    session->task = sqlite3_mprintf("sync:%s", session->remote.name);
    if (!session->task) return ck_error_nomem(err);
    if (read_name(session, err) != SQLITE_OK) return err->rc;
    int writes = session->writes = use != CK_SYNC_PULLS && session->remote.push;
    if (!session->folder) {
        CkTransportUse transport_use = !writes                 ? CK_TRANSPORT_READS
                                       : session->remote.epoch ? CK_TRANSPORT_WRITES
                                                               : CK_TRANSPORT_CREATES;
        ck_transport_open_store(store, session->remote.url, session->me, transport_use,
                                &session->transport, err);
    }
    if (err->rc == SQLITE_OK) shake_hands(session, writes, err);
    return err->rc;
}

int ck_sync_session_refresh(CkSyncSession *session, CkError *err) {
    CkRemote fresh;
    if (ck_remote_open(session->store, session->remote.name, &fresh, err) != SQLITE_OK) {
        return err->rc;
    }
    const CkRemote *known = &session->remote;
    if (session->is_greeted && (fresh.listing != known->listing || !fresh.epoch || !known->epoch ||
                                strcmp(fresh.epoch, known->epoch) != 0)) {
        ck_error_set(err, SQLITE_ABORT,
                     "sync: remote '%s' was found to be another one meanwhile; sync again",
                     known->name);
        ck_remote_release(&fresh);
        return err->rc;
    }
    ck_remote_release(&session->remote);
    session->remote = fresh;
    return SQLITE_OK;
}

int ck_sync_session_progress(CkSyncSession *session, int64_t n, int64_t left, CkError *err) {
    session->done += n;
    session->summary->batches++;
    const CkProgress progress = {session->task, session->started_at, session->done,
                                 session->done + left};
    return ck_progress_set(session->store, &progress, err);
}

/* The end of it in the store: settled, or failed for a reason that is not ours. */
static int record_end(CkSyncSession *session, const CkError *outcome) {
    CkStore *store = session->store;
    CkError err = CK_ERROR_NONE;
    CkWrite write;
    int primary = outcome->rc & 0xff;
    if (primary == SQLITE_NOMEM || primary == SQLITE_INTERRUPT || !session->task) return SQLITE_OK;
    if (session->is_own) return SQLITE_OK;
    if (ck_write_begin(&write, store, &err) == SQLITE_OK) {
        ck_progress_clear(store, session->task, &err);
        if (err.rc == SQLITE_OK && outcome->rc == SQLITE_OK) {
            ck_remote_settle(store, session->remote.name, &err);
        } else if (err.rc == SQLITE_OK) {
            ck_remote_fail(store, session->remote.name,
                           outcome->message ? outcome->message : sqlite3_errstr(outcome->rc), 0,
                           &err);
        }
        ck_write_end(&write, &err);
    }
    int rc = err.rc;
    ck_error_release(&err);
    return rc;
}

int ck_sync_session_close(CkSyncSession *session, CkError *err) {
    name_remote(session, err);
    int rc = record_end(session, err);
    CkError outcome = *err; /* for the books; a remote that is locked for long has failed, too */
    if (outcome.rc == SQLITE_BUSY || (outcome.rc & 0xff) == SQLITE_READONLY) {
        outcome.rc = SQLITE_ERROR;
    }
    if (session->task && !session->is_own) {
        ck_errors_settle(session->store, session->task, &outcome);
    }
    if (rc != SQLITE_OK) ck_error_set(err, rc, "sync: its end cannot be recorded");
    if (session->transport) session->transport->methods->close(session->transport);
    ck_remote_release(&session->remote);
    sqlite3_free(session->task);
    sqlite3_free(session->folder);
    for (int i = 0; buffer_of(session, i); i++) ck_buf_release(buffer_of(session, i));
    return err->rc;
}

void ck_sync_count_pulled(CkSyncSummary *summary, const CkItem *item,
                          const CkItemOutcome *outcome) {
    int rejected = outcome->result == CK_ITEM_REJECTED;
    int retired = rejected && strcmp(outcome->code, "retired") == 0; /* known, in its way */
    summary->pulled += outcome->result == CK_ITEM_CREATED;
    summary->pull_exists += outcome->result == CK_ITEM_EXISTS || retired;
    summary->conflicts += outcome->result == CK_ITEM_CONFLICT;
    summary->pull_rejected += rejected && !retired;
    summary->bytes += item->n_bytes;
}
