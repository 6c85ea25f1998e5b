/* What kind of place a file is in: see fs.h. */
#include "base/fs.h"

#include <dirent.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/sqlite.h"

#if CK_HAS_STATFS
#include <sys/vfs.h>

const char *ck_fs_network_of_type(uint32_t type) {
    /* f_type as statfs(2) and linux/magic.h list them. */
    static const struct {
        uint32_t type;
        const char *name;
    } kinds[] = {
        {0x6969, "NFS"},     {0x517b, "SMB"},       {0xff534d42, "CIFS"}, {0xfe534d42, "SMB2"},
        {0x01021997, "9P"},  {0x5346414f, "AFS"},   {0x00c36400, "Ceph"}, {0x0bd00bd0, "Lustre"},
        {0x47504653, "GPFS"}, {0x013111a8, "IBRIX"},  {0x6b414653, "kAFS"}, {0x73757245, "Coda"},
        {0x19830326, "BeeGFS"}, {0x786f4256, "VirtualBox"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (type == kinds[i].type) return kinds[i].name;
    }
    return NULL;
}

const char *ck_fs_network(const char *path) {
    struct statfs info;
    return statfs(path, &info) == 0 ? ck_fs_network_of_type((uint32_t)info.f_type) : NULL;
}
#else
const char *ck_fs_network_of_type(uint32_t type) {
    (void)type;
    return NULL;
}

const char *ck_fs_network(const char *path) {
    (void)path;
    return NULL;
}
#endif

int ck_fs_has_entries(const char *path) {
    DIR *folder = opendir(path);
    struct dirent *entry = NULL;
    if (!folder) return 0;
    do {
        entry = readdir(folder);
    } while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    closedir(folder);
    return entry != NULL;
}

const char *ck_fs_unsafe_folder(const char *path, int *synced) {
    static const char *const folders[] = {
        "/tmp/", "/dev/shm/", "/run/", "/node_modules/", "/target/", "/build/", "/dist/", "/.git/",
        "/__pycache__/", "/.cache/", "/.venv/", "/.tox/", "/.gradle/", "/.next/",
        /* from here on synced */
        "/Dropbox/", "/OneDrive/", "/Google Drive/", "/GoogleDrive/", "/Nextcloud/", "/ownCloud/",
        "/Mobile Documents/", "/Syncthing/"};
    const size_t n_swept = 14;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        *synced = i >= n_swept;
        if (strstr(path, folders[i])) return folders[i];
    }
    return NULL;
}

int ck_fs_mode(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (int)(info.st_mode & 07777) : -1;
}

int64_t ck_fs_inode(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_ino : 0;
}

void ck_fs_state(const char *path, CkFileState *state) {
    struct stat info;
    *state = (CkFileState){0, 0, 0};
    if (stat(path, &info) != 0) return;
    state->inode = (int64_t)info.st_ino;
    state->n_bytes = (int64_t)info.st_size;
    state->changed_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
}

int ck_fs_is_sealed(const char *path) {
    struct statvfs system;
    const char *name = strrchr(path, '/');
    if (statvfs(path, &system) == 0 && (system.f_flag & ST_RDONLY)) return 1;
    char *folder = name ? sqlite3_mprintf("%.*s", (int)(name - path) + 1, path) : NULL;
    int sealed = folder && access(folder, W_OK) != 0;
    sqlite3_free(folder);
    return sealed;
}
