/*
** Makes SQLite's memory and files fail on demand, and interrupts it: see inject.h.
**
** Sync is counted but not carried out: the tests ask what SQLite and ck do with an error, not
** what the disk does, and syncing would make them a hundred times slower. Locks never fail.
*/
#include "inject.h"

#include <stdio.h>
#include <string.h>

extern void __sanitizer_print_stack_trace(void) __attribute__((weak));

static struct {
    int armed;
    FaultKind kind;
    int countdown; /* operations until the fault */
    int n_faults;
    int trace;
    char what[64];
} fault;

void fault_arm(FaultKind kind, int n, int trace) {
    memset(&fault, 0, sizeof fault);
    fault.kind = kind;
    fault.countdown = n;
    fault.trace = trace;
    fault.armed = 1;
}

int fault_disarm(void) {
    fault.armed = 0;
    return fault.n_faults;
}

const char *fault_what(void) {
    return fault.what;
}

const char *fault_kind_name(FaultKind kind) {
    static const char *const names[] = {"memory", "memory-gone", "io",       "io-gone",
                                        "full",   "stop",        "interrupt"};
    return names[kind];
}

/* Counts one operation; 1 when it has to fail. */
static int strike(const char *what, int n_bytes) {
    int lasting = fault.kind == FAULT_MEMORY_GONE || fault.kind == FAULT_IO_GONE ||
                  fault.kind == FAULT_FULL;
    if (fault.countdown > 0) fault.countdown--;
    if (fault.countdown > 0 || (fault.n_faults > 0 && !lasting)) return 0;
    if (fault.n_faults++ == 0) {
        if (n_bytes >= 0) {
            snprintf(fault.what, sizeof fault.what, "%s of %d bytes", what, n_bytes);
        } else {
            snprintf(fault.what, sizeof fault.what, "%s", what);
        }
        if (fault.trace && __sanitizer_print_stack_trace) {
            fault.armed = 0;
            fprintf(stderr, "%s\n", fault.what);
            __sanitizer_print_stack_trace();
            fault.armed = 1;
        }
    }
    return 1;
}

/* ---- Interrupts ---- */

static int progress_strikes(void *db) {
    if (!fault.armed || fault.kind < FAULT_STOP || !strike("progress handler", -1)) return 0;
    if (fault.kind == FAULT_STOP) return 1;
    sqlite3_interrupt(db);
    return 0;
}

void fault_watch(sqlite3 *db) {
    sqlite3_progress_handler(db, 1, progress_strikes, db);
}

/* ---- Memory ---- */

static sqlite3_mem_methods real_mem;

static int memory_strikes(const char *what, int n) {
    if (!fault.armed || fault.kind > FAULT_MEMORY_GONE) return 0;
    return strike(what, n);
}

static void *mem_malloc(int n) {
    return memory_strikes("allocation", n) ? NULL : real_mem.xMalloc(n);
}

static void *mem_realloc(void *old, int n) {
    return memory_strikes("reallocation", n) ? NULL : real_mem.xRealloc(old, n);
}

/* ---- Files ---- */

typedef struct FaultFile {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, in the same allocation */
} FaultFile;

static sqlite3_vfs *real_vfs;

static int io_strikes(const char *what) {
    if (!fault.armed || (fault.kind != FAULT_IO && fault.kind != FAULT_IO_GONE)) return 0;
    return strike(what, -1);
}

static sqlite3_file *real_file(sqlite3_file *file) {
    return ((FaultFile *)file)->real;
}

static int file_close(sqlite3_file *file) {
    return real_file(file)->pMethods->xClose(real_file(file));
}

static int file_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at) {
    if (io_strikes("xRead")) return SQLITE_IOERR_READ;
    return real_file(file)->pMethods->xRead(real_file(file), to, n, at);
}

static int file_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at) {
    if (io_strikes("xWrite")) return SQLITE_IOERR_WRITE;
    if (fault.armed && fault.kind == FAULT_FULL && strike("xWrite", -1)) return SQLITE_FULL;
    return real_file(file)->pMethods->xWrite(real_file(file), from, n, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    if (io_strikes("xTruncate")) return SQLITE_IOERR_TRUNCATE;
    return real_file(file)->pMethods->xTruncate(real_file(file), size);
}

static int file_sync(sqlite3_file *file, int flags) {
    (void)file;
    (void)flags;
    return io_strikes("xSync") ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    if (io_strikes("xFileSize")) return SQLITE_IOERR_FSTAT;
    return real_file(file)->pMethods->xFileSize(real_file(file), size);
}

static int file_lock(sqlite3_file *file, int lock) {
    return real_file(file)->pMethods->xLock(real_file(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock) {
    return real_file(file)->pMethods->xUnlock(real_file(file), lock);
}

static int file_check_lock(sqlite3_file *file, int *out) {
    return real_file(file)->pMethods->xCheckReservedLock(real_file(file), out);
}

static int file_control(sqlite3_file *file, int op, void *arg) {
    return real_file(file)->pMethods->xFileControl(real_file(file), op, arg);
}

static int file_sector_size(sqlite3_file *file) {
    return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int file_characteristics(sqlite3_file *file) {
    return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
    if (io_strikes("xShmMap")) return SQLITE_IOERR_SHMMAP;
    return real_file(file)->pMethods->xShmMap(real_file(file), page, size, extend, out);
}

static int shm_lock(sqlite3_file *file, int offset, int n, int flags) {
    return real_file(file)->pMethods->xShmLock(real_file(file), offset, n, flags);
}

static void shm_barrier(sqlite3_file *file) {
    real_file(file)->pMethods->xShmBarrier(real_file(file));
}

static int shm_unmap(sqlite3_file *file, int remove) {
    return real_file(file)->pMethods->xShmUnmap(real_file(file), remove);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2, /* 3 would bring mmap, whose reads nobody could count */
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    FaultFile *opened = (FaultFile *)file;
    (void)vfs;
    file->pMethods = NULL;
    if (io_strikes("xOpen")) return SQLITE_CANTOPEN;
    opened->real = (sqlite3_file *)(opened + 1);
    int rc = real_vfs->xOpen(real_vfs, name, opened->real, flags, out);
    if (opened->real->pMethods) file->pMethods = &file_methods;
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir) {
    (void)vfs;
    (void)sync_dir;
    if (io_strikes("xDelete")) return SQLITE_IOERR_DELETE;
    return real_vfs->xDelete(real_vfs, name, 0);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)vfs;
    if (io_strikes("xAccess")) return SQLITE_IOERR_ACCESS;
    return real_vfs->xAccess(real_vfs, name, flags, out);
}

int fault_install(void) {
    static sqlite3_vfs vfs; /* registered for the life of the program */
    int rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_mem);
    sqlite3_mem_methods mem = real_mem;
    mem.xMalloc = mem_malloc;
    mem.xRealloc = mem_realloc;
    if (rc == SQLITE_OK) rc = sqlite3_config(SQLITE_CONFIG_MALLOC, &mem);
    if (rc == SQLITE_OK) rc = sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    /* Some builds do not count the memory in use unless asked to. */
    if (rc == SQLITE_OK) rc = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1);
    if (rc == SQLITE_OK) rc = sqlite3_initialize();
    if (rc != SQLITE_OK) return rc;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.szOsFile = (int)sizeof(FaultFile) + real_vfs->szOsFile;
    vfs.pNext = NULL;
    vfs.zName = "fault";
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    return sqlite3_vfs_register(&vfs, 0);
}
