/* URLs of remotes: see remote_url.h. */
#include "store/remote_url.h"

#include <string.h>

#include "base/hex.h"

/* Decodes %HH within n bytes in place; a '%' without two digits is itself. Terminates it. */
static void decode(char *text, size_t n) {
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        int high = text[i] == '%' && i + 2 < n ? ck_hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? ck_hex_digit(text[i + 2]) : -1;
        text[to++] = low >= 0 ? (char)(high << 4 | low) : text[i];
        if (low >= 0) i += 2;
    }
    text[to] = 0;
}

/* Where the path begins, or NULL: it is on another host. */
static const char *skip_host(const char *url) {
    static const char local[] = "localhost";
    const char *rest = url + strlen("file:");
    if (strncmp(rest, "//", 2) != 0) return rest;
    const char *host = rest + 2, *path = host + strcspn(host, "/");
    size_t n = (size_t)(path - host);
    return n == 0 || (n == sizeof local - 1 && memcmp(host, local, n) == 0) ? path : NULL;
}

/* Does a parameter, as SQLite reads it, make a database of nothing but memory? */
static int is_in_memory(const char *parameters) {
    return strstr(parameters, "mode=memory") || strstr(parameters, "vfs=memdb");
}

static int refuse(const char *name, const char *url, const char *why, CkError *err) {
    return ck_error_set(err, SQLITE_ERROR, "sync: remote '%s' is at '%s'; %s", name, url, why);
}

int ck_remote_url_read(const char *name, const char *url, char **folder, CkError *err) {
    *folder = NULL;
    if (strncmp(url, "file:", 5) != 0) {
        const char *like = *url == '/' ? url : "";
        return ck_error_set(err, SQLITE_ERROR,
                            "sync: remote '%s' is at '%s'; only urls that begin with 'file:' are "
                            "known%s%s",
                            name, url, *like ? ", such as file:" : "", like);
    }
    const char *path = skip_host(url);
    if (!path) return refuse(name, url, "the host of a 'file:' url is empty or localhost", err);
    size_t n = strcspn(path, "?#");
    const char *parameters = path + n;
    char *decoded = sqlite3_mprintf("%.*s", (int)n, path);
    if (!decoded) return ck_error_nomem(err);
    decode(decoded, n);
    size_t n_decoded = strlen(decoded);
    int is_folder = n_decoded > 0 && decoded[n_decoded - 1] == '/';
    if (n_decoded == 0 || strcmp(decoded, ":memory:") == 0 || is_in_memory(parameters)) {
        refuse(name, url, "expected the path of a file or folder behind 'file:'", err);
    } else if (is_folder && *parameters) {
        refuse(name, url,
               "a folder has no parameters (UPDATE ck_remotes SET push = 0 for one that may only "
               "be read)",
               err);
    }
    if (err->rc == SQLITE_OK && is_folder) *folder = decoded;
    else sqlite3_free(decoded);
    return err->rc;
}
