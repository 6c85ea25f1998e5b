/* The address of an endpoint, and the key: see endpoint.h. */
#include "endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES_MAX 8192

static int ends_with(const char *text, const char *end) {
    size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static int is_loopback(const char *host) {
    size_t n = strlen(host);
    if (strcmp(host, "localhost") == 0 || ends_with(host, ".localhost")) return 1;
    if (strcmp(host, "[::1]") == 0 || strcmp(host, "::1") == 0) return 1;
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == n;
}

/* The path without '/' at its end, and what it lacks of ".../v1/embeddings". */
static int complete_path(const CkCurl *curl, CURLU *url, CkError *err) {
    char *path = NULL;
    if (curl->url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK) return ck_error_nomem(err);
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/') path[--n] = 0;
    const char *rest = ends_with(path, "/embeddings") ? "" : n > 0 ? "/embeddings"
                                                                    : "/v1/embeddings";
    char *whole = sqlite3_mprintf("%s%s", path, rest);
    if (!whole || curl->url_set(url, CURLUPART_PATH, whole, 0) != CURLUE_OK) ck_error_nomem(err);
    sqlite3_free(whole);
    curl->release(path);
    return err->rc;
}

static int take_parts(CkEndpoint *endpoint, const CkCurl *curl, CURLU *url, const char *text,
                      CkError *err) {
    char *host = NULL, *port = NULL, *user = NULL, *whole = NULL;
    if (curl->url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        ck_error_set(err, SQLITE_ERROR, "the endpoint must have no user or password in its URL; "
                                        "give a key by --key-file or in the environment");
    } else if (curl->url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        ck_error_set(err, SQLITE_ERROR, "the endpoint has no host: %s", text);
    } else if (complete_path(curl, url, err) == SQLITE_OK) {
        curl->url_get(url, CURLUPART_PORT, &port, 0);
        curl->url_get(url, CURLUPART_URL, &whole, 0);
        endpoint->is_loopback = is_loopback(host);
        endpoint->host = sqlite3_mprintf("%s%s%s", host, port ? ":" : "", port ? port : "");
        endpoint->url = sqlite3_mprintf("%s", whole ? whole : "");
        if (!endpoint->host || !endpoint->url) ck_error_nomem(err);
    }
    curl->release(host);
    curl->release(port);
    curl->release(user);
    curl->release(whole);
    return err->rc;
}

int ck_endpoint_init(CkEndpoint *endpoint, const CkCurl *curl, const char *text, CkError *err) {
    memset(endpoint, 0, sizeof *endpoint);
    if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) {
        return ck_error_set(err, SQLITE_ERROR,
                            "the endpoint must begin with http:// or https://, got '%s'", text);
    }
    CURLU *url = curl->url();
    if (!url) return ck_error_nomem(err);
    if (curl->url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
        ck_error_set(err, SQLITE_ERROR, "the endpoint is not a URL: %s", text);
    } else {
        take_parts(endpoint, curl, url, text, err);
    }
    curl->url_cleanup(url);
    return err->rc;
}

void ck_endpoint_release(CkEndpoint *endpoint) {
    sqlite3_free(endpoint->url);
    sqlite3_free(endpoint->host);
    if (endpoint->key) explicit_bzero(endpoint->key, strlen(endpoint->key));
    sqlite3_free(endpoint->key);
    memset(endpoint, 0, sizeof *endpoint);
}

/* The file's text without blanks around it. */
static int read_key_file(const char *path, char **key, CkError *err) {
    struct stat status;
    char text[KEY_BYTES_MAX];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0) {
        ck_error_set(err, SQLITE_ERROR, "key file '%s': %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0 ||
               status.st_uid != geteuid()) {
        ck_error_set(err, SQLITE_ERROR,
                     "key file '%s' must be a file that only you can read; run: chmod 600 '%s'",
                     path, path);
    } else {
        n = read(fd, text, sizeof text - 1);
        if (n < 0) ck_error_set(err, SQLITE_ERROR, "key file '%s': %s", path, strerror(errno));
    }
    if (fd >= 0) close(fd);
    if (err->rc != SQLITE_OK) return err->rc;
    text[n] = 0;
    char *begin = text + strspn(text, " \t\r\n");
    begin[strcspn(begin, "\r\n")] = 0;
    *key = sqlite3_mprintf("%s", begin);
    explicit_bzero(text, sizeof text);
    if (!*key) return ck_error_nomem(err);
    if (!**key) ck_error_set(err, SQLITE_ERROR, "key file '%s' is empty", path);
    return err->rc;
}

int ck_endpoint_key(CkEndpoint *endpoint, const char *file, const char *variable, CkError *err) {
    const char *value = variable ? getenv(variable) : NULL;
    if (file) {
        if (read_key_file(file, &endpoint->key, err) != SQLITE_OK) return err->rc;
    } else if (value && value[0]) {
        endpoint->key = sqlite3_mprintf("%s", value);
        if (!endpoint->key) return ck_error_nomem(err);
    }
    if (!endpoint->key) return SQLITE_OK;
    for (const char *c = endpoint->key; *c; c++) {
        if (*c > 0x20 && *c < 0x7f) continue;
        return ck_error_set(err, SQLITE_ERROR, "the key has a blank, or a byte that no key has");
    }
    if (!endpoint->is_loopback && strncmp(endpoint->url, "https://", 8) != 0) {
        return ck_error_set(err, SQLITE_ERROR,
                            "the key would travel to %s unencrypted; the endpoint must begin with "
                            "https://",
                            endpoint->host);
    }
    return SQLITE_OK;
}

void ck_endpoint_redact(const CkEndpoint *endpoint, char *message) {
    size_t n = endpoint->key ? strlen(endpoint->key) : 0;
    if (n < 4) return;
    for (char *at = strstr(message, endpoint->key); at; at = strstr(at, endpoint->key)) {
        memcpy(at, "***", 3);
        memmove(at + 3, at + n, strlen(at + n) + 1);
    }
}
