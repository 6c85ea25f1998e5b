/*
** Settings of a store, made with ck_config(name, value) and kept in _ck_config.
**
**   max_bytes   the stored bytes of all embeddings that ck_gc tries to keep below by evicting
**               unreferenced ones, least recently used first; 0 (the default): no limit
**   cache_bytes memory that each connection may use for the search index; 256 MB by default
*/
#ifndef CK_STORE_CONFIG_H
#define CK_STORE_CONFIG_H

#include "store/store.h"

typedef enum CkSetting { CK_SETTING_MAX_BYTES, CK_SETTING_CACHE_BYTES, CK_SETTINGS } CkSetting;

/* The value in force: the stored one, or the default; that, too, when there is no store. */
int ck_config_get(CkStore *store, CkSetting setting, int64_t *value, CkError *err);

/* The same of a store that is known to be there. */
int ck_config_read(CkStore *store, CkSetting setting, int64_t *value, CkError *err);

/* Stores a value, or forgets it (an SQL NULL). Inside a write transaction. */
int ck_config_set(CkStore *store, CkSetting setting, sqlite3_value *value, CkError *err);

/* Finds a setting by name; an unknown name is an error that lists the names. */
int ck_config_find(sqlite3_value *name, CkSetting *setting, CkError *err);

#endif
