/*
** The HTTP embedder: POST {"model", "input": [texts]} to …/v1/embeddings, several at a time.
**
** A batch of items is cut into slices, each a request. A slice that fails for the moment comes back
** after a pause; one that the server refuses, or cannot answer twice, is halved until the text that
** is to blame is alone and gets the error. When the server asks for a pause, all requests wait.
*/
#include "embed_http.h"

#include <string.h>

#include "app.h"
#include "base/clock.h"

#define WAIT_MS 200 /* between looks at whether Ctrl-C came */

static void close_http(CkEmbedder *head) {
    CkHttp *http = (CkHttp *)head;
    for (int i = 0; i < CK_EMBED_IN_FLIGHT_MAX; i++) {
        CkHttpRequest *request = &http->requests[i];
        if (request->is_active) http->curl->multi_remove(http->multi, request->easy);
        if (request->easy) http->curl->easy_cleanup(request->easy);
        ck_buf_release(&request->body);
        ck_buf_release(&request->answer);
    }
    if (http->multi) http->curl->multi_cleanup(http->multi);
    if (http->headers) http->curl->list_free(http->headers);
    ck_answers_close(http->answers);
    ck_endpoint_release(&http->endpoint);
    ck_buf_release(&http->slices);
    sqlite3_free(http->model);
    sqlite3_free(http);
}

static void add_slice(CkHttp *http, CkHttpSlice slice) {
    ck_buf_append(&http->slices, &slice, sizeof slice);
}

/* Cuts the items that are still without vector and error into requests. */
static void cut(CkHttp *http, const CkEmbedItem *items, size_t n) {
    CkHttpSlice slice = {0};
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        int is_open = !items[i].vector && !items[i].error;
        int is_full = slice.n >= (size_t)http->batch_items ||
                      n_bytes + items[i].n_text > (size_t)http->batch_bytes;
        if (slice.n > 0 && (!is_open || is_full)) {
            add_slice(http, slice);
            slice.n = 0;
        }
        if (!is_open) continue;
        if (slice.n == 0) {
            slice.first = i;
            n_bytes = 0;
        }
        slice.n++;
        n_bytes += items[i].n_text;
    }
    if (slice.n > 0) add_slice(http, slice);
}

/* Takes the first slice whose time has come. *wait_ms: how long until the next one's has. */
static int take_slice(CkHttp *http, CkHttpSlice *slice, int64_t *wait_ms) {
    CkHttpSlice *slices = (CkHttpSlice *)(void *)http->slices.data;
    size_t n = http->slices.n_bytes / sizeof *slices;
    int64_t now = ck_clock_ms();
    for (size_t i = 0; i < n; i++) {
        int64_t at = slices[i].not_before_ms > http->paused_until_ms ? slices[i].not_before_ms
                                                                     : http->paused_until_ms;
        if (at > now) {
            if (at - now < *wait_ms) *wait_ms = at - now;
            continue;
        }
        *slice = slices[i];
        memmove(slices + i, slices + i + 1, (n - i - 1) * sizeof *slices);
        http->slices.n_bytes -= sizeof *slices;
        return 1;
    }
    return 0;
}

/* Sends what may be sent. Returns how many requests are under way, or -1 after an error. */
static int send_slices(CkHttp *http, const CkEmbedItem *items, int64_t *wait_ms, CkError *err) {
    int n_active = 0;
    for (int i = 0; i < http->in_flight && err->rc == SQLITE_OK; i++) {
        CkHttpRequest *request = &http->requests[i];
        if (!request->is_active && take_slice(http, &request->slice, wait_ms)) {
            ck_http_send(http, request, items + request->slice.first, err);
        }
        n_active += request->is_active;
    }
    return n_active;
}

static void settle(CkHttp *http, CkHttpRequest *request, CURLcode code, CkEmbedItem *items,
                   CkError *err) {
    CkHttpResult result;
    CkHttpSlice slice;
    http->curl->multi_remove(http->multi, request->easy);
    request->is_active = 0;
    ck_http_finish(http, request, code, items + request->slice.first, &result, err);
    slice = request->slice;
    int64_t until = ck_clock_ms() + result.pause_ms;
    if (result.is_paused && until > http->paused_until_ms) http->paused_until_ms = until;
    if (result.outcome == CK_HTTP_AGAIN) {
        http->head.n_retries++;
        slice.not_before_ms = until;
        add_slice(http, slice);
    } else if (result.outcome == CK_HTTP_SPLIT) {
        size_t half = slice.n / 2;
        add_slice(http, (CkHttpSlice){.first = slice.first, .n = half});
        add_slice(http, (CkHttpSlice){.first = slice.first + half, .n = slice.n - half});
    }
}

static void settle_all(CkHttp *http, CkEmbedItem *items, CkError *err) {
    CURLMsg *message;
    int n_left;
    while (err->rc == SQLITE_OK && (message = http->curl->multi_read(http->multi, &n_left))) {
        CkHttpRequest *request = NULL;
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;
        http->curl->easy_info(message->easy_handle, CURLINFO_PRIVATE, (char **)(void *)&request);
        settle(http, request, code, items, err);
    }
    if (http->slices.rc != SQLITE_OK) ck_error_nomem(err);
}

static int embed(CkEmbedder *head, CkEmbedItem *items, size_t n, CkError *err) {
    CkHttp *http = (CkHttp *)head;
    int n_running;
    ck_buf_clear(&http->slices);
    cut(http, items, n);
    if (http->slices.rc != SQLITE_OK) return ck_error_nomem(err);
    while (err->rc == SQLITE_OK) {
        int64_t wait_ms = WAIT_MS;
        if (ck_interrupted()) return ck_error_set(err, SQLITE_INTERRUPT, "interrupted");
        int n_active = send_slices(http, items, &wait_ms, err);
        if (n_active == 0 && http->slices.n_bytes == 0) break;
        http->curl->multi_perform(http->multi, &n_running);
        settle_all(http, items, err);
        if (n_running >= n_active) {
            http->curl->multi_poll(http->multi, NULL, 0, (int)wait_ms, NULL);
        }
    }
    for (int i = 0; i < http->in_flight && err->rc != SQLITE_OK; i++) {
        if (!http->requests[i].is_active) continue;
        http->curl->multi_remove(http->multi, http->requests[i].easy);
        http->requests[i].is_active = 0;
    }
    return err->rc;
}

static int add_header(CkHttp *http, const char *text, CkError *err) {
    struct curl_slist *list = text ? http->curl->list_append(http->headers, text) : NULL;
    if (!list) return ck_error_nomem(err);
    http->headers = list;
    return SQLITE_OK;
}

static int make_headers(CkHttp *http, CkError *err) {
    add_header(http, "Content-Type: application/json", err);
    /* Without this libcurl waits for "100 Continue" before it sends a large body. */
    add_header(http, "Expect:", err);
    if (http->endpoint.key && err->rc == SQLITE_OK) {
        char *line = sqlite3_mprintf("Authorization: Bearer %s", http->endpoint.key);
        add_header(http, line, err);
        if (line) explicit_bzero(line, strlen(line));
        sqlite3_free(line);
    }
    return err->rc;
}

int ck_embed_http_open(CkEmbedder **embedder, const CkEmbedSettings *settings, CkError *err) {
    const CkCurl *curl = ck_curl_load(err);
    if (!curl) return err->rc;
    CkHttp *http = sqlite3_malloc64(sizeof *http);
    if (!http) return ck_error_nomem(err);
    memset(http, 0, sizeof *http);
    http->curl = curl;
    http->head = (CkEmbedder){.embed = embed, .close = close_http, .needs_utf8 = 1};
    http->head.dims = (uint32_t)settings->dims;
    http->dims = settings->dims;
    http->batch_items = settings->batch_items;
    http->batch_bytes = settings->batch_bytes;
    http->timeout_s = settings->timeout_s;
    http->in_flight = (int)settings->in_flight;
    http->model = sqlite3_mprintf("%s", settings->model);
    http->multi = curl->multi_init();
    if (!http->model || !http->multi) ck_error_nomem(err);
    if (err->rc == SQLITE_OK) ck_answers_open(&http->answers, err);
    if (err->rc == SQLITE_OK) ck_endpoint_init(&http->endpoint, curl, settings->endpoint, err);
    if (err->rc == SQLITE_OK) {
        ck_endpoint_key(&http->endpoint, settings->key_file, settings->key_env, err);
    }
    if (err->rc == SQLITE_OK) make_headers(http, err);
    http->head.is_remote = !http->endpoint.is_loopback;
    http->head.host = http->endpoint.host;
    if (err->rc == SQLITE_OK) *embedder = &http->head;
    else close_http(&http->head);
    return err->rc;
}
