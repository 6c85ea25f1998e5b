/* What changes below a folder: see changes.h. */
#include "changes.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "files.h"
#include "output.h"
#include "place.h"
#include "process.h"

#define QUIET_MS 100  /* without a change ends what happens together */
#define BURST_MS 1000 /* the longest that it lasts */

/*
** Not IN_MODIFY: a file that is being written would be read half done, and programs that save close
** what they wrote. IN_ATTRIB is for what becomes readable, and for links that come and go.
*/
#define EVENTS                                                                                     \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |            \
     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)

static void give_up(CkChanges *changes, const char *why) {
    if (changes->fd >= 0) close(changes->fd);
    changes->fd = -1;
    sqlite3_snprintf(sizeof changes->why, changes->why, "%s", why);
}

void ck_changes_begin(CkChanges *changes, const char *root, int polls) {
    const char *network = ck_fs_network(root);
    *changes = (CkChanges){.root = root, .fd = -1, .is_stale = 1};
    if (polls) give_up(changes, "--watch=poll");
    else if (network) give_up(changes, network);
}

void ck_changes_end(CkChanges *changes) {
    if (changes->fd >= 0) close(changes->fd);
    changes->fd = -1;
}

/* ---- Which folders ---- */

static int add(CkChanges *changes, const char *path) {
    int wd = inotify_add_watch(changes->fd, path, EVENTS);
    if (wd < 0 && (errno == ENOSPC || errno == ENOMEM)) changes->failure = errno;
    return wd;
}

/* A folder that is gone again, or cannot be read, is no failure: the listing says so. */
static void add_folder(void *context, const char *path) {
    CkChanges *changes = context;
    char name[2 * CK_PATH_MAX_BYTES];
    if (changes->failure) return;
    sqlite3_snprintf(sizeof name, name, "%s/%s", changes->root, path);
    changes->n_folders += add(changes, name) >= 0;
}

/* The folder of git's index, wherever it is; -1 when git has nothing to do with the root. */
static int add_git(CkChanges *changes) {
    char *arguments[] = {"git", "rev-parse", "--absolute-git-dir", NULL};
    CkError err = CK_ERROR_NONE;
    CkBuf folder;
    int wd = -1;
    ck_buf_init(&folder);
    if (ck_process_run(arguments, changes->root, &folder, CK_PATH_MAX_BYTES, NULL,
                       &err) == SQLITE_OK &&
        folder.n_bytes > 1) {
        folder.data[folder.n_bytes - 1] = 0; /* the newline */
        wd = add(changes, (const char *)folder.data);
    }
    ck_error_release(&err);
    ck_buf_release(&folder);
    return wd;
}

void ck_changes_refresh(CkChanges *changes) {
    char own[2 * CK_PATH_MAX_BYTES];
    CkError err = CK_ERROR_NONE;
    if (changes->why[0] || !changes->is_stale) return;
    /* A new set rather than a corrected one: whatever the old one had missed or kept is over. */
    if (changes->fd >= 0) close(changes->fd);
    changes->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    changes->is_stale = changes->n_folders = changes->failure = 0;
    if (changes->fd < 0) {
        give_up(changes, "fs.inotify.max_user_instances is reached");
        return;
    }
    sqlite3_snprintf(sizeof own, own, "%s/" CK_FOLDER, changes->root);
    changes->own_wd = add(changes, own);
    changes->git_wd = add_git(changes);
    /* What cannot be walked cannot be listed either, and that is reported. */
    ck_files_folders(changes->root, add_folder, changes, &err);
    ck_error_release(&err);
    if (changes->failure) give_up(changes, "fs.inotify.max_user_watches is reached");
}

/* ---- What happened ---- */

/* Is it a reason to look? */
static int matters(CkChanges *changes, const struct inotify_event *event) {
    const char *name = event->len > 0 ? event->name : "";
    if (event->mask & IN_IGNORED) return 0;
    if (event->wd == changes->git_wd) return strcmp(name, "index") == 0;
    if (event->wd == changes->own_wd) return strcmp(name, "config.toml") == 0;
    if (strcmp(name, CK_FOLDER) == 0) return 0;
    if (event->mask & (IN_ISDIR | IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW) ||
        strcmp(name, ".gitignore") == 0 || strcmp(name, ".ckignore") == 0 ||
        strcmp(name, ".git") == 0) {
        changes->is_stale = 1;
    }
    return 1;
}

/* Reads what is there. Returns whether something of it matters. */
static int take(CkChanges *changes) {
    _Alignas(struct inotify_event) char events[16384];
    ssize_t n = read(changes->fd, events, sizeof events);
    int any = 0;
    for (const char *at = events; n > 0 && at < events + n;) {
        const struct inotify_event *event = (const void *)at;
        any |= matters(changes, event);
        at += sizeof *event + event->len;
    }
    return any;
}

void ck_changes_wait(CkChanges *changes, int64_t timeout_ms) {
    int64_t now = ck_now_ms(), until = now + timeout_ms, latest = 0;
    while (now < until && !ck_interrupted()) {
        int ready = ck_interrupt_wait(changes->fd, until - now);
        now = ck_now_ms();
        if (!ready || !take(changes)) continue;
        if (latest == 0) latest = now + BURST_MS;
        until = now + QUIET_MS < latest ? now + QUIET_MS : latest;
    }
}

void ck_changes_rest(int64_t ms) {
    int64_t now = ck_now_ms(), until = now + ms;
    while (now < until && !ck_interrupted()) {
        ck_interrupt_wait(-1, until - now);
        now = ck_now_ms();
    }
}
