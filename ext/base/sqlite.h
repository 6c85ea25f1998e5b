/*
** The one way to SQLite, and the portability header.
**
** Every file that calls SQLite includes this instead of sqlite3ext.h. In ck.so the calls go
** through the sqlite3_api pointer that the loading program hands to the entry point; in libck.a
** (compiled with SQLITE_CORE) they are linked directly. ck.c alone defines CK_ENTRY, because the
** pointer must be defined exactly once.
**
** Differences between SQLite versions, compilers and byte orders are settled here and nowhere
** else: ck builds against 3.40 and runs on 3.38 and newer.
*/
#ifndef CK_BASE_SQLITE_H
#define CK_BASE_SQLITE_H

#include <stddef.h>

#include <sqlite3ext.h>
#ifndef CK_ENTRY
SQLITE_EXTENSION_INIT3
#endif

/* The oldest SQLite with everything ck needs at run time: sqlite3_vtab_in() and LIMIT hints. */
#define CK_SQLITE_MIN 3038000

/* Since 3.45 a function that returns a subtype should say so; older versions ignore the bit. */
#ifndef SQLITE_RESULT_SUBTYPE
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define CK_BIG_ENDIAN 1
#else
#define CK_BIG_ENDIAN 0
#endif

/* statfs(2) tells the kind of a filesystem on Linux only. */
#ifdef __linux__
#define CK_HAS_STATFS 1
#else
#define CK_HAS_STATFS 0
#endif

/* Memory that is not backed before it is touched, and pages of 2 MB, of Linux: mmap(2), madvise(2).
** MADV_COLLAPSE is newer than Debian 12's headers; a kernel that does not know it refuses. */
#ifdef __linux__
#define CK_HAS_HUGE_PAGES 1
#define CK_MAP_NORESERVE MAP_NORESERVE
#define CK_MADV_COLLAPSE 25
#else
#define CK_HAS_HUGE_PAGES 0
#define CK_MAP_NORESERVE 0
#endif

/* Checks the arguments of printf-like functions at compile time. */
#define CK_PRINTF(format_arg, first_arg) __attribute__((format(printf, format_arg, first_arg)))

#endif
