/* Which file a store is: see identity.h. */
#include "store/identity.h"

#include <stdlib.h>

#include "base/fs.h"
#include "store/log.h"

/* What a connection has seen. A ROLLBACK may undo what was written, so after a change of identity
** the connection compares every time. */
enum { NOT_COMPARED, SAME, WAS_WRITTEN };

int64_t ck_identity_inode(CkStore *store) {
    const char *path = sqlite3_db_filename(store->conn->db, store->schema);
    if (!path || !*path || ck_fs_network(path)) return 0;
    return ck_fs_inode(path);
}

static int rename_copy(CkStore *store, int64_t inode, CkError *err) {
    char uuid[CK_UUID_BYTES];
    ck_uuid_make(uuid);
    ck_audit_add(store, "copied", err, "{\"became\":\"%s\"}", uuid);
    if (err->rc == SQLITE_OK) {
        ck_stmt_run(store, CK_SQL_IDENTITY_SET, err, "tit", uuid, inode, ck_identity_user());
    }
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_IDENTITY_DROP_LEASES, err, "");
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_IDENTITY_DROP_MARKS, err, "");
    return err->rc;
}

int ck_identity_check(CkStore *store, CkError *err) {
    int64_t known = 0;
    int found;
    if (store->identity == SAME) return SQLITE_OK;
    int64_t inode = ck_identity_inode(store);
    if (inode != 0) ck_stmt_ints(store, CK_SQL_IDENTITY_GET, err, &known, 1, &found, "");
    if (err->rc != SQLITE_OK) return err->rc;
    if (inode == known || inode == 0) {
        if (store->identity == NOT_COMPARED) store->identity = SAME;
        return SQLITE_OK;
    }
    store->identity = WAS_WRITTEN;
    if (known == 0) return ck_stmt_run(store, CK_SQL_IDENTITY_SET_INODE, err, "i", inode);
    return rename_copy(store, inode, err);
}

const char *ck_identity_user(void) {
    const char *user = getenv("CK_USER");
    if (!user || !*user) user = getenv("USER");
    return user ? user : "";
}
