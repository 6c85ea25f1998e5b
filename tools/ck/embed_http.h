/*
** The parts of the HTTP embedder: embed_http.c runs the requests of a batch, http_request.c makes
** one and says what came of it, http_limits.c reads what a server says of when to come again.
*/
#ifndef CK_TOOL_EMBED_HTTP_H
#define CK_TOOL_EMBED_HTTP_H

#include "answer.h"
#include "curl_load.h"
#include "embedder.h"
#include "endpoint.h"

#define CK_HTTP_ATTEMPTS 6             /* of a request that may work the next time */
#define CK_HTTP_FIRST_ATTEMPTS 3       /* as long as nothing has ever answered */
#define CK_HTTP_BACKOFF_MS 250         /* the first pause, doubled with each attempt */
#define CK_HTTP_BACKOFF_MAX_MS 30000
#define CK_HTTP_PAUSE_MAX_MS 600000    /* a server that wants a longer one is not waited for */
#define CK_HTTP_ANSWER_BYTES_MAX 268435456
#define CK_HTTP_CONNECT_S 10
#define CK_HTTP_DOUBTS 4               /* attempts with a text that may be to blame */
#define CK_HTTP_FAILURES_MAX 8         /* texts in a row that the server could not answer */
#define CK_HTTP_REFUSALS_MAX 64        /* texts in a row that it refused */

/* Texts first .. first + n - 1 of a batch, as one request; it may be tried again, or halved. */
typedef struct CkHttpSlice {
    size_t first, n;
    int attempts;
    int64_t not_before_ms;
} CkHttpSlice;

/* What a server says of its limits with every answer. */
typedef struct CkHttpLimits {
    int64_t remaining;   /* requests or tokens; -1: unknown */
    int64_t reset_ms;    /* until there are more; -1: unknown */
    int64_t retry_after_ms; /* -1: not said */
} CkHttpLimits;

typedef struct CkHttpRequest {
    CURL *easy;
    CkHttpSlice slice;
    int is_active;
    CkBuf body, answer;
    CkHttpLimits limits;
    char error[CURL_ERROR_SIZE];
} CkHttpRequest;

typedef enum CkHttpOutcome {
    CK_HTTP_DONE,  /* the items have vectors or errors */
    CK_HTTP_AGAIN, /* after pause_ms, which is the server's when is_paused */
    CK_HTTP_SPLIT, /* one of the texts is to blame, or the request is too large */
    CK_HTTP_FATAL, /* the error is set */
} CkHttpOutcome;

typedef struct CkHttpResult {
    CkHttpOutcome outcome;
    int64_t pause_ms;
    int rc;        /* of a CK_HTTP_FATAL: SQLITE_AUTH, SQLITE_BUSY: come later; 0: SQLITE_ERROR */
    int is_paused; /* no request at all is to be sent before */
    char message[1024];
} CkHttpResult;

typedef struct CkHttp {
    CkEmbedder head;
    const CkCurl *curl;
    CkAnswers *answers;
    CkEndpoint endpoint;
    char *model;
    int64_t dims; /* asked for; 0: as they come */
    int64_t batch_items, batch_bytes, timeout_s;
    int in_flight;
    CURLM *multi;
    struct curl_slist *headers;
    CkHttpRequest requests[CK_EMBED_IN_FLIGHT_MAX];
    CkBuf slices;       /* CkHttpSlice, those to be sent */
    int64_t paused_until_ms;
    int n_refused;      /* texts in a row */
    int has_answered;   /* the server did, whatever it was */
} CkHttp;

/* Writes the body of a request for its slice of items, and hands it to libcurl. */
int ck_http_send(CkHttp *http, CkHttpRequest *request, const CkEmbedItem *items, CkError *err);

/* What came of a request that has ended. items: those of its slice. */
void ck_http_finish(CkHttp *http, CkHttpRequest *request, CURLcode code, CkEmbedItem *items,
                    CkHttpResult *result, CkError *err);

void ck_http_limits_init(CkHttpLimits *limits);

/* Reads a header line, not ended by 0: Retry-After, x-ratelimit-remaining-… and -reset-…. */
void ck_http_limits_header(CkHttpLimits *limits, const char *line, size_t n_line);

#endif
