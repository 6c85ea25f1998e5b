/*
** Files that look like secrets: see secrets.h.
**
** Names are compared without regard to case. Tokens are known by how they begin and how many
** characters of their alphabet follow: a prefix alone is in every program that speaks of them. So
** is the word "password": what is assigned to it counts when it looks like one, letters and digits
** without blanks, written out and not read from somewhere.
*/
#include "secrets.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

static const char *const NAMES[] = {
    ".env",          ".env.*",           "*.env",        "*.pem",         "*.key",
    "*.p12",         "*.pfx",            "*.jks",        "*.keystore",    "*.kdbx",
    "*.ppk",         "*.asc",            "*.gpg",        "id_rsa*",       "id_dsa*",
    "id_ecdsa*",     "id_ed25519*",      ".netrc",       "_netrc",        ".pgpass",
    ".npmrc",        ".pypirc",          ".htpasswd",    ".git-credentials",
    "credentials",   "credentials.json", "secrets.*",    "secret.*",      "*.tfstate",
    "*.tfvars",      "service-account*.json", ".dockercfg", ".boto",      "wallet.dat",
    ".envrc",        "kubeconfig",       "*.kubeconfig", "*.tfstate.backup",
};

/* Names that say something in their folder only. */
static const char *const PLACES[] = {".docker/config.json", ".kube/config"};

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
    {"ghu_", 36, "a GitHub token"},
    {"ghr_", 36, "a GitHub token"},
    {"github_pat_", 40, "a GitHub token"},
    {"glpat-", 20, "a GitLab token"},
    {"sk-", 40, "an API key"},
    {"hf_", 30, "a Hugging Face token"},
    {"sk_live_", 20, "a Stripe key"},
    {"sk_test_", 20, "a Stripe key"},
    {"SG.", 20, "a SendGrid key"},
    {"xoxb-", 20, "a Slack token"},
    {"xoxp-", 20, "a Slack token"},
    {"AIza", 35, "a Google API key"},
    {"npm_", 36, "an npm token"},
};

static const struct Assignment {
    const char *name;
    size_t n_value; /* at least */
    const char *what;
} ASSIGNMENTS[] = {
    {"aws_secret_access_key", 30, "an AWS secret key"},
    {"password", 8, "a password"},
    {"passwd", 8, "a password"},
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
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        size_t n_place = strlen(PLACES[i]);
        if (n < n_place || strcasecmp(path + n - n_place, PLACES[i]) != 0) continue;
        if (n == n_place || path[n - n_place - 1] == '/') return "its name";
    }
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

/* The value that begins at text: what is in quotes, else (`at_once`: no blank stood before it) what
   goes on to the end of the line. Its length, 0: it is rather an expression. */
static size_t value_length(const char *text, size_t n, int at_once) {
    int has_letter = 0, has_digit = 0;
    char quote = n > 0 && (*text == '"' || *text == '\'') ? *text : 0;
    size_t begin = quote != 0, at = begin;
    if (!quote && !at_once) return 0;
    for (; at < n && text[at] != '\n' && text[at] != '\r' && text[at] != quote; at++) {
        char c = text[at];
        if (c <= ' ' || strchr(quote ? "$<{(" : "$<{()[]\"';,?:", c)) return 0;
        has_letter |= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        has_digit |= c >= '0' && c <= '9';
    }
    if (quote && (at == n || text[at] != quote)) return 0;
    return has_letter && has_digit ? at - begin : 0;
}

/* name = "value", name=value, "name": "value", name: "value" */
static int is_assigned(const char *text, size_t n, const struct Assignment *assignment) {
    size_t n_name = strlen(assignment->name);
    for (size_t i = 0; i + n_name < n; i++) {
        size_t at = i + n_name, blanks = 0;
        if (strncasecmp(text + i, assignment->name, n_name) != 0) continue;
        at += text[at] == '"' || text[at] == '\'';
        for (; at < n && (text[at] == ' ' || text[at] == '\t'); at++) blanks++;
        if (at == n || (text[at] != '=' && text[at] != ':')) continue;
        int is_equal = text[at] == '=';
        for (at++; at < n && (text[at] == ' ' || text[at] == '\t'); at++) blanks++;
        int at_once = is_equal && (blanks == 0 || assignment->n_value > 20);
        if (value_length(text + at, n - at, at_once) >= assignment->n_value) return 1;
    }
    return 0;
}

const char *ck_secret_content(const char *text, size_t n) {
    const char *what = n > 0 ? private_key(text, n) : NULL;
    for (size_t i = 0; i < sizeof TOKENS / sizeof *TOKENS && !what && n > 0; i++) {
        if (has_token(text, n, &TOKENS[i])) what = TOKENS[i].what;
    }
    for (size_t i = 0; i < sizeof ASSIGNMENTS / sizeof *ASSIGNMENTS && !what; i++) {
        if (is_assigned(text, n, &ASSIGNMENTS[i])) what = ASSIGNMENTS[i].what;
    }
    return what;
}
