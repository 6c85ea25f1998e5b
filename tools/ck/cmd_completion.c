/*
** ck completion: scripts that complete the command line, from the command table.
**
** Each script collects the words typed so far that are no options ("cache remote"), and by them
** offers the next word of a command, or the options of the command; behind help the same words.
** Names of files are left to the shell, and are offered only where a command takes some.
*/
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

/*
** Calls back for each word that may follow the first n_words words of some commands: "cache" once
** for all that begin with it, with the summary of the command if it is the last word of one.
*/
static void each_word(CkApp *app, const char *group,
                      void (*call)(CkApp *app, const char *group, const char *word,
                                   const char *summary)) {
    size_t n = strlen(group);
    const char *last = "";
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        const char *name = (*command)->name;
        if (strncmp(name, group, n) != 0 || (n > 0 && name[n] != ' ')) continue;
        const char *rest = name + n + (n > 0);
        size_t length = strcspn(rest, " ");
        const char *word = ck_text(app, "%.*s", (int)length, rest);
        if (strcmp(word, last) == 0) continue;
        last = word;
        call(app, group, word, rest[length] ? "several commands" : (*command)->summary);
    }
}

/* Calls back for "" and for each group: "cache", "cache remote". */
static void each_group(CkApp *app, void (*call)(CkApp *app, const char *group)) {
    const char *seen = "|";
    call(app, "");
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        const char *name = (*command)->name;
        for (const char *at = strchr(name, ' '); at; at = strchr(at + 1, ' ')) {
            const char *group = ck_text(app, "%.*s", (int)(at - name), name);
            if (strstr(seen, ck_text(app, "|%s|", group))) continue;
            seen = ck_text(app, "%s%s|", seen, group);
            call(app, group);
        }
    }
}

static void add_valued(CkApp *app, const CkOption *options, const char *between, char **list) {
    for (const CkOption *option = options; option && option->name; option++) {
        if (option->kind == CK_OPTION_FLAG || option->implied) continue;
        char *name = ck_text(app, "--%s", option->name);
        if (option->letter) name = ck_text(app, "%s%s-%c", name, between, option->letter);
        /* Model options are those of several commands. */
        if (strstr(ck_text(app, "%s%s", *list, between), ck_text(app, "%s%s", name, between))) {
            continue;
        }
        *list = (*list)[0] ? ck_text(app, "%s%s%s", *list, between, name) : name;
    }
}

/* All options behind which a word is their value, as a pattern: that word is none of a command. */
static char *valued_options(CkApp *app, const char *between) {
    char *list = ck_text(app, "");
    add_valued(app, ck_common_options, between, &list);
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        add_valued(app, (*command)->options, between, &list);
    }
    return list;
}

/* As a word in single quotes of a shell; fish has no other escapes either. */
static char *quoted(CkApp *app, const char *text) {
    char *out = ck_text(app, "");
    for (const char *at = text; *at; at++) {
        out = *at == '\'' ? ck_text(app, "%s'\\''", out) : ck_text(app, "%s%c", out, *at);
    }
    return out;
}

/* May an argument of the command be a file? */
static int takes_files(const CkCommand *command) {
    static const char *const words[] = {"FILE", "PATH"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(command->arguments, words[i])) return 1;
    }
    return 0;
}

static void print_word(CkApp *app, const char *group, const char *word, const char *summary) {
    (void)app;
    (void)group;
    (void)summary;
    printf("%s ", word);
}

static void bash_group(CkApp *app, const char *group) {
    printf("    \"%s\") words=\"", group);
    each_word(app, group, print_word);
    printf("\" ;;\n");
}

static void print_long_options(const CkOption *options) {
    for (const CkOption *option = options; option && option->name; option++) {
        printf("--%s ", option->name);
    }
}

/* What the word behind an option can be: for the options that say. */
static void bash_values(const CkOption *options) {
    for (const CkOption *option = options; option && option->name; option++) {
        const char *letter = "";
        char with_letter[8];
        if (option->letter) {
            sqlite3_snprintf(sizeof with_letter, with_letter, "|-%c", option->letter);
            letter = with_letter;
        }
        if (option->kind == CK_OPTION_CHOICE && !option->implied) {
            printf("    --%s%s) IFS='|' read -ra list <<<'%s'\n"
                   "        COMPREPLY=($(compgen -W \"${list[*]}\" -- \"$cur\")); return ;;\n",
                   option->name, letter, option->argument);
        } else if (option->argument && strcmp(option->argument, "DIR") == 0) {
            printf("    --%s%s) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n", option->name,
                   letter);
        } else if (option->argument && strcmp(option->argument, "FILE") == 0) {
            printf("    --%s%s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", option->name,
                   letter);
        }
    }
}

/* The name of a shell function: what is no letter becomes '_'. */
static char *function_name(CkApp *app) {
    char *name = ck_text(app, "_%s", app->program);
    for (char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at)) *at = '_';
    }
    return name;
}

static void bash(CkApp *app) {
    const char *function = function_name(app);
    printf("# Completion of %s for bash. Made by: %s completion bash\n", app->program,
           app->program);
    printf("%s() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local path= group words= files=yes list i word\n"
           "    local options=\"",
           function);
    print_long_options(ck_common_options);
    printf("\"\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        word=${COMP_WORDS[i]}\n"
           "        case $word in\n"
           "        %s)\n"
           "            [ \"${COMP_WORDS[i+1]}\" = = ] && i=$((i + 1)); i=$((i + 1)) ;;\n"
           "        =) i=$((i + 1)) ;;\n"
           "        -*) ;;\n"
           "        *) path=${path:+$path }$word ;;\n"
           "        esac\n"
           "    done\n"
           "    case $prev in\n",
           valued_options(app, "|"));
    bash_values(ck_common_options);
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        bash_values((*command)->options);
    }
    printf("    esac\n"
           "    group=$path\n"
           "    case $path in help|\"help \"*) group=${path#help} group=${group# } ;; esac\n"
           "    case $group in\n");
    each_group(app, bash_group);
    printf("    esac\n    case $path in\n");
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        printf("    \"%s\"*) options+=\"", (*command)->name);
        if ((*command)->options) print_long_options((*command)->options);
        printf("\"%s ;;\n", takes_files(*command) ? "" : " files=");
    }
    printf("    esac\n"
           "    case $cur in -*) words=$options ;; esac\n"
           "    if [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "    elif [ -n \"$files\" ]; then COMPREPLY=($(compgen -f -- \"$cur\")); fi\n"
           "}\n"
           "complete -o filenames -F %s %s\n",
           function, app->program);
}

static void zsh_word(CkApp *app, const char *group, const char *word, const char *summary) {
    (void)group;
    printf(" '%s:%s'", word, quoted(app, summary));
}

static void zsh_group(CkApp *app, const char *group) {
    printf("    '%s') commands=(", group);
    each_word(app, group, zsh_word);
    printf(" ) ;;\n");
}

static void zsh_options(CkApp *app, const CkOption *options) {
    for (const CkOption *option = options; option && option->name; option++) {
        printf(" '--%s:%s'", option->name, quoted(app, option->help));
    }
}

static void zsh(CkApp *app) {
    const char *function = function_name(app);
    printf("#compdef %s\n# Made by: %s completion zsh\n", app->program, app->program);
    printf("%s() {\n"
           "    local line= group= files=yes i\n"
           "    local -a commands options\n"
           "    for ((i = 2; i < CURRENT; i++)); do\n"
           "        case ${words[i]} in\n"
           "        (%s) ((i += 1)) ;;\n"
           "        (-*) ;;\n"
           "        (*) line=${line:+$line }${words[i]} ;;\n"
           "        esac\n"
           "    done\n"
           "    options=(",
           function, valued_options(app, "|"));
    zsh_options(app, ck_common_options);
    printf(" )\n"
           "    group=$line\n"
           "    case $line in (help|'help '*) group=${${line#help}# } ;; esac\n"
           "    case $group in\n");
    each_group(app, zsh_group);
    printf("    esac\n    case $line in\n");
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        printf("    '%s'*) options+=(", (*command)->name);
        if ((*command)->options) zsh_options(app, (*command)->options);
        printf(" )%s ;;\n", takes_files(*command) ? "" : " files=");
    }
    printf("    esac\n"
           "    if [[ $PREFIX == -* ]]; then _describe option options\n"
           "    elif (( $#commands )); then _describe command commands\n"
           "    elif [[ -n $files ]]; then _files; fi\n"
           "}\n"
           "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then %s \"$@\"\n"
           "else compdef %s %s; fi\n",
           function, function, app->program);
}

static void fish_word(CkApp *app, const char *group, const char *word, const char *summary) {
    const char *line = function_name(app), *help = group[0] ? "help " : "help";
    printf("complete -c %s -f -n 'contains -- \"$(_%s)\" \"%s\" \"%s%s\"' -a %s -d '%s'\n",
           app->program, line, group, help, group, word, quoted(app, summary));
}

static void fish_group(CkApp *app, const char *group) {
    each_word(app, group, fish_word);
}

static void fish_options(CkApp *app, const char *command, const CkOption *options) {
    for (const CkOption *option = options; option && option->name; option++) {
        printf("complete -c %s", app->program);
        if (command) {
            printf(" -n 'string match -q -- \"%s*\" \"$(_%s)\"'", command, function_name(app));
        }
        if (option->letter) printf(" -s %c", option->letter);
        printf(" -l %s%s", option->name,
               option->kind == CK_OPTION_FLAG || option->implied ? "" : " -r");
        if (option->kind == CK_OPTION_CHOICE) {
            printf(" -a '");
            for (const char *at = option->argument; *at; at++) putchar(*at == '|' ? ' ' : *at);
            printf("'");
        }
        printf(" -d '%s'\n", quoted(app, option->help));
    }
}

static void fish(CkApp *app) {
    printf("# Completion of %s for fish. Made by: %s completion fish\n", app->program,
           app->program);
    printf("function _%s\n"
           "    set -l words (commandline -opc)\n"
           "    set -l line\n"
           "    set -l skips 0\n"
           "    for word in $words[2..-1]\n"
           "        if test $skips = 1\n"
           "            set skips 0\n"
           "        else if contains -- $word %s\n"
           "            set skips 1\n"
           "        else if not string match -q -- '-*' $word\n"
           "            set -a line $word\n"
           "        end\n"
           "    end\n"
           "    string join ' ' -- $line\n"
           "end\n",
           function_name(app), valued_options(app, " "));
    each_group(app, fish_group);
    fish_options(app, NULL, ck_common_options);
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        const char *name = (*command)->name;
        if (!takes_files(*command)) {
            printf("complete -c %s -f -n 'string match -q -- \"%s*\" \"$(_%s)\"'\n",
                   app->program, name, function_name(app));
        }
        fish_options(app, name, (*command)->options);
    }
}

static int completion_run(CkApp *app) {
    static const struct {
        const char *name;
        void (*print)(CkApp *app);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(app->args[0], shells[i].name) != 0) continue;
        shells[i].print(app);
        return CK_EXIT_OK;
    }
    return ck_fail(app, CK_EXIT_USAGE, NULL, "the shell must be bash, zsh or fish, got '%s'",
                   app->args[0]);
}

const CkCommand ck_command_completion = {
    .name = "completion",
    .summary = "Print the completion script for a shell",
    .arguments = "bash|zsh|fish",
    .min_args = 1,
    .max_args = 1,
    .description = "make install puts them where the shells look. By hand, in ~/.bashrc:\n"
                   "\n"
                   "  source <(ck completion bash)",
    .run = completion_run,
};
