/*
** .ck/config.toml: the settings of a workspace.
**
** A small strict subset of TOML: `key = value` lines, comments, strings in double or single
** quotes, integers, true and false. A key that ck does not know, one given twice, a table or
** anything else is an error that names line and key: ".ck/config.toml:3: unknown key 'modle', did
** you mean 'model'?". The keys are one table in config.c.
*/
#ifndef CK_TOOL_CONFIG_H
#define CK_TOOL_CONFIG_H

#include "app.h"

typedef struct CkConfig CkConfig;

/* Reads a file that exists. NULL after ck_fail(). */
CkConfig *ck_config_read(CkApp *app, const char *path);

/* A value of the workspace's config.toml, or what stands behind when there is none. */
const char *ck_config_text(const CkApp *app, const char *key, const char *otherwise);
int64_t ck_config_number(const CkApp *app, const char *key, int64_t otherwise);

/*
** Sets a text in the file, which may be new; its other lines stay as they are. The file is replaced
** as a whole.
*/
int ck_config_set(CkApp *app, const char *path, const char *key, const char *value);

#endif
