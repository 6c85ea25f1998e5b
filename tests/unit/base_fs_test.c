/* What kind of place a file is in: names of network filesystems, folders, modes. */
#include "base/fs.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static void network_filesystems_have_names(void) {
    CHECK_STR(ck_fs_network_of_type(0x6969), "NFS");
    CHECK_STR(ck_fs_network_of_type(0xff534d42), "CIFS");
    CHECK_STR(ck_fs_network_of_type(0xef53), NULL); /* ext4 */
    CHECK_STR(ck_fs_network("/proc/self/status"), NULL);
    CHECK_STR(ck_fs_network("/absent"), NULL);
}

static void folders_of_other_tools(void) {
    int synced = -1;
    CHECK_STR(ck_fs_unsafe_folder("/src/p/node_modules/x/store.db", &synced), "/node_modules/");
    CHECK_INT(synced, 0);
    CHECK_STR(ck_fs_unsafe_folder("/home/a/.next/store.db", &synced), "/.next/");
    CHECK_INT(synced, 0);
    CHECK_STR(ck_fs_unsafe_folder("/home/a/Dropbox/store.db", &synced), "/Dropbox/");
    CHECK_INT(synced, 1);
    CHECK_STR(ck_fs_unsafe_folder("/home/a/builds/tmp.db", &synced), NULL);
    CHECK_STR(ck_fs_unsafe_folder("", &synced), NULL);
}

static void folders_with_and_without_entries(void) {
    char folder[] = "/tmp/ck-fs-XXXXXX", inner[64];
    CHECK(mkdtemp(folder) != NULL);
    sqlite3_snprintf(sizeof inner, inner, "%s/inner", folder);
    CHECK_INT(ck_fs_has_entries(folder), 0);
    CHECK_INT(mkdir(inner, 0750), 0);
    CHECK_INT(ck_fs_has_entries(folder), 1);
    CHECK_INT(ck_fs_mode(inner) & 07, 0);
    rmdir(inner);
    rmdir(folder);
    CHECK_INT(ck_fs_has_entries(folder), 0);
    CHECK_INT(ck_fs_mode(folder), -1);
}

void ck_test_base_fs(void) {
    network_filesystems_have_names();
    folders_of_other_tools();
    folders_with_and_without_entries();
}
