/*
** Files that look like secrets, which are not sent to an endpoint elsewhere.
*/
#ifndef CK_TOOL_SECRETS_H
#define CK_TOOL_SECRETS_H

#include <stddef.h>

/* By its name: ".env", "id_rsa", "server.pem", "credentials.json" … Why, or NULL. */
const char *ck_secret_path(const char *path);

/* By its content: private keys, tokens of known forms, passwords written out. Why, or NULL. */
const char *ck_secret_content(const char *text, size_t n_text);

#endif
