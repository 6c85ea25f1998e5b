/*
** A second connection, to another store: opened and closed within one call of a function, known to
** nobody else. Nothing is registered with it; ck's own SQL needs none of its functions.
*/
#ifndef CK_STORE_SIDE_H
#define CK_STORE_SIDE_H

#include "store/conn.h"

/* How long it waits for somebody else's lock. */
#define CK_SIDE_BUSY_MS 10000

typedef struct CkSide {
    CkConn *conn;        /* NULL: not open */
    CkStore *home;       /* whose call it serves, and whose interrupts end its waiting */
    int is_interrupted;  /* they did */
    int64_t waits_since_ms;
} CkSide;

/*
** Opens a file by its URL ("file:/path", also with ?mode=ro) with flags of sqlite3_open_v2(),
** through the VFS of home's connection. The failure names the url. *side must stay where it is
** until it is closed.
*/
int ck_side_open(CkSide *side, CkStore *home, const char *url, int flags, CkError *err);

/* What failed there: a lock that was not waited for to the end, since home's connection was
** interrupted, is that interrupt. Returns err->rc. */
int ck_side_outcome(const CkSide *side, CkError *err);

/* Closes it and frees everything of it. One that is not open is ignored. */
void ck_side_close(CkSide *side);

#endif
