/*
** Makes SQLite's memory and files fail on demand.
**
** Memory: a wrapper around SQLite's allocator (SQLITE_CONFIG_MALLOC). Lookaside is off, so that
** every allocation passes through it. Files: a VFS named "fault" over the default one. Nothing
** fails until fault_arm(); then the N-th operation of the armed kind does.
*/
#ifndef CK_TESTS_FAULT_INJECT_H
#define CK_TESTS_FAULT_INJECT_H

typedef enum FaultKind {
    FAULT_MEMORY,      /* the N-th allocation */
    FAULT_MEMORY_GONE, /* the N-th allocation and all after it */
    FAULT_IO,          /* the N-th file operation: open, read, write, sync, truncate, delete, … */
    FAULT_IO_GONE,     /* the N-th file operation and all after it */
    FAULT_FULL,        /* the N-th write and all after it: the disk is full */
    FAULT_KINDS
} FaultKind;

/* Before the first use of SQLite. Returns a SQLite result code. */
int fault_install(void);

/* trace: print the stack of the first fault, where the sanitizers can. */
void fault_arm(FaultKind kind, int n, int trace);

/* Ends the faults. Returns how many there were. */
int fault_disarm(void);

/* What failed first, such as "xWrite", "allocation of 80 bytes". Valid until the next arm. */
const char *fault_what(void);

/* "memory", "memory-gone", "io", "io-gone", "full". */
const char *fault_kind_name(FaultKind kind);

#endif
