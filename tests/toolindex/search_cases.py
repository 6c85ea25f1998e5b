"""ck search: what is found, how it is shown, and what changed since."""
import os
import subprocess

from world import check, check_equal, source, tree, write

FILES = {
    "net/retry.c": b"/* Retries with exponential backoff. */\nint backoff(int attempt) {\n"
                   b"    return base_ms << attempt;\n}\n",
    "net/copy.c": b"/* Retries with exponential backoff. */\nint backoff(int attempt) {\n"
                  b"    return base_ms << attempt;\n}\n",
    "text/words.md": b"# Words\n\nA list of fruit: apples, pears, quinces.\n",
}


def test_search(world):
    where = world.repository("one", FILES)
    result = world.ck(where, "search", "backoff", expect=1)
    check("index" in result.err, result.err)
    world.index(where)
    found = world.ck(where, "search", "exponential backoff of retries", "--json").json
    check_equal((found[0]["path"], found[0]["line"], found[0]["state"], found[0]["also"]),
                ("net/copy.c", 1, "here", ["net/retry.c:1"]), "the first")
    check_equal([hit["path"] for hit in world.ck(where, "search", "quinces", "-k", "1", "--json").json],
                ["text/words.md"], "one")
    for glob, paths in (("net", ["net/copy.c"]), ("net/", ["net/copy.c"]), ("*.md", ["text/words.md"]),
                        ("net/retry.c", ["net/retry.c"]), ("text/*", ["text/words.md"])):
        got = world.ck(where, "search", "backoff", "--path", glob, "--json").json
        check_equal([hit["path"] for hit in got], paths, glob)
    result = world.ck(where, "search", "backoff", "--path", "none/*", "--json", expect=1)
    check_equal(result.json, [], "nothing")
    out = world.ck(where, "search", "base_ms", "-k", "1", "-A", "1", "-B", "1").out.splitlines()
    check_equal(out[1:], ["    2- int backoff(int attempt) {", "    3:     return base_ms << attempt;",
                          "    4- }", "  also net/retry.c:1"], "lines")
    check(out[0].startswith("net/copy.c:3  0."), out[0])
    # From a folder inside, paths are as they can be opened from there.
    out = world.ck(os.path.join(where, "text"), "search", "base_ms", "-k", "1").out
    check(out.startswith("../net/copy.c:3  "), out)


def test_moved_changed_gone(world):
    old, new = source("a", 12), source("new", 9) + source("a", 12)
    where = world.repository("one", {"a.c": old, "b.c": source("b", 3)})
    world.index(where)
    db = world.store()
    chunks = [{text: line for line, text in db.execute(
        "SELECT start_line, content FROM ck_chunks(?, 'a.c')", (content,))} for content in (old, new)]
    db.close()
    query = sorted(chunks[0].keys() & chunks[1].keys())[-1]
    before = world.ck(where, "search", query, "-k", "1", "--json").json[0]
    write(where, {"a.c": new})
    after = world.ck(where, "search", query, "-k", "1", "--json").json[0]
    check_equal((after["state"], after["text"]), ("here", before["text"]), "moved")
    check_equal(after["line"] - before["line"], chunks[1][query] - chunks[0][query], "line")
    write(where, {"a.c": "int other;\n"})
    os.remove(os.path.join(where, "b.c"))
    result = world.ck(where, "search", query, "-k", "1")
    check("changed since it was indexed" in result.out and "1 of 1 results" in result.err, str(result))
    check_equal(world.ck(where, "search", "f_b_1", "-k", "1", "--json").json[0]["state"], "gone", "b")


def test_all_workspaces(world):
    one = world.repository("one", tree("one", 4))
    two = world.repository("two", {**tree("one", 4), "two.c": source("two")})
    world.index(one)
    world.index(two)
    found = world.ck(one, "search", "-a", "f_two_1", "-k", "1", "--json").json[0]
    check_equal((found["workspace"], found["path"]), ("two", "two.c"), "of another workspace")
    found = world.ck(one, "search", "-a", "f_one0_1", "-k", "1", "--json").json[0]
    check_equal((found["workspace"], found["also"][0].split(":")[0]), ("one", "two"), "of both")
    found = world.ck(world.base, "search", "-a", "f_two_1", "-k", "1", "--json").json[0]
    check_equal(found["path"], "two.c", "from the base")


def test_escapes(world):
    where = world.repository("one", {"a.txt": b"title \x1b[31mred\x07 \xc2\x9b \xff needle\n"})
    world.index(where)
    out = world.ck(where, "search", "needle").out
    check("\x1b" not in out and "\x07" not in out and "\x9b" not in out, repr(out))


def terminal(world, where, *arguments):
    """What ck writes to a terminal."""
    from world import CK
    command = " ".join(f"'{a}'" for a in (CK, "-C", where, *arguments))
    env = {name: value for name, value in world.env.items() if name != "NO_COLOR"}
    done = subprocess.run(["script", "-qec", command, "/dev/null"],
                          env={**env, "TERM": "xterm-256color", "COLUMNS": "80"},
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    return done.stdout.decode(errors="replace").replace("\r\n", "\n")


def test_on_a_terminal(world):
    where = world.repository("one", FILES)
    world.index(where)
    out = terminal(world, where, "search", "quinces", "-k", "1", "-A", "0")
    lines = out.splitlines()
    check("\x1b]8;;file://" in lines[0] and "\x1b[35mtext/words.md\x1b[0m:\x1b[32m3\x1b[0m" in lines[0],
          repr(lines))
    check_equal(lines[1], "\x1b[2m    3:\x1b[0m A list of fruit: apples, pears, quinces.", "line")


def test_progress_on_a_terminal(world):
    from server import Server
    where = world.repository("one", tree("g", 300))
    with Server(delay=0.15) as server:
        out = terminal(world, where, "index", "--endpoint", server.url, "--model", "m")
    check("\r\x1b[Kindexing [" in out and "hits," in out and "left" in out, repr(out[:400]))
    last = out.replace("\r\x1b[K", "\n").strip().splitlines()
    check(last[-1].startswith("300 files: 300 indexed"), repr(last))


def test_dims_of_the_built_in_model(world):
    where = world.repository("one", FILES)
    result = world.ck(where, "index", "--dims", "12", expect=2)
    check("384 dims, got 12" in result.err and "--model" in result.err, result.err)
    world.index(where, "--dims", "384")
    with open(os.path.join(where, ".ck", "config.toml"), "a", encoding="utf-8") as config:
        config.write("dims = 12\n")
    check("384 dims, got 12" in world.ck(where, "search", "x", expect=2).err, "in config.toml")
    # Those are the other model's.
    with open(os.path.join(where, ".ck", "config.toml"), "a", encoding="utf-8") as config:
        config.write('model = "other"\n')
    world.index(where, "--model", "lexical")
