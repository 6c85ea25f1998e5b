/* Settings: see config.h. */
#include "store/config.h"

#include <string.h>

#include "store/value.h"

static const struct {
    const char *name;
    CkRange range;
    int64_t initial;
} settings[CK_SETTINGS] = {
    [CK_SETTING_MAX_BYTES] = {"max_bytes", {0, INT64_MAX}, 0},
    [CK_SETTING_CACHE_BYTES] = {"cache_bytes", {0, INT64_MAX / 2}, 256 * 1024 * 1024},
};

int ck_config_find(sqlite3_value *value, CkSetting *setting, CkError *err) {
    const char *name;
    if (ck_text_from_value(value, "ck_config", "name", CK_NAME_MAX, &name, err) != SQLITE_OK) {
        return err->rc;
    }
    for (int i = 0; i < CK_SETTINGS; i++) {
        if (strcmp(name, settings[i].name) == 0) {
            *setting = (CkSetting)i;
            return SQLITE_OK;
        }
    }
    return ck_error_set(err, SQLITE_ERROR,
                        "ck_config: there is no setting '%s'; there are '%s' and '%s'", name,
                        settings[CK_SETTING_MAX_BYTES].name,
                        settings[CK_SETTING_CACHE_BYTES].name);
}

int ck_config_read(CkStore *store, CkSetting setting, int64_t *value, CkError *err) {
    int found = 0;
    ck_stmt_ints(store, CK_SQL_CONFIG_GET, err, value, 1, &found, "t", settings[setting].name);
    if (!found) *value = settings[setting].initial;
    return err->rc;
}

int ck_config_get(CkStore *store, CkSetting setting, int64_t *value, CkError *err) {
    int exists = 0;
    *value = settings[setting].initial;
    if (ck_store_open_read(store, &exists, err) == SQLITE_OK && exists) {
        ck_config_read(store, setting, value, err);
    }
    return err->rc;
}

int ck_config_set(CkStore *store, CkSetting setting, sqlite3_value *value, CkError *err) {
    const char *name = settings[setting].name;
    int64_t checked = 0;
    int unset = sqlite3_value_type(value) == SQLITE_NULL;
    if (!unset && ck_integer_from_value(value, "ck_config", name, &settings[setting].range,
                                        &checked, err) != SQLITE_OK) {
        return err->rc;
    }
    if (ck_store_open_write(store, err) != SQLITE_OK) return err->rc;
    ck_stmt_run(store, CK_SQL_META_TOUCH, err, ""); /* what a connection remembers of it is old */
    if (unset) return ck_stmt_run(store, CK_SQL_CONFIG_UNSET, err, "t", name);
    return ck_stmt_run(store, CK_SQL_CONFIG_SET, err, "ti", name, checked);
}
