/*
** The URL of a remote: "file:", and behind that what SQLite reads as the name of a file
** (https://sqlite.org/uri.html): an empty or local host, a path whose %HH stand for bytes,
** parameters after '?'. A path that ends with '/' is a folder, any other one a store.
**
**     file:/path/store.db      file:store.db?mode=ro      file://localhost/my%20packs/
*/
#ifndef CK_STORE_REMOTE_URL_H
#define CK_STORE_REMOTE_URL_H

#include "base/error.h"

/*
** Reads a URL. *folder: the path of a folder, from sqlite3_malloc, with '/' at its end; NULL for a
** store, whose URL SQLite reads itself. An error says what is wrong with the URL of remote `name`:
** another scheme, another host, no file (SQLite would make one that nobody finds again), or
** parameters of a folder, which has none.
*/
int ck_remote_url_read(const char *name, const char *url, char **folder, CkError *err);

#endif
