/*
** A second connection, to another store: opened and closed within one call of a function, known to
** nobody else. Nothing is registered with it; ck's own SQL needs none of its functions.
*/
#ifndef CK_STORE_SIDE_H
#define CK_STORE_SIDE_H

#include "base/fs.h"
#include "store/conn.h"

/* How long it waits for somebody else's lock. */
#define CK_SIDE_BUSY_MS 10000

typedef struct CkSide {
    CkConn *conn;        /* NULL: not open */
    CkStore *home;       /* whose call it serves, and whose interrupts end its waiting */
    int is_interrupted;  /* they did */
    int64_t waits_since_ms;
    int is_unlocked;     /* no locks are asked for; the file was so when it was opened: */
    CkFileState file;
} CkSide;

/*
** Opens a file by its URL ("file:/path", also with ?mode=ro) with flags of sqlite3_open_v2(),
** through the VFS of home's connection. The failure names the url. *side must stay where it is
** until it is closed.
*/
int ck_side_open(CkSide *side, CkStore *home, const char *url, int flags, CkError *err);

/*
** After err, the failure of its first read: a store in WAL mode cannot be read where no -shm can be
** made beside it. When that is so, and nobody has it open, it is opened once more, for reading only
** and without locks, and err is clean. Else err says what is to be done, or is as it was. Returns
** err->rc.
*/
int ck_side_reopen_unlocked(CkSide *side, const char *url, CkError *err);

/*
** Ends whatever was read or written there, and comes before any use of it. A lock that was not
** waited for to the end, since home's connection was interrupted, is that interrupt. What was read
** without locks is an error when the file has changed since it was opened. Returns err->rc.
*/
int ck_side_outcome(const CkSide *side, CkError *err);

/* Closes it and frees everything of it. One that is not open is ignored. */
void ck_side_close(CkSide *side);

#endif
