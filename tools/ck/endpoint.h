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
    char *host; /* with the port, when it is in the URL */
    int is_loopback; /* texts do not leave this machine */
    char *key;  /* NULL: none */
} CkEndpoint;

/*
** "http://127.0.0.1:11434", "https://host/v1" and the full ".../v1/embeddings" are all
** understood. A user or password in the URL is refused: it would be seen in lists of processes.
*/
int ck_endpoint_init(CkEndpoint *endpoint, const CkCurl *curl, const char *url, CkError *err);
void ck_endpoint_release(CkEndpoint *endpoint);

/*
** Reads the key: from `file` when it is not NULL, which only its owner, we, may be able to read;
** else from the variable `variable`, where there may be none. A key for a host elsewhere is
** refused to travel without TLS.
*/
int ck_endpoint_key(CkEndpoint *endpoint, const char *file, const char *variable, CkError *err);

/* Replaces what is the key in a message by "***". */
void ck_endpoint_redact(const CkEndpoint *endpoint, char *message);

#endif
