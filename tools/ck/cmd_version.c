/* ck version: which ck this is, and what it is made of. */
#include <stdio.h>

#include "ck.h"
#include "commands.h"
#include "json.h"
#include "store.h"

/* Asked of the extension in an empty database in memory, so that no store is needed. */
static int version_run(CkApp *app) {
    app->place.store = ":memory:";
    if (ck_store_open(app, CK_STORE_CREATE) != CK_EXIT_OK) return app->exit_code;
    if (!app->json) {
        printf("ck %s (SQLite %s)\n", CK_VERSION, sqlite3_libversion());
        return app->exit_code;
    }
    CkJson json;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '{');
    ck_json_text(&json, "version", ck_sql_text(app, CK_SQL_VERSION, ""));
    ck_json_raw(&json, "build", ck_sql_text(app, CK_SQL_VERSION_DEBUG, ""));
    ck_json_close(&json, '}');
    ck_json_print(&json);
    return app->exit_code;
}

const CkCommand ck_command_version = {
    .name = "version",
    .summary = "Print the version",
    .arguments = "",
    .description = "With --json also how ck was built and which SIMD kernels are in use, for bug\n"
                   "reports.",
    .run = version_run,
};
