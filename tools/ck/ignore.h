/*
** The pattern language of .gitignore, as git applies it (gitignore(5)), for .gitignore where
** there is no git, and for .ckignore everywhere.
**
** Rules are kept in the order of their folders, parents first, and of their lines; the last one
** that matches decides. A pattern with a '/' other than at its end is compared with the path
** below its folder, one without with the last part of the path. Bytes are compared; upper case is
** not lower.
*/
#ifndef CK_TOOL_IGNORE_H
#define CK_TOOL_IGNORE_H

#include <stddef.h>

#include "base/buf.h"

typedef struct CkIgnore {
    CkBuf rules;
    CkBuf text; /* patterns and folders */
} CkIgnore;

/* What a list of rules said up to here; ck_ignore_pop() forgets what came after. */
typedef struct CkIgnoreMark {
    size_t rules, text;
} CkIgnoreMark;

void ck_ignore_init(CkIgnore *ignore);
void ck_ignore_release(CkIgnore *ignore);

/* Adds the lines of an ignore file. folder: where it lies, "" or ending with '/'. SQLITE_NOMEM. */
int ck_ignore_push(CkIgnore *ignore, const char *folder, const char *lines, size_t n_lines);
CkIgnoreMark ck_ignore_mark(const CkIgnore *ignore);
void ck_ignore_pop(CkIgnore *ignore, CkIgnoreMark mark);

/* Is this path ignored by a rule for itself? A walk asks this of every folder before it enters. */
int ck_ignore_entry(const CkIgnore *ignore, const char *path, size_t n_path, int is_folder);

/* Is the file ignored, or a folder above it? What is in an ignored folder cannot be included. */
int ck_ignore_file(const CkIgnore *ignore, const char *path, size_t n_path);

#endif
