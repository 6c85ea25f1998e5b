"""ck search: queries, --path, links; ck index: paths that are not there, what is left out."""
import json
import os
import re


def indexed(box, files):
    tree = box.workspace()
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    box.ck("index", cwd=tree)
    return tree


def test_search_path(box):
    names = ("app/[id]/page.tsx", "app/i/page.tsx", "app/a*b.ts", "app/axb.ts", "lib/x.ts",
             "app/lib/y.ts", "odd/ü?.ts", "odd/üx.ts")
    tree = indexed(box, {name: f"retry {i}\n" for i, name in enumerate(names)})

    def paths(given, cwd=tree, exit=0):
        found = box.json("search", "retry", "--path", given, cwd=cwd, exit=exit)
        return sorted(hit["path"] for hit in found)

    app, page = sorted(n for n in names if n.startswith("app/")), "app/[id]/page.tsx"
    for given in (page, "./" + page, tree / page, "app/[id]", "app/[id]/", "app/../" + page):
        assert paths(given) == [page], given
    assert paths("app/a*b.ts") == ["app/a*b.ts"]
    assert paths("odd/ü?.ts") == ["odd/ü?.ts"]
    assert paths("app/*.ts") == ["app/a*b.ts", "app/axb.ts", "app/lib/y.ts"]
    for given in ("app", "app/", "./app", tree / "app", "app/*"):
        assert paths(given) == app, given
    for given in (".", tree, "*"):
        assert paths(given) == sorted(names), given
    # In a folder inside: what is there, else what the workspace has.
    inside = tree / "app"
    assert paths("lib", inside) == ["app/lib/y.ts"]
    assert paths("[id]/page.tsx", inside) == [page] == paths("[id]", inside)
    assert paths("../lib", inside) == ["lib/x.ts"] == paths("lib/x.ts", inside)
    assert paths(".", inside) == app == paths("app", inside)
    assert paths("./*.tsx", inside) == ["app/[id]/page.tsx", "app/i/page.tsx"]
    assert paths("nothing", inside, exit=1) == []
    os.remove(tree / "app/[id]/page.tsx")  # as it was indexed, whether or not it is there
    assert page in paths(page)
    found = box.json("search", "retry", "-a", "--path", "./app/lib", cwd=tree)
    assert [hit["path"] for hit in found] == ["app/lib/y.ts"]


def test_search_queries(box):
    tree = indexed(box, {"a.c": "int retry_with_backoff(void);\n"})
    for query in (" ", "\t\n"):
        box.fails(2, "the query must have a word", "search", query, cwd=tree)
    box.fails(2, "unexpected argument 'with'", "search", "retry", "with", "backoff", cwd=tree)
    assert "Quote the query: ck search 'retry with backoff'" in box.stderr, box.stderr
    box.ck("search", "retry with backoff", cwd=tree)
    # Nothing in common is no hit. (The embedder hashes, so some words have a little by chance.)
    n_none = 0
    for query in ("zzyzx", "quince", "11", "marmalade", "%%", "ünïcode"):
        done = box.run("search", query, "--json", cwd=tree)
        assert all(hit["similarity"] > 0 for hit in json.loads(done.stdout)), done.stdout
        n_none += done.returncode == 1
    assert n_none > 0


def test_search_links_are_urls(box):
    tree = indexed(box, {"a b%20#ü?.c": "int retry;\n"})
    out = box.ck("search", "retry", "--color", cwd=tree)
    url, = re.findall("\033]8;;file://[^/]*([^\033]+)\033", out)
    assert url == f"{tree}/a%20b%2520%23%C3%BC%3F.c", url
    assert "a b%20#ü?.c" in out


def test_paths_do_not_steer_the_terminal(box):
    bad = "x\033[31m\u202ec.txt"
    tree = indexed(box, {bad: "int retry; // \u202e\n"})
    for words in (("search", "retry", "--color=never"), ("sql", "--csv", "SELECT path FROM refs"),
                  ("sql", "SELECT path FROM refs"), ("search", "retry", "-p", bad, "--explain-sql")):
        shown = box.terminal(*words, cwd=tree)
        assert "\033[31m" not in shown and "\u202e" not in shown, (words, shown)
    # What is not a terminal gets what there is.
    assert bad in box.ck("sql", "--csv", "SELECT path FROM refs", cwd=tree)
    box.ck("search", "retry", "-p", bad, "--explain-sql", cwd=tree)
    assert "GLOB 'x\033[[]31m\u202ec.txt'" in box.stderr


def test_index_of_a_path_that_is_not_there(box):
    tree = indexed(box, {"src/a.c": "int a;\n", "b.c": "int b;\n"})
    box.fails(2, "there is no file 'typo/path'", "index", "typo/path", cwd=tree)
    box.fails(2, "there is no file 'srcs'", "index", "src", "srcs", cwd=tree)
    os.remove(tree / "src/a.c")
    assert box.json("index", "src/a.c", cwd=tree)["gone"] == 1
    box.fails(2, "there is no file 'src/a.c'", "index", "src/a.c", cwd=tree)
    (tree / "b.c").unlink()
    (tree / "b.c0").write_text("int b0;\n")
    box.ck("index", "b.c0", cwd=tree)
    assert box.json("index", "b.c", cwd=tree)["gone"] == 1


def test_index_counts_one(box):
    tree = box.workspace()
    (tree / "a.c").write_text("int a;\n")
    os.symlink("a.c", tree / "link")
    for folder in (tree, box.folder("main/inside")):
        box.git("init", "-q", cwd=folder)
    box.git("commit", "-q", "--allow-empty", "-m", "first", cwd=tree / "inside")
    box.ck("index", cwd=tree)
    assert "left out: 1 symbolic link, 1 repository inside\n" in box.stderr, box.stderr
