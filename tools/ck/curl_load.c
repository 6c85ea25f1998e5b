/* Loading libcurl: see curl_load.h. */
#include "curl_load.h"

#include <dlfcn.h>
#include <string.h>

static const char *const LIBRARIES[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

/* A pointer from dlsym() is stored through memcpy: C has no cast from data to functions. */
static int find(void *library, const char *name, void *function) {
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static int find_all(void *library, CkCurl *curl) {
    return find(library, "curl_global_init", &curl->global_init) &&
           find(library, "curl_easy_init", &curl->easy_init) &&
           find(library, "curl_easy_setopt", &curl->easy_set) &&
           find(library, "curl_easy_getinfo", &curl->easy_info) &&
           find(library, "curl_easy_cleanup", &curl->easy_cleanup) &&
           find(library, "curl_easy_strerror", &curl->easy_error) &&
           find(library, "curl_multi_init", &curl->multi_init) &&
           find(library, "curl_multi_add_handle", &curl->multi_add) &&
           find(library, "curl_multi_remove_handle", &curl->multi_remove) &&
           find(library, "curl_multi_perform", &curl->multi_perform) &&
           find(library, "curl_multi_poll", &curl->multi_poll) &&
           find(library, "curl_multi_info_read", &curl->multi_read) &&
           find(library, "curl_multi_cleanup", &curl->multi_cleanup) &&
           find(library, "curl_slist_append", &curl->list_append) &&
           find(library, "curl_slist_free_all", &curl->list_free) &&
           find(library, "curl_url", &curl->url) &&
           find(library, "curl_url_set", &curl->url_set) &&
           find(library, "curl_url_get", &curl->url_get) &&
           find(library, "curl_url_cleanup", &curl->url_cleanup) &&
           find(library, "curl_free", &curl->release);
}

const CkCurl *ck_curl_load(CkError *err) {
    static CkCurl curl;
    static int is_loaded;
    void *library = NULL;
    if (is_loaded) return &curl;
    for (size_t i = 0; i < sizeof LIBRARIES / sizeof *LIBRARIES && !library; i++) {
        library = dlopen(LIBRARIES[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (!library || !find_all(library, &curl) || curl.global_init(CURL_GLOBAL_DEFAULT) != 0) {
        ck_error_set(err, SQLITE_CANTOPEN,
                     "an endpoint needs libcurl 7.66 or newer, which cannot be loaded; install "
                     "libcurl4");
        return NULL;
    }
    is_loaded = 1;
    return &curl;
}
