/*
** ck for programs that link it statically:
**
**     sqlite3_auto_extension((void (*)(void))sqlite3_ck_init);
**
** makes every connection opened afterwards a ck connection. Link with -lck -lzstd -lsqlite3.
*/
#ifndef CK_H
#define CK_H

#include <sqlite3.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3_api_routines;

/* Returns SQLITE_OK, or SQLITE_ERROR and a message for sqlite3_free() in *message. */
int sqlite3_ck_init(sqlite3 *db, char **message, const struct sqlite3_api_routines *api);

#ifdef __cplusplus
}
#endif

#endif
