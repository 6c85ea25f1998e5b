/*
** Files that are written once and read from the beginning: errors that name the path, whole reads
** and writes, and a file that is there either whole or not at all.
*/
#ifndef CK_BASE_FILE_H
#define CK_BASE_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

typedef struct CkFile {
    int fd; /* -1: not open */
    const char *path; /* the caller's, for messages */
} CkFile;

#define CK_FILE_NONE {-1, NULL}

/* Opens a file to be read; a folder, a pipe or a device is an error. */
int ck_file_open(CkFile *file, const char *path, CkError *err);

/* Creates a file that must not be there yet. */
int ck_file_create(CkFile *file, const char *path, CkError *err);

/* Closes what is open; says nothing of what was written. */
void ck_file_close(CkFile *file);

/* Reads n bytes, or less at the end of the file. */
int ck_file_read(CkFile *file, void *to, size_t n, size_t *n_read, CkError *err);
int ck_file_write(CkFile *file, const void *from, size_t n, CkError *err);

/*
** Makes what was written durable, closes the file and gives it the name `path` (of the same folder,
** folder ends with '/'), where it appears whole.
*/
int ck_file_publish(CkFile *file, const char *folder, const char *path, CkError *err);

void ck_file_remove(const char *path);

/* Makes the folder, if it is not there; the one above it must be. */
int ck_file_make_folder(const char *folder, CkError *err);

/* Is there a file of that name, or a link, which may lead nowhere? */
int ck_file_exists(const char *path);

/* When the file was written last, unix seconds by the clock of its file system. 0: not known. */
int ck_file_written_at(const char *path, int64_t *at);

/*
** The names in a folder that begin with `prefix` and end with `suffix`, sorted; longer ones are
** left out, and without a prefix hidden ones.
*/
#define CK_FILE_NAME_BYTES 128
typedef struct CkFileName {
    char name[CK_FILE_NAME_BYTES];
} CkFileName;
int ck_file_list(const char *folder, const char *prefix, const char *suffix, CkBuf *names,
                 CkError *err);

#endif
