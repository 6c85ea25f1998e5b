/*
** Files that look like secrets: see secrets.h.
**
** Names are compared without regard to case. Tokens are known by how they begin and how many
** characters of their alphabet follow: a prefix alone is in every program that speaks of them.
*/
#include "secrets.h"

#include <fnmatch.h>
#include <string.h>

static const char *const NAMES[] = {
    ".env",          ".env.*",           "*.env",        "*.pem",         "*.key",
    "*.p12",         "*.pfx",            "*.jks",        "*.keystore",    "*.kdbx",
    "*.ppk",         "*.asc",            "*.gpg",        "id_rsa*",       "id_dsa*",
    "id_ecdsa*",     "id_ed25519*",      ".netrc",       "_netrc",        ".pgpass",
    ".npmrc",        ".pypirc",          ".htpasswd",    ".git-credentials",
    "credentials",   "credentials.json", "secrets.*",    "secret.*",      "*.tfstate",
    "*.tfvars",      "service-account*.json", ".dockercfg", ".boto",      "wallet.dat",
};

/* Examples that people are meant to copy. */
static const char *const HARMLESS[] = {"*.example", "*.sample", "*.template", "*.dist", "*.pub"};

static const struct Token {
    const char *begin;
    size_t n_more;
    const char *what;
} TOKENS[] = {
    {"AKIA", 16, "an AWS access key"},
    {"ASIA", 16, "an AWS access key"},
    {"ghp_", 36, "a GitHub token"},
    {"gho_", 36, "a GitHub token"},
    {"ghs_", 36, "a GitHub token"},
    {"github_pat_", 40, "a GitHub token"},
    {"glpat-", 20, "a GitLab token"},
    {"sk-", 40, "an API key"},
    {"sk_live_", 20, "a Stripe key"},
    {"xoxb-", 20, "a Slack token"},
    {"xoxp-", 20, "a Slack token"},
    {"AIza", 35, "a Google API key"},
    {"npm_", 36, "an npm token"},
};

static int matches_one(const char *name, const char *const *patterns, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (fnmatch(patterns[i], name, FNM_CASEFOLD) == 0) return 1;
    }
    return 0;
}

const char *ck_secret_path(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (matches_one(name, HARMLESS, sizeof HARMLESS / sizeof *HARMLESS)) return NULL;
    return matches_one(name, NAMES, sizeof NAMES / sizeof *NAMES) ? "its name" : NULL;
}

static int is_token_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
}

static const char *private_key(const char *text, size_t n) {
    static const char BEGIN[] = "-----BEGIN ", END[] = "PRIVATE KEY";
    const char *at = text;
    while ((at = memmem(at, n - (size_t)(at - text), BEGIN, sizeof BEGIN - 1)) != NULL) {
        at += sizeof BEGIN - 1;
        size_t left = n - (size_t)(at - text), line = left < 40 ? left : 40;
        if (memmem(at, line, END, sizeof END - 1)) return "a private key";
    }
    return NULL;
}

static int has_token(const char *text, size_t n, const struct Token *token) {
    size_t n_begin = strlen(token->begin);
    const char *at = text;
    while ((at = memmem(at, n - (size_t)(at - text), token->begin, n_begin)) != NULL) {
        size_t more = 0, left = n - (size_t)(at + n_begin - text);
        int is_inside = at > text && is_token_byte(at[-1]);
        at += n_begin;
        while (more < left && more < token->n_more && is_token_byte(at[more])) more++;
        if (!is_inside && more == token->n_more) return 1;
    }
    return 0;
}

const char *ck_secret_content(const char *text, size_t n) {
    const char *what = n > 0 ? private_key(text, n) : NULL;
    for (size_t i = 0; i < sizeof TOKENS / sizeof *TOKENS && !what && n > 0; i++) {
        if (has_token(text, n, &TOKENS[i])) what = TOKENS[i].what;
    }
    return what;
}
