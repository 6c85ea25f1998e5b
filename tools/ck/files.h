/*
** The files of a workspace: which there are, and what lstat(2) says of them.
**
** In a git repository git says it: what it tracks, and what is neither tracked nor ignored; the
** same of submodules that are checked out. What sparse checkout leaves out, and what is tracked
** but was deleted, is no error and not in the list. Elsewhere a walk finds them, which honours
** .gitignore. .ckignore, in the same language, is honoured in both, whether or not git knows the
** file. Symbolic links are not followed, to folders neither, and only regular files are listed.
** Folders named .git or .ck are never entered.
*/
#ifndef CK_TOOL_FILES_H
#define CK_TOOL_FILES_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "ignore.h"

#define CK_FILES_DEPTH_MAX 200 /* folders within folders; what is deeper is reported as failed */

typedef struct CkFileEntry {
    size_t path; /* offset in CkFileList.text: as stored (utf8.h), ended by NUL */
    uint32_t n_path;
    uint8_t tracked;
    int64_t n_bytes;
    int64_t mtime_ns, ctime_ns;
} CkFileEntry;

typedef struct CkFileList {
    CkBuf entries; /* CkFileEntry, sorted by the bytes of the path, each once */
    CkBuf text;
    CkBuf failed;     /* offsets of paths in `text` (size_t): folders that could not be listed */
    CkBuf doubt;      /* what git said of the list that we do not understand, or empty: then nothing
                         that is not in the list is certain to be gone */
    CkIgnore ignore;  /* of a walk, the rules of the folders it is in; else those of .ckignore */
    int from_git;
    size_t n_links;   /* symbolic links */
    size_t n_special; /* sockets, devices and the like */
    size_t n_nested;  /* repositories inside that are no submodules */
} CkFileList;

typedef struct CkFilesOptions {
    const char *root;    /* absolute */
    const char *const *below; /* stored paths, relative to the root: only what is at or below one */
    size_t n_below;      /* 0: everything */
    const char *const *nested; /* relative roots of workspaces inside this one: left out */
    size_t n_nested;
} CkFilesOptions;

void ck_files_init(CkFileList *list);
void ck_files_release(CkFileList *list);

/* Fails when the root cannot be listed or git cannot be asked; what else fails is in `failed`. */
int ck_files_list(CkFileList *list, const CkFilesOptions *options, CkError *err);

static inline size_t ck_files_count(const CkFileList *list) {
    return list->entries.n_bytes / sizeof(CkFileEntry);
}

static inline const CkFileEntry *ck_files_at(const CkFileList *list, size_t i) {
    return (const CkFileEntry *)(const void *)list->entries.data + i;
}

static inline const char *ck_files_path(const CkFileList *list, const CkFileEntry *entry) {
    return (const char *)list->text.data + entry->path;
}

/*
** A number that is another one when a file came, went or changed, as lstat(2) tells, or when
** `settings`, any text, is another.
*/
uint64_t ck_files_fingerprint(const CkFileList *list, const char *settings);

/*
** Calls on_folder for the root ("") and every folder below it that the ignore files do not name,
** before the folder is read. path: relative, in bytes of the file system, '/' at its end.
*/
typedef void CkFolderFn(void *context, const char *path);
int ck_files_folders(const char *root, CkFolderFn *on_folder, void *context, CkError *err);

/* Is path equal to folder or below it? folder without a '/' at its end; "" is the root. */
int ck_files_is_below(const char *path, const char *folder);

/* ---- For files_git.c and files_walk.c ---- */

/* Adds a path of n bytes of the file system, not looked at yet. */
void ck_files_add(CkFileList *list, const char *path, size_t n, int tracked);
void ck_files_add_failed(CkFileList *list, const char *path, size_t n);

/* Adds the rules of an ignore file that was opened (-1: there is none) and closes it. folder: where
   it lies, as stored, "" or ending with '/'. */
void ck_files_rules(CkFileList *list, int fd, const char *folder);

/* Asks git for the files of `folder`, "" or ending with '/', relative to the root. */
int ck_files_git(CkFileList *list, const char *root, const char *folder, CkError *err);
int ck_files_walk(CkFileList *list, const char *root, CkError *err);

#endif
