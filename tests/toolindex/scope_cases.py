"""What may be indexed and what is gone: ignore files above and unknown to git, refs that nobody may forget,
folders that cannot be read, links in place of folders."""
import os
import stat

from endpoint_cases import PROGRAM
from server import DIMS, Server
from world import check, check_equal, source, tree, write


def program(world, mode=""):
    """Options for a program that embeds."""
    path = world.path("embed")
    write(world.folder, {"embed": PROGRAM % (os.path.dirname(os.path.abspath(__file__)),
                                             world.path("log"))})
    os.chmod(path, 0o755)
    return ("--model", "m", "--embed-cmd", f"'{path}' {mode}")


def paths(world, where):
    """The paths that have refs."""
    return sorted({row[0] for row in world.refs(where)})


def test_ignore_files_above_a_path(world):
    where = world.repository("main", {".ckignore": "private*\n/sub/deep/x.c\n", "a.c": source("a"),
                                      "sub/private.txt": "p\n", "sub/b.c": source("b"),
                                      "sub/deep/x.c": source("x"), "sub/deep/y.c": source("y")})
    everything = [".ckignore", "a.c", "sub/b.c", "sub/deep/y.c"]
    world.index(where)
    check_equal(paths(world, where), everything, "paths")
    for path in ("sub", "sub/deep", "sub/private.txt"):
        world.index(where, path)
        check_equal(paths(world, where), everything, f"paths after ck index {path}")
    fresh = world.repository("fresh", {".ckignore": "private*\n", "sub/private.txt": "p\n",
                                       "sub/b.c": source("b")})
    world.index(fresh, "sub")
    check_equal(paths(world, fresh), ["sub/b.c"], "paths of a first run below sub")


def test_ignore_files_that_git_does_not_know(world):
    where = world.repository("main", {"a.c": source("a"), "sub/private.txt": "p\n",
                                      "k\u00e4se/c.c": source("c"), "k\u00e4se/private.txt": "q\n"})
    write(where, {".git/info/exclude": ".ckignore\n", "sub/.ckignore": "private*\n",
                  "k\u00e4se/.ckignore": "/private*\n"})
    raw = os.path.join(os.fsencode(where), b"\xff")
    os.mkdir(raw)
    for name, text in ((b".ckignore", b"x\n"), (b"x", b"x\n"), (b"y", b"y\n")):
        with open(os.path.join(raw, name), "wb") as file:
            file.write(text)
    world.index(where)
    check_equal(paths(world, where), ["a.c", "k\u00e4se/c.c", "\uf7ff/y"], "paths")


def test_refs_are_not_forgotten_by_a_run_below_a_path(world):
    files = {"other.txt": source("o"), "sub/a.c": source("a"), "sub/b.c": source("b")}
    where = world.repository("main", files)
    world.index(where)
    embed = program(world)
    world.index(where, "sub", *embed)
    os.remove(os.path.join(where, "other.txt"))
    world.index(where, *embed)
    check_equal(paths(world, where), ["sub/a.c", "sub/b.c"], "paths")
    check_equal(world.value("SELECT count(*) FROM refs JOIN embeddings USING (hash) "
                            "WHERE workspace = 'main' AND model <> 'm'"), 0, "refs of the other model")


def test_refs_are_not_forgotten_by_a_run_that_fails(world):
    files = tree("f", 6)
    where = world.repository("main", files)
    world.index(where)
    for name in ("new.c", "newer.c"):  # the first manifest is of another model, the second is trusted
        gone = sorted(files)[2]
        os.remove(os.path.join(where, gone))
        del files[gone]
        files[name] = source(f"f {name}")
        write(where, {name: files[name]})
        with Server(plan=lambda number, texts: "status:401" if number > 0 else None) as server:
            model = ("--model", "m", "--endpoint", server.url)
            world.ck(where, "index", *model, expect=3)
            server.plan = lambda number, texts: None
            world.index(where, *model)
        world.check_refs(where, files, model="m", version=f"-;{DIMS};-;-;-")


def test_verify_sweeps_what_no_manifest_knows(world):
    files = tree("v", 4)
    where = world.repository("main", files)
    world.index(where)
    db = world.store()
    first, last = sorted(files)[0], sorted(files)[-1]
    db.execute("UPDATE refs SET path = 'not/there.c' WHERE workspace = 'main' AND path = ?", (first,))
    db.close()
    check(last in paths(world, where), "the last one")
    world.index(where, "--verify")
    world.check_refs(where, files)


def test_unreadable_untracked_folders(world):
    if os.geteuid() == 0 and not world.become(65534):
        return "the user nobody cannot run the binary"
    files = {"d/d.c": source("d"), "e'f/\u00e9.c": source("e"), "sub/g/h.c": source("h"), "a.c": source("a")}
    where = world.path("top")
    write(where, files)
    world.git(where, "init", "-q")
    world.git(where, "config", "--global", "--add", "safe.directory", "*")
    world.give(world.folder)
    world.init(where)
    world.index(where)
    world.check_refs(where, files)
    closed = ["d", "e'f", "sub/g"]
    for folder in closed:
        os.chmod(os.path.join(where, folder), 0)
    write(where, {"a.c": b"new\n"})
    result = world.ck(where, "index", expect=5)
    for folder in closed:
        check(f"{folder}: cannot be listed" in result.err, result.err)
    world.check_refs(where, {**files, "a.c": b"new\n"})
    world.ck(where, "index", "d/d.c", expect=5)
    world.ck(where, "index", "a.c")
    world.ck(where, "index", "a.c", "sub", expect=5)
    world.check_refs(where, {**files, "a.c": b"new\n"})
    # Those that are left out are no loss.
    write(where, {".ckignore": "/d/\ne'f\ng\n"})
    world.index(where)
    ignored = {"a.c": b"new\n", ".ckignore": b"/d/\ne'f\ng\n"}
    world.check_refs(where, ignored)
    os.remove(os.path.join(where, ".ckignore"))
    # Of a workspace within the repository git names paths from the top.
    inner = world.path("outer", "sub")
    write(inner, {"g/h.c": source("h")})
    world.give(world.path("outer"))
    world.init(inner)
    world.git(world.path("outer"), "init", "-q")
    world.give(world.path("outer"))
    world.index(inner)
    os.chmod(os.path.join(inner, "g"), 0)
    result = world.ck(inner, "index", expect=5)
    check("warning: g: cannot be listed" in result.err, result.err)
    world.check_refs(inner, {"g/h.c": source("h")})
    for folder in closed:
        os.chmod(os.path.join(where, folder), 0o755)
    os.remove(os.path.join(where, "d/d.c"))
    del files["d/d.c"]
    world.index(where)
    world.check_refs(where, {**files, "a.c": b"new\n"})
    return None


def wrapper(world, script):
    """A PATH on which git is this script; $GIT is the real one."""
    write(world.folder, {"bin/git": f"#!/bin/sh\n{script}\n"})
    os.chmod(world.path("bin/git"), 0o755)
    real = next(os.path.join(folder, "git") for folder in world.env["PATH"].split(":")
                if os.access(os.path.join(folder, "git"), os.X_OK))
    return {"PATH": f"{world.path('bin')}:{world.env['PATH']}", "GIT": real}


def test_what_git_says_that_nobody_understands(world):
    files = tree("n", 3)
    where = world.repository("main", files)
    world.index(where)
    gone = sorted(files)[0]
    os.remove(os.path.join(where, gone))
    before = world.refs(where)
    env = wrapper(world, 'case "$*" in *--others*) echo "warning: the moon is full" >&2;; esac\n'
                         'exec "$GIT" "$@"')
    result = world.ck(where, "index", env=env, expect=5)
    check("git said 'warning: the moon is full'" in result.err, result.err)
    check_equal(world.refs(where), before, "refs")
    env = wrapper(world, 'echo "12:00:00 trace: run_command" >&2\nexec "$GIT" "$@"')
    check_equal(world.index(where, env=env)["gone"], 1, "gone")


def test_a_link_in_place_of_a_tracked_folder(world):
    outside = world.path("outside")
    write(outside, {"b.c": source("secret"), "deep/c.c": source("secret too")})
    files = {"a.c": source("a"), "dir/b.c": source("b"), "dir/deep/c.c": source("c"),
             "dir.c": source("d")}
    where = world.repository("main", files)
    world.index(where)
    os.rename(os.path.join(where, "dir"), world.path("moved"))
    os.symlink(outside, os.path.join(where, "dir"))
    world.index(where)
    world.check_refs(where, {"a.c": files["a.c"], "dir.c": files["dir.c"]})
    # Nor does a search show what is behind it.
    os.remove(os.path.join(where, "dir"))
    os.rename(world.path("moved"), os.path.join(where, "dir"))
    world.index(where)
    os.rename(os.path.join(where, "dir"), world.path("moved"))
    os.symlink(world.path("moved"), os.path.join(where, "dir"))
    found = world.ck(where, "search", "f_c_0", "-k", "1", "--path", "dir/deep", "--json").json[0]
    check_equal((found["path"], found["state"]), ("dir/deep/c.c", "gone"), "found")


def test_skip_worktree(world):
    files = {"a.c": source("a"), "b.c": source("b")}
    where = world.repository("main", files)
    world.git(where, "update-index", "--skip-worktree", "a.c", "b.c")
    os.remove(os.path.join(where, "b.c"))
    world.index(where)
    world.check_refs(where, {"a.c": files["a.c"]})


def test_a_path_that_is_not_there(world):
    where = world.repository("main", {"a.c": source("a"), "d/b.c": source("b")})
    result = world.ck(where, "index", "typo/path", expect=2)
    check("there is no file 'typo/path'" in result.err and "nothing changed" not in result.err, result.err)
    world.index(where, "d")
    os.remove(os.path.join(where, "d/b.c"))
    os.rmdir(os.path.join(where, "d"))
    check_equal(world.index(where, "d")["gone"], 1, "gone")
    world.ck(where, "index", "d", expect=2)
    os.symlink("a.c", os.path.join(where, "link"))
    world.index(where, "link")
    check(stat.S_ISLNK(os.lstat(os.path.join(where, "link")).st_mode), "the link")
