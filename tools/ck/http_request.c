/* One request of the HTTP embedder: see embed_http.h. */
#include <string.h>

#include "embed_http.h"
#include "utf8.h"

#define MESSAGE_BYTES_MAX 300 /* of what a server says */

static size_t on_body(char *bytes, size_t size, size_t n, void *argument) {
    CkHttpRequest *request = argument;
    if (request->answer.n_bytes + n > CK_HTTP_ANSWER_BYTES_MAX) return 0;
    ck_buf_append(&request->answer, bytes, n);
    return request->answer.rc == SQLITE_OK ? size * n : 0;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *argument) {
    CkHttpRequest *request = argument;
    ck_http_limits_header(&request->limits, bytes, n);
    return size * n;
}

static void append(CkBuf *buf, const char *text) {
    ck_buf_append(buf, text, strlen(text));
}

static int write_body(const CkHttp *http, CkHttpRequest *request, const CkEmbedItem *items,
                      CkError *err) {
    CkBuf *body = &request->body;
    char dims[48];
    ck_buf_clear(body);
    append(body, "{\"model\":");
    ck_utf8_append_json(body, http->model, strlen(http->model));
    append(body, ",\"encoding_format\":\"float\"");
    if (http->dims > 0) {
        sqlite3_snprintf(sizeof dims, dims, ",\"dimensions\":%lld", (long long)http->dims);
        append(body, dims);
    }
    append(body, ",\"input\":[");
    for (size_t i = 0; i < request->slice.n; i++) {
        if (i > 0) append(body, ",");
        ck_utf8_append_json(body, items[i].text, items[i].n_text);
    }
    append(body, "]}");
    return body->rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static void set_options(const CkHttp *http, CkHttpRequest *request) {
    const CkCurl *curl = http->curl;
    CURL *easy = request->easy;
    curl->easy_set(easy, CURLOPT_URL, http->endpoint.url);
    curl->easy_set(easy, CURLOPT_HTTPHEADER, http->headers);
    curl->easy_set(easy, CURLOPT_NOSIGNAL, 1L);
    /* Another place is not where the user wanted texts and key to go. */
    curl->easy_set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl->easy_set(easy, CURLOPT_CONNECTTIMEOUT, (long)CK_HTTP_CONNECT_S);
    curl->easy_set(easy, CURLOPT_TIMEOUT, (long)http->timeout_s);
    curl->easy_set(easy, CURLOPT_ERRORBUFFER, request->error);
    curl->easy_set(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl->easy_set(easy, CURLOPT_WRITEDATA, request);
    curl->easy_set(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl->easy_set(easy, CURLOPT_HEADERDATA, request);
    curl->easy_set(easy, CURLOPT_PRIVATE, request);
    curl->easy_set(easy, CURLOPT_USERAGENT, "ck/" CK_VERSION);
    curl->easy_set(easy, CURLOPT_ACCEPT_ENCODING, "");
    if (http->endpoint.is_loopback) curl->easy_set(easy, CURLOPT_NOPROXY, "*");
}

int ck_http_send(CkHttp *http, CkHttpRequest *request, const CkEmbedItem *items, CkError *err) {
    const CkCurl *curl = http->curl;
    if (!request->easy) {
        request->easy = curl->easy_init();
        if (!request->easy) return ck_error_nomem(err);
        set_options(http, request);
    }
    if (write_body(http, request, items, err) != SQLITE_OK) return err->rc;
    ck_buf_clear(&request->answer);
    ck_http_limits_init(&request->limits);
    request->error[0] = 0;
    curl->easy_set(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n_bytes);
    curl->easy_set(request->easy, CURLOPT_POSTFIELDS, request->body.data);
    if (curl->multi_add(http->multi, request->easy) != CURLM_OK) return ck_error_nomem(err);
    request->is_active = 1;
    http->head.n_requests++;
    return SQLITE_OK;
}

/* ---- What came of it ---- */

/* The attempt's pause: doubled each time, and of that a random part, so that many clients do not
   come back at the same moment. */
static int64_t backoff_ms(int attempts) {
    uint16_t random;
    int64_t pause = CK_HTTP_BACKOFF_MS;
    for (int i = 1; i < attempts && pause < CK_HTTP_BACKOFF_MAX_MS; i++) pause *= 2;
    if (pause > CK_HTTP_BACKOFF_MAX_MS) pause = CK_HTTP_BACKOFF_MAX_MS;
    sqlite3_randomness(sizeof random, &random);
    return pause / 2 + pause * random / UINT16_MAX / 2;
}

static void again(CkHttpRequest *request, CkHttpResult *result) {
    result->outcome = CK_HTTP_AGAIN;
    result->pause_ms = backoff_ms(request->slice.attempts);
}

static void fatal(const CkHttp *http, CkHttpResult *result, CkError *err) {
    result->outcome = CK_HTTP_FATAL;
    ck_error_set(err, result->rc ? result->rc : SQLITE_ERROR, "%s: %s", http->endpoint.name,
                 result->message);
}

/* A text that is alone cannot be embedded. When one after the other cannot, it is the server. */
static void give_up(CkHttp *http, CkEmbedItem *item, int n_max, CkHttpResult *result,
                    CkError *err) {
    if (++http->n_refused >= n_max) {
        fatal(http, result, err);
        return;
    }
    result->outcome = CK_HTTP_DONE;
    ck_embed_item_fail(item, "%s", result->message);
}

/* A failure that may be of the moment, of a text, or of the server for good. */
static void doubtful(CkHttp *http, CkHttpRequest *request, CkEmbedItem *items,
                     CkHttpResult *result, CkError *err) {
    if (request->slice.n > 1 && request->slice.attempts >= 2) {
        result->outcome = CK_HTTP_SPLIT;
    } else if (request->slice.attempts < CK_HTTP_DOUBTS) {
        again(request, result);
    } else {
        give_up(http, &items[0], CK_HTTP_FAILURES_MAX, result, err);
    }
}

/* The server will not take this request, however often it comes. */
static void refused(CkHttp *http, CkHttpRequest *request, CkEmbedItem *items,
                    CkHttpResult *result, CkError *err) {
    if (request->slice.n > 1) result->outcome = CK_HTTP_SPLIT;
    else give_up(http, &items[0], CK_HTTP_REFUSALS_MAX, result, err);
}

static void later(CkHttp *http, CkHttpRequest *request, CkHttpResult *result, CkError *err) {
    int64_t pause = request->limits.retry_after_ms;
    curl_off_t seconds = 0;
    if (pause < 0 &&
        http->curl->easy_info(request->easy, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK) {
        pause = seconds > 0 ? (int64_t)seconds * 1000 : -1;
    }
    if (pause < 0) pause = request->limits.reset_ms;
    again(request, result);
    result->is_paused = 1;
    if (pause >= 0) result->pause_ms = pause + result->pause_ms / 4;
    result->rc = SQLITE_BUSY;
    if (result->pause_ms > CK_HTTP_PAUSE_MAX_MS) {
        size_t n = strlen(result->message);
        sqlite3_snprintf((int)(sizeof result->message - n), result->message + n,
                         "; it is to be asked again in %lld minutes, and %d are waited for at most",
                         (long long)(pause + 59999) / 60000, CK_HTTP_PAUSE_MAX_MS / 60000);
        fatal(http, result, err);
    } else if (request->slice.attempts >= CK_HTTP_ATTEMPTS) {
        fatal(http, result, err);
    }
}

static void read_answer(CkHttp *http, CkHttpRequest *request, CkEmbedItem *items,
                        CkHttpResult *result, CkError *err) {
    CkError wrong = CK_ERROR_NONE;
    ck_answers_read(http->answers, &http->head, &request->answer, items, request->slice.n, &wrong);
    if (wrong.rc == SQLITE_OK) {
        result->outcome = CK_HTTP_DONE;
        http->n_refused = 0;
        for (size_t i = 0; i < request->slice.n; i++) {
            char *error = items[i].error;
            if (error) ck_endpoint_redact(&http->endpoint, error, strlen(error) + 1);
        }
    } else {
        if (wrong.message) {
            ck_endpoint_redact(&http->endpoint, wrong.message, strlen(wrong.message) + 1);
        }
        sqlite3_snprintf(sizeof result->message, result->message, "the answer is wrong: %s",
                         wrong.message ? wrong.message : sqlite3_errstr(wrong.rc));
        if (wrong.rc == SQLITE_MISMATCH) fatal(http, result, err);
        else if (wrong.rc == SQLITE_NOMEM) ck_error_nomem(err);
        else doubtful(http, request, items, result, err);
    }
    ck_error_release(&wrong);
}

/* Failures of TLS and of the name stay what they are; others may be of the moment. */
static void not_answered(CkHttp *http, CkHttpRequest *request, CURLcode code,
                         CkHttpResult *result, CkError *err) {
    sqlite3_snprintf(sizeof result->message, result->message, "%s",
                     request->error[0] ? request->error : http->curl->easy_error(code));
    int is_final = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
                   code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
                   code == CURLE_WRITE_ERROR || code == CURLE_SSL_CONNECT_ERROR;
    /* A server that was never there is rather a wrong address than one that restarts. */
    int n_max = http->has_answered ? CK_HTTP_ATTEMPTS : CK_HTTP_FIRST_ATTEMPTS;
    if (is_final || request->slice.attempts >= n_max) fatal(http, result, err);
    else again(request, result);
}

/* What the server says of a failure. The key is looked for in all of it before it is cut. */
static void take_message(CkHttp *http, CkHttpRequest *request, long status, CkHttpResult *result) {
    CkBuf *body = &request->answer;
    if (body->data) {
        body->n_bytes = ck_endpoint_redact(&http->endpoint, (char *)body->data, body->n_bytes);
    }
    char *said = ck_answers_message(http->answers, body);
    if (said) ck_endpoint_redact(&http->endpoint, said, strlen(said) + 1); /* JSON has escapes */
    sqlite3_snprintf(sizeof result->message, result->message, "HTTP %ld%s%.*s", status,
                     said && said[0] ? ": " : "", MESSAGE_BYTES_MAX, said ? said : "");
    sqlite3_free(said);
}

void ck_http_finish(CkHttp *http, CkHttpRequest *request, CURLcode code, CkEmbedItem *items,
                    CkHttpResult *result, CkError *err) {
    long status = 0;
    memset(result, 0, sizeof *result);
    request->slice.attempts++;
    if (code != CURLE_OK) {
        not_answered(http, request, code, result, err);
        return;
    }
    http->has_answered = 1;
    http->curl->easy_info(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (request->limits.remaining == 0 && request->limits.reset_ms > 0 &&
        request->limits.reset_ms <= CK_HTTP_PAUSE_MAX_MS) {
        result->pause_ms = request->limits.reset_ms;
        result->is_paused = 1;
    }
    if (status == 200) {
        read_answer(http, request, items, result, err);
        return;
    }
    take_message(http, request, status, result);
    if (status == 401 || status == 403) result->rc = SQLITE_AUTH;
    if (status == 429 || status == 503) later(http, request, result, err);
    else if (status == 400 || status == 413 || status == 422) {
        refused(http, request, items, result, err);
    } else if (status >= 500 || status == 408 || status == 409 || status == 425) {
        doubtful(http, request, items, result, err);
    } else {
        fatal(http, result, err);
    }
}
