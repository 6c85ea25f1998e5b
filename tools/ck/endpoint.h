/*
** The address of an endpoint, and the key it is given.
*/
#ifndef CK_TOOL_ENDPOINT_H
#define CK_TOOL_ENDPOINT_H

#include "base/buf.h"
#include "base/error.h"
#include "curl_load.h"

typedef struct CkEndpoint {
    char *url;  /* of POST …/embeddings */
    char *name; /* the same for people: what may be a secret is not in it */
    char *query; /* of the URL, in which some services take a key; NULL: none */
    char *host; /* with the port, when it is in the URL */
    int is_loopback; /* texts do not leave this machine */
    char *key;  /* NULL: none */
} CkEndpoint;

/*
** "http://127.0.0.1:11434", "https://host/v1" and the full ".../v1/embeddings" are all
** understood. A user or password in the URL is refused: it would be seen in lists of processes.
** SQLITE_MISUSE: the URL is wrong.
*/
int ck_endpoint_init(CkEndpoint *endpoint, const CkCurl *curl, const char *url, CkError *err);
void ck_endpoint_release(CkEndpoint *endpoint);

/*
** Reads the key: from `file` when it is not NULL, which only its owner, we, may be able to read;
** else from the variable `variable`, where there may be none. A key for a host elsewhere is
** refused to travel without TLS. SQLITE_MISUSE where any of this does not hold.
*/
int ck_endpoint_key(CkEndpoint *endpoint, const char *file, const char *variable, CkError *err);

/*
** Replaces the key, and the values of the URL's query, by "***" in a text of n bytes, and returns
** how many it has then. To be asked before a text is cut: a part of a key is not known for one.
*/
size_t ck_endpoint_redact(const CkEndpoint *endpoint, char *text, size_t n);

/* A URL without its query, user and password: as it may be printed. From sqlite3_malloc(). */
char *ck_endpoint_public(const char *url);

#endif
