/*
** Says when something below a folder may have changed: what `ck index --watch` waits for.
**
** inotify(7) tells of folders, one by one. All are watched that a walk enters, which is all but
** what .gitignore and .ckignore name, and what git keeps elsewhere: its index. When folders come or
** go, or an ignore file changes, the set is made anew, before anything is listed, so that nothing
** falls in between. What happens together is told once: when nothing more came for 100 ms, or after
** a second of it.
**
** Nothing more than "look now" is told: who waits lists the files and compares. So what is missed
** (a file changed through mmap(2), or one that stays open for writing; .git/info/exclude) is found
** by looking now and then all the same. Where nothing tells, because the filesystem is of the
** network, the kernel's limits are reached or the user says so, looking is all there is, and `why`
** says why.
*/
#ifndef CK_TOOL_CHANGES_H
#define CK_TOOL_CHANGES_H

#include <stdint.h>

#include "app.h"

typedef struct CkChanges {
    const char *root;
    int fd;                 /* of inotify; -1: nothing tells */
    int git_wd, own_wd;     /* watches of git's folder and of .ck: one file of each matters */
    int n_folders;
    int is_stale;           /* is the set of folders to be made anew? */
    int failure;            /* errno of a watch that could not be had */
    char why[128];
} CkChanges;

/* polls: nothing is to be watched. */
void ck_changes_begin(CkChanges *changes, const char *root, int polls);
void ck_changes_end(CkChanges *changes);

/* Makes the set of folders anew where it has to be; before the files are listed. */
void ck_changes_refresh(CkChanges *changes);

/* Waits until something may have changed, at most that long. A signal ends it, too. */
void ck_changes_wait(CkChanges *changes, int64_t timeout_ms);

/* Waits for the time to pass, or a signal. What happens meanwhile is told by the next wait. */
void ck_changes_rest(int64_t ms);

#endif
