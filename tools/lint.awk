# The rules of tools/lint: awk -f tools/lint.awk FILE…, run in the root of the tree.
#
# Prints FILE:LINE: MESSAGE for every finding and exits 1 when there was one. C is read through a
# small scanner that separates code, comments and string literals, so that a banned name in a
# comment is no finding. A byte is a column, except that UTF-8 continuation bytes do not count
# (run with LC_ALL=C).

BEGIN {
    COLUMNS_MAX = 100
    FUNCTION_LINES_MAX = 70
    FILE_LINES_MAX = 500
    MAKEFILE_LINES_MAX = 150

    # Which folder of ext/ may include which. ck is ext/ck.c; gen is the embedded SQL.
    down["base"] = " base "
    down["vector"] = " base vector "
    down["text"] = " base text "
    down["hnsw"] = " base vector hnsw "
    down["store"] = " base vector text hnsw store gen "
    down["functions"] = " base vector text hnsw store gen functions "
    down["tables"] = " base vector text hnsw store gen tables "
    down["ck"] = " base vector text hnsw store gen functions tables ck "

    n = split("strcpy strcat sprintf vsprintf gets strtok atoi atof alloca system", list, " ")
    for (i = 1; i <= n; i++) banned[list[i]] = "unsafe"
    n = split("malloc calloc realloc free strdup strndup asprintf", list, " ")
    for (i = 1; i <= n; i++) banned[list[i]] = "memory"
    n = split("printf fprintf snprintf vprintf vfprintf vsnprintf puts fputs putchar", list, " ")
    for (i = 1; i <= n; i++) banned[list[i]] = "stdio"

    # SQL that may stand in C: it asks what the connection has and reads no table of a store.
    sql_allowed["SELECT 1"] = 1
    sql_allowed["SELECT ck_version()"] = 1
    sql_allowed["SELECT %s()"] = 1
    sql_allowed["SELECT 1 FROM _ck_anchor"] = 1
    sql_allowed["SELECT * FROM %s WHERE rowid = ?1"] = 1
    # Not about the store: does a function exist, connect the anchor, names that cannot be bound.
    sql_allowed["SELECT %s()"] = 1
    sql_allowed["SELECT 1 FROM _ck_anchor"] = 1
    sql_allowed["SELECT * FROM %s WHERE rowid = ?1"] = 1
    sql_allowed["CREATE VIRTUAL TABLE IF NOT EXISTS temp.\\\"%w_%s\\\" USING ck_%s(\\\"%w\\\")"] = 1
}

function finding(line, message) {
    print path ":" line ": " message
    failed = 1
}

function columns(line) {
    gsub(/[\200-\277]/, "", line)
    return length(line)
}

# Splits one line of C into `code` (without comments, literals emptied) and the array `literal` of
# the string literals that begin in it. `in_comment` lasts from line to line.
function scan(line,    i, c, two, end) {
    code = ""
    n_literals = 0
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        two = substr(line, i, 2)
        if (in_comment) {
            if (two == "*/") { in_comment = 0; i++ }
        } else if (two == "/*") {
            in_comment = 1
            i++
        } else if (two == "//") {
            return
        } else if (c == "\"" || c == "'") {
            for (end = i + 1; end <= length(line) && substr(line, end, 1) != c; end++) {
                if (substr(line, end, 1) == "\\") end++
            }
            if (c == "\"") literal[++n_literals] = substr(line, i + 1, end - i - 1)
            code = code c c
            i = end
        } else {
            code = code c
        }
    }
}

function check_include(line,    name, layer, target) {
    name = line
    if (!sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)) return
    n_includes++
    if (name ~ /^</) {
        if (name ~ /^<sqlite3(ext)?\.h>/ && in_ext && path != "ext/base/sqlite.h" &&
            path != "ext/ck.h") finding(FNR, "include base/sqlite.h instead of " name)
        if (n_includes == 1) check_own_header("")
        return
    }
    if (!sub(/^"/, "", name)) return # computed by a macro
    sub(/".*/, "", name)
    if (n_includes == 1) check_own_header(name)
    if (!in_ext) return
    layer = layer_of(path)
    target = layer_of("ext/" name)
    if (target == "ck" && name ~ /^ck_/) target = "gen"
    if (index(down[layer], " " target " ") == 0) {
        finding(FNR, "layer " layer " must not include " name)
    }
}

function layer_of(file) {
    sub(/^ext\//, "", file)
    return file ~ /\// ? substr(file, 1, index(file, "/") - 1) : "ck"
}

function check_own_header(first,    own, line) {
    if (!(in_ext || in_tool) || path !~ /\.c$/) return
    own = path
    sub(/\.c$/, ".h", own)
    if ((getline line < own) < 0) return
    close(own)
    sub(/^(ext|tools\/ck)\//, "", own)
    if (first != own) finding(FNR, "the first include must be its own header, " own)
}

function check_calls(    rest, at, name, before) {
    rest = code
    before = ""
    while (match(rest, /[A-Za-z_][A-Za-z0-9_]*/)) {
        at = RSTART
        name = substr(rest, at, RLENGTH)
        if (at > 1) before = substr(rest, at - 1, 1)
        rest = substr(rest, at + RLENGTH)
        if (name in banned && rest ~ /^[ ]*\(/ && before !~ /[.>0-9]/) {
            if (banned[name] == "unsafe") finding(FNR, "banned call: " name)
            if (banned[name] == "memory" && !in_tests) {
                finding(FNR, "banned call: " name " (use sqlite3_malloc64 and its kin)")
            }
            if (banned[name] == "stdio" && in_ext) finding(FNR, "banned call: " name)
        }
        before = substr(name, length(name))
    }
}

# sqlite3_mprintf() and all that is built on it: %z is a string that it frees.
function check_formats(    i) {
    for (i = 1; i <= n_literals; i++) {
        if (literal[i] ~ /%[-0-9.*]*[ztj][udxi]/) {
            finding(FNR, "SQLite's printf does not know the lengths z, t and j: \"" literal[i] "\"")
        }
    }
}

function check_sql(    i, text) {
    if (!in_ext && !in_tool) return
    for (i = 1; i <= n_literals; i++) {
        text = literal[i]
        sub(/^([ ]|\\n)+/, "", text)
        if (text ~ /^SELECT (\* FROM )?ck_/) continue # advice to the user
        if (text in sql_allowed || text ~ /^CREATE TABLE x\(/ ||
            text ~ /^CREATE VIRTUAL TABLE IF NOT EXISTS temp\./) continue
        if (text ~ /^(SELECT |WITH [a-z_]+( AS|\()|INSERT (OR|INTO) |UPDATE [^ ]+ SET |DELETE FROM )/ ||
            text ~ /^(CREATE|DROP|ALTER) (TEMP |UNIQUE |VIRTUAL )?(TABLE|INDEX|VIEW|TRIGGER) /) {
            finding(FNR, "SQL belongs into sql/: \"" text "\"")
        }
    }
}

# A function begins with the first line of a declaration at column 1 whose text up to the opening
# brace has parentheses and no '=', and ends with the next line that begins with '}'.
function check_function(    name) {
    if (function_begin) {
        if (code !~ /^}/) return
        if (FNR - function_begin + 1 > FUNCTION_LINES_MAX) {
            finding(function_begin, "a function of " FNR - function_begin + 1 " lines, at most " \
                FUNCTION_LINES_MAX)
        }
        function_begin = 0
        declaration = ""
        return
    }
    if (code ~ /^[ \t]*$/ || code ~ /^[ \t]*#/) return
    if (declaration == "") declaration_begin = FNR
    declaration = declaration code
    if (code ~ /\{[ ]*$/ && declaration ~ /\(/ && declaration !~ /=/ &&
        declaration !~ /^(typedef|struct|union|enum|extern "")/) {
        function_begin = declaration_begin
    } else if (code ~ /[;}][ ]*$/) {
        declaration = ""
    }
}

function begin_file() {
    if (path != "") end_file()
    path = FILENAME
    sub(/^\.\//, "", path)
    is_c = path ~ /\.[ch]$/
    in_ext = path ~ /^ext\//
    in_tool = path ~ /^tools\/ck\//
    in_tests = path ~ /^tests\// || path ~ /^bench\//
    in_comment = n_includes = function_begin = 0
    declaration = ""
    began = 0
}

function end_file() {
    if (is_c && n_lines > FILE_LINES_MAX) {
        finding(n_lines, "a file of " n_lines " lines, at most " FILE_LINES_MAX)
    }
    if (path == "Makefile" && n_lines > MAKEFILE_LINES_MAX) {
        finding(n_lines, "a Makefile of " n_lines " lines, at most " MAKEFILE_LINES_MAX)
    }
}

# The first line, or the one after "#!", is a comment or a docstring.
function check_first_comment(    good) {
    if (began || $0 ~ /^#!/) return
    began = 1
    if (path ~ /\.([ch]|js|mjs|ts)$/) good = $0 ~ /^\/[*\/]/
    else if (path ~ /\.sql$/) good = $0 ~ /^--/
    else good = $0 ~ /^(#|""")/
    if (!good) finding(FNR, "a file begins with a comment that says what it does")
}

FNR == 1 { begin_file() }

{
    n_lines = FNR
    check_first_comment()
    if ($0 ~ /(^|[^A-Za-z0-9_])(TODO|FIXME|XXX)($|[^A-Za-z0-9_])/ && path !~ /^tools\/lint/) {
        finding(FNR, "unfinished work is an issue, not a comment")
    }
}

is_c {
    if (index($0, "\t")) finding(FNR, "a tab")
    if ($0 ~ /[ \t]$/) finding(FNR, "a blank at the end of the line")
    if (columns($0) > COLUMNS_MAX) {
        finding(FNR, "a line of " columns($0) " columns, at most " COLUMNS_MAX)
    }
    was_comment = in_comment
    scan($0)
    if (!was_comment) check_include($0)
    check_calls()
    check_sql()
    if (in_ext || in_tool) check_formats()
    check_function()
}

END {
    if (path != "") end_file()
    exit failed
}
