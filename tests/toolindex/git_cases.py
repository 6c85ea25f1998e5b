"""Worktrees, branches, merges, submodules, sparse checkout: what is shared and what is not."""
import os
import subprocess

from server import DIMS, Server
from world import check, check_equal, source, tree, write

VERSION = f"-;{DIMS};-;-;-"


def endpoint(server):
    """Options for a server."""
    return ("--endpoint", server.url, "--model", "m")


def test_new_worktree_costs_nothing(world):
    files = tree("w", 20)
    with Server() as server:
        main = world.repository("main", files)
        first = world.index(main, *endpoint(server))
        world.check_refs(main, files, model="m", version=VERSION)
        check(all(n == 1 for text, n in server.texts.items()), "a text was embedded twice")
        check_equal(first["embedded"], sum(server.texts.values()) - 1, "embedded, but the probe")
        for name in ("feature", "other"):
            where = world.path(name)
            world.git(main, "worktree", "add", "-q", "-b", name, where)
            world.init(where)
            server.forget()
            run = world.index(where, *endpoint(server))
            check_equal((server.requests, run["embedded"], run["hits"]), (0, 0, run["chunks"]), name)
            world.check_refs(where, files, model="m", version=VERSION)
    stats = world.ck(main, "cache", "stats", "--json").json
    # The probe was a miss, too.
    check_equal((stats["hits"], stats["misses"]), (2 * first["chunks"], first["embedded"] + 1),
                "look-ups in all")


def test_branches_and_merges(world):
    files = tree("m", 12)
    names = sorted(files)
    with Server() as server:
        main = world.repository("main", files)
        world.index(main, *endpoint(server))
        feature = world.path("feature")
        world.git(main, "worktree", "add", "-q", "-b", "feature", feature)
        world.init(feature)
        world.index(feature, *endpoint(server))
        one, two = dict(files), dict(files)
        one["one.c"] = source("one")
        two["two.c"] = source("two")
        two[names[0]] = files[names[0]].replace(b"number 2", b"number two")
        for where, state in ((main, one), (feature, two)):
            write(where, state)
            world.git(where, "add", "-A")
            world.git(where, "commit", "-q", "-m", "more")
            world.index(where, *endpoint(server))
        server.forget()
        world.git(main, "merge", "-q", "-m", "merge", "feature")
        run = world.index(main, *endpoint(server))
        check_equal((server.requests, run["embedded"]), (0, 0), "the merge of known files")
        merged = {**one, **two}
        world.check_refs(main, merged, model="m", version=VERSION)
        # A merge that is a text of its own: both changed one file.
        for where, old, new in ((main, b"number 0", b"NUMBER 0"), (feature, b"number 5", b"NUMBER 5")):
            path = os.path.join(where, names[3])
            with open(path, "rb") as file:
                content = file.read()
            write(where, {names[3]: content.replace(old, new)})
            world.git(where, "commit", "-q", "-a", "-m", "edit")
            world.index(where, *endpoint(server))
        server.forget()
        world.git(main, "merge", "-q", "-m", "merge", "feature")
        world.index(main, *endpoint(server))
        check(sum(server.texts.values()) <= 3, f"{len(server.texts)} texts after a merge")
        world.git(main, "checkout", "-q", "HEAD~2")
        world.git(main, "checkout", "-q", "main")
        server.forget()
        world.index(main, *endpoint(server))
        check_equal(server.requests, 0, "requests after going back and forth")


def test_a_released_worktree_leaves_what_others_use(world):
    files = tree("r", 6)
    main = world.repository("main", files)
    world.index(main)
    other = world.path("other")
    world.git(main, "worktree", "add", "-q", "-b", "other", other)
    write(other, {"only.c": source("only")})
    world.init(other)
    world.index(other)
    name = world.workspace(other)
    world.ck(main, "workspace", "remove", name)
    world.ck(main, "cache", "gc", "--grace", "0")
    world.check_refs(main, files)
    world.index(other)
    world.check_refs(other, {**files, "only.c": source("only")})


def test_worktree_inside(world):
    files = tree("i", 5)
    main = world.repository("main", files)
    inside = os.path.join(main, "worktrees", "feature")
    world.git(main, "worktree", "add", "-q", "-b", "feature", inside)
    run = world.index(main)
    check_equal(run["nested"], 1, "repositories inside")
    world.check_refs(main, files)
    world.init(inside)
    world.index(inside)
    world.check_refs(inside, files)
    world.index(main)
    world.check_refs(main, files)


def test_submodules(world):
    library = world.path("library")
    os.mkdir(library)
    world.git(library, "init", "-q")
    write(library, {"lib.c": source("lib"), "new\nline.c": source("nl")})
    world.git(library, "add", "-A")
    world.git(library, "commit", "-q", "-m", "first")
    files = {"a.c": source("a")}
    main = world.repository("main", files)
    world.git(main, "submodule", "add", "-q", library, "deps/library")
    world.git(main, "commit", "-q", "-m", "submodule")
    with open(os.path.join(main, ".gitmodules"), "rb") as file:
        files[".gitmodules"] = file.read()
    world.index(main)
    inside = {"deps/library/lib.c": source("lib"), "deps/library/new\nline.c": source("nl")}
    world.check_refs(main, {**files, **inside})
    write(main, {"deps/library/untracked.c": source("u")})
    world.index(main)
    world.check_refs(main, {**files, **inside, "deps/library/untracked.c": source("u")})
    world.git(main, "submodule", "deinit", "-q", "-f", "deps/library")
    world.index(main)
    world.check_refs(main, files)


def test_sparse_checkout(world):
    files = {"a/x.c": source("x"), "b/y.c": source("y"), "top.c": source("t")}
    main = world.repository("main", files)
    world.index(main)
    world.git(main, "sparse-checkout", "set", "a")
    run = world.ck(main, "index", "--json")
    check("warning" not in run.err, run.err)
    world.check_refs(main, {path: files[path] for path in ("a/x.c", "top.c")})
    world.git(main, "sparse-checkout", "disable")
    world.index(main)
    world.check_refs(main, files)


def test_conflict(world):
    main = world.repository("main", {"a.c": b"int a;\n"})
    world.git(main, "checkout", "-q", "-b", "x")
    write(main, {"a.c": b"int x;\n"})
    world.git(main, "commit", "-q", "-a", "-m", "x")
    world.git(main, "checkout", "-q", "main")
    write(main, {"a.c": b"int y;\n"})
    world.git(main, "commit", "-q", "-a", "-m", "y")
    subprocess.run(["git", "-C", main, "merge", "-q", "x"], env=world.env, capture_output=True,
                   check=False)
    world.index(main)
    with open(os.path.join(main, "a.c"), "rb") as file:
        content = file.read()
    check(b"<<<<<<<" in content, "no conflict")
    world.check_refs(main, {"a.c": content})


def test_in_a_git_hook(world):
    files = tree("k", 3)
    main = world.repository("main", files)
    world.ck(main, "index", "-q", env={"GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index"})
    world.check_refs(main, files)


def test_broken_repository_is_an_error(world):
    main = world.repository("main", tree("e", 3))
    world.index(main)
    before = world.refs(main)
    os.rename(os.path.join(main, ".git", "HEAD"), os.path.join(main, ".git", "GONE"))
    result = world.ck(main, "index", expect=3)
    check("git" in result.err, result.err)
    check_equal(world.refs(main), before, "refs")


