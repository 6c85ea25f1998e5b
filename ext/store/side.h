/*
** A second connection, to another store: opened and closed within one call of a function, known to
** nobody else. Nothing is registered with it; ck's own SQL needs none of its functions.
*/
#ifndef CK_STORE_SIDE_H
#define CK_STORE_SIDE_H

#include "store/conn.h"

/* How long it waits for somebody else's lock. */
#define CK_SIDE_BUSY_MS 10000

/*
** Opens a file by its URL ("file:/path", also with ?mode=ro) with flags of sqlite3_open_v2(),
** through the VFS of conn. The failure names the url.
*/
int ck_side_open(const CkConn *conn, const char *url, int flags, CkConn **side, CkError *err);

/* Closes it and frees everything of it. NULL is ignored. */
void ck_side_close(CkConn *side);

#endif
