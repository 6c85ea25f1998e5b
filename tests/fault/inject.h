/*
** Makes SQLite's memory and files fail on demand, and interrupts it.
**
** Memory: a wrapper around SQLite's allocator (SQLITE_CONFIG_MALLOC). Lookaside is off, so that
** every allocation passes through it. Files: a VFS named "fault" over the default one. Interrupts:
** a progress handler, called wherever SQLite can be stopped. Nothing fails until fault_arm(); then
** the N-th operation of the armed kind does.
*/
#ifndef CK_TESTS_FAULT_INJECT_H
#define CK_TESTS_FAULT_INJECT_H

#include <sqlite3.h>

typedef enum FaultKind {
    FAULT_MEMORY,      /* the N-th allocation */
    FAULT_MEMORY_GONE, /* the N-th allocation and all after it */
    FAULT_IO,          /* the N-th file operation: open, read, write, sync, truncate, delete, … */
    FAULT_IO_GONE,     /* the N-th file operation and all after it */
    FAULT_FULL,        /* the N-th write and all after it: the disk is full */
    FAULT_STOP,        /* the N-th call of the progress handler says stop */
    FAULT_INTERRUPT,   /* it calls sqlite3_interrupt(), which lasts until all statements ended */
    FAULT_KINDS
} FaultKind;

/* Before the first use of SQLite. Returns a SQLite result code. */
int fault_install(void);

/* trace: print the stack of the first fault, where the sanitizers can. */
void fault_arm(FaultKind kind, int n, int trace);

/* Sets a progress handler, the calls of which FAULT_STOP and FAULT_INTERRUPT count. */
void fault_watch(sqlite3 *db);

/* Ends the faults. Returns how many there were. */
int fault_disarm(void);

/* What failed first, such as "xWrite", "allocation of 80 bytes". Valid until the next arm. */
const char *fault_what(void);

/* "memory", "memory-gone", "io", "io-gone", "full", "stop", "interrupt". */
const char *fault_kind_name(FaultKind kind);

#endif
