/* The address of an endpoint, and the key: see endpoint.h. */
#include "endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES_MAX 8192
#define SECRET_BYTES_MIN 4 /* what is shorter is in every other word */

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
    char *host = NULL, *port = NULL, *user = NULL, *whole = NULL, *query = NULL;
    if (curl->url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        ck_error_set(err, SQLITE_MISUSE, "the endpoint must have no user or password in its URL; "
                                         "give a key by --key-file or in the environment");
    } else if (curl->url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        ck_error_set(err, SQLITE_MISUSE, "the endpoint has no host: %s", text);
    } else if (complete_path(curl, url, err) == SQLITE_OK) {
        curl->url_get(url, CURLUPART_PORT, &port, 0);
        curl->url_get(url, CURLUPART_URL, &whole, 0);
        endpoint->is_loopback = is_loopback(host);
        endpoint->host = sqlite3_mprintf("%s%s%s", host, port ? ":" : "", port ? port : "");
        endpoint->url = sqlite3_mprintf("%s", whole ? whole : "");
        endpoint->name = ck_endpoint_public(whole ? whole : "");
        if (curl->url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_OK) {
            endpoint->query = sqlite3_mprintf("%s", query);
            if (!endpoint->query) ck_error_nomem(err);
        }
        if (!endpoint->host || !endpoint->url || !endpoint->name) ck_error_nomem(err);
    }
    curl->release(host);
    curl->release(port);
    curl->release(user);
    curl->release(whole);
    curl->release(query);
    return err->rc;
}

int ck_endpoint_init(CkEndpoint *endpoint, const CkCurl *curl, const char *text, CkError *err) {
    memset(endpoint, 0, sizeof *endpoint);
    char *name = ck_endpoint_public(text);
    CURLU *url = curl->url();
    if (!url || !name) {
        ck_error_nomem(err);
    } else if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) {
        ck_error_set(err, SQLITE_MISUSE,
                     "the endpoint must begin with http:// or https://, got '%s'", name);
    } else if (curl->url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
        ck_error_set(err, SQLITE_MISUSE, "the endpoint is not a URL: %s", name);
    } else {
        take_parts(endpoint, curl, url, name, err);
    }
    if (url) curl->url_cleanup(url);
    sqlite3_free(name);
    return err->rc;
}

void ck_endpoint_release(CkEndpoint *endpoint) {
    sqlite3_free(endpoint->url);
    sqlite3_free(endpoint->name);
    sqlite3_free(endpoint->query);
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
        ck_error_set(err, SQLITE_MISUSE, "key file '%s': %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0 ||
               status.st_uid != geteuid()) {
        ck_error_set(err, SQLITE_MISUSE,
                     "key file '%s' must be a file that only you can read; run: chmod 600 '%s'",
                     path, path);
    } else {
        n = read(fd, text, sizeof text - 1);
        if (n < 0) ck_error_set(err, SQLITE_MISUSE, "key file '%s': %s", path, strerror(errno));
    }
    if (fd >= 0) close(fd);
    if (err->rc != SQLITE_OK) return err->rc;
    text[n] = 0;
    char *begin = text + strspn(text, " \t\r\n");
    begin[strcspn(begin, "\r\n")] = 0;
    *key = sqlite3_mprintf("%s", begin);
    explicit_bzero(text, sizeof text);
    if (!*key) return ck_error_nomem(err);
    if (!**key) ck_error_set(err, SQLITE_MISUSE, "key file '%s' is empty", path);
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
        return ck_error_set(err, SQLITE_MISUSE, "the key has a blank, or a byte that no key has");
    }
    if (!endpoint->is_loopback && strncmp(endpoint->url, "https://", 8) != 0) {
        return ck_error_set(err, SQLITE_MISUSE,
                            "the key would travel to %s unencrypted; the endpoint must begin with "
                            "https://",
                            endpoint->host);
    }
    return SQLITE_OK;
}

/* ---- What is printed ---- */

static size_t redact(const char *secret, size_t n_secret, char *text, size_t n) {
    char *at = text;
    if (n_secret < SECRET_BYTES_MIN) return n;
    while ((at = memmem(at, n - (size_t)(at - text), secret, n_secret)) != NULL) {
        size_t left = n - (size_t)(at - text) - n_secret;
        memcpy(at, "***", 3);
        memmove(at + 3, at + n_secret, left);
        n -= n_secret - 3;
        at += 3;
    }
    return n;
}

size_t ck_endpoint_redact(const CkEndpoint *endpoint, char *text, size_t n) {
    if (endpoint->key) n = redact(endpoint->key, strlen(endpoint->key), text, n);
    for (const char *at = endpoint->query; at && *at;) {
        size_t n_part = strcspn(at, "&"), n_name = strcspn(at, "=&");
        n_name += n_name < n_part;
        n = redact(at + n_name, n_part - n_name, text, n);
        at += n_part + (at[n_part] != 0);
    }
    return n;
}

char *ck_endpoint_public(const char *url) {
    size_t n = strcspn(url, "?#");
    const char *colon = memmem(url, n, "://", 3);
    const char *host = colon ? colon + 3 : url;
    const char *user = memrchr(host, '@', n - (size_t)(host - url));
    const char *rest = user ? user + 1 : host;
    return sqlite3_mprintf("%.*s%.*s", (int)(host - url), url, (int)(url + n - rest), rest);
}
