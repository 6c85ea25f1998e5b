"""ck init: bases, workspaces, where they are found, copies and moves, permissions."""
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import time

import common


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def uuid_of(tree):
    return (tree / ".ck/workspace").read_text().splitlines()[0]


def test_init_files(box):
    tree = box.folder("trees/main")
    box.git("init", "-q", cwd=tree)
    made = box.json("init", "--base", "../../base", cwd=tree)
    store = box.path / "base/.ck/embeddings.db"
    assert made == {"workspace": "main", "uuid": uuid_of(tree), "root": str(tree),
                    "base": str(box.path / "base"), "store": str(store), "new_store": True,
                    "new_workspace": True, "expires_at": None}, made
    assert (tree / ".ck/config.toml").read_text() == 'base = "../../base"\n'
    assert box.git("status", "--porcelain", "-uall", cwd=tree) == ""
    assert mode(store) == 0o600
    pragma = [list(row.values())[0] for name in ("page_size", "auto_vacuum", "journal_mode")
              for row in box.sql(f"PRAGMA {name}", cwd=tree)]
    assert pragma == [8192, 2, "wal"], pragma
    row, = box.json("workspace", "list", cwd=tree)
    assert (row["name"], row["root"], row["uuid"]) == ("main", str(tree), uuid_of(tree))


def test_init_again(box):
    tree = box.workspace()
    (tree / ".ck/config.toml").write_text('# mine\nbase = "../base"\nmodel = "m"\n')
    before = {p.name: p.read_bytes() for p in (tree / ".ck").iterdir()}
    made = box.json("init", cwd=tree)
    assert not made["new_store"] and not made["new_workspace"]
    assert before == {p.name: p.read_bytes() for p in (tree / ".ck").iterdir()}
    assert len(box.json("workspace", "list", cwd=tree)) == 1


def test_init_other_base_keeps_settings(box):
    tree = box.workspace()
    (tree / ".ck/config.toml").write_text('# mine\nbase = "../base"  # old\nmodel = "m"\n')
    box.ck("init", "--base", "../other", cwd=tree)
    assert (tree / ".ck/config.toml").read_text() == '# mine\nbase = "../other"\nmodel = "m"\n'


def test_init_nested_folders(box):
    tree = box.folder("main")
    box.git("init", "-q", cwd=tree)
    deep = box.folder("main/a/b/c")
    assert box.json("init", "--base", "../../../../base", cwd=deep)["root"] == str(tree)
    assert box.json("workspace", "show", cwd=deep)["root"] == str(tree)
    assert box.json("workspace", "show", "-C", deep)["root"] == str(tree)
    assert box.json("cache", "stats", cwd=box.folder("base/x"))["workspaces"] == 1


def test_init_worktree_takes_the_base_of_main(box):
    main = box.folder("main")
    box.git("init", "-q", cwd=main)
    box.git("commit", "-q", "--allow-empty", "-m", "first", cwd=main)
    box.ck("init", "--base", "../base", cwd=main)
    box.git("worktree", "add", "-q", "../trees/feature", cwd=main)
    tree = box.path / "trees/feature"
    box.fails(3, "belongs to no workspace", "workspace", "show", cwd=tree)
    made = box.json("init", cwd=tree)
    assert made["base"] == str(box.path / "base") and made["workspace"] == "feature", made
    # It inherits the base, so its config.toml would hold in any worktree; --base is written down.
    assert (tree / ".ck/config.toml").read_text().startswith("# ")
    box.git("worktree", "add", "-q", "../trees/named", cwd=main)
    box.ck("init", "--base", "../../base", cwd=box.path / "trees/named")
    assert (box.path / "trees/named/.ck/config.toml").read_text() == 'base = "../../base"\n'
    # One inside the main tree is a workspace of its own, not a part of it.
    box.git("worktree", "add", "-q", "inside/hotfix", cwd=main)
    box.fails(3, "belongs to no workspace", "workspace", "show", cwd=main / "inside/hotfix")
    assert box.json("init", cwd=main / "inside/hotfix")["root"] == str(main / "inside/hotfix")
    assert len(box.json("workspace", "list", cwd=main)) == 4


def test_init_committed_config(box):
    """What is committed of .ck holds in worktrees and clones, wherever they are."""
    for base, committed in ((".", "# This tree is a workspace"), ("../base", 'base = "../base"')):
        home = box.folder("case" + str(len(base)))
        main = box.folder(home.name, "main")
        box.git("init", "-q", cwd=main)
        box.ck("init", "--base", base, cwd=main)
        assert (main / ".ck/config.toml").read_text().startswith(committed)
        box.git("add", "-f", ".ck/config.toml", cwd=main)
        box.git("commit", "-q", "-m", "first", cwd=main)
        assert box.git("ls-files", cwd=main) == ".ck/config.toml\n"
        for where in ("../feature", "../a/b/deep"):
            box.git("worktree", "add", "-q", where, cwd=main)
            tree = (main / where).resolve()
            assert box.json("cache", "stats", cwd=tree)["workspaces"] >= 1
            made = box.json("init", cwd=tree)
            assert made["base"] == str((main / base).resolve()) and not made["new_store"], made
            assert box.git("status", "--porcelain", "-uall", cwd=tree) == ""
        assert len(box.json("workspace", "list", cwd=main)) == 3
        # One that is to have a base of its own.
        made = box.json("init", "--base", ".", cwd=tree)
        assert made["base"] == str(tree) and made["new_store"]
        assert (tree / ".ck/config.toml").read_text().endswith('base = "."\n')
        box.git("clone", "-q", main, home / "clone", cwd=home)
        made = box.json("init", cwd=home / "clone")
        assert made["base"] == str((home / "clone" / base).resolve())


def test_init_does_not_stop_git(box):
    """git add ., merges and checkouts in trees that are workspaces; config.toml committed or not."""
    main = box.folder("main")
    box.git("init", "-q", cwd=main)
    box.git("commit", "-q", "--allow-empty", "-m", "first", cwd=main)
    box.ck("init", "--base", "../base", cwd=main)
    box.git("worktree", "add", "-q", "../feature", cwd=main)
    feature = box.path / "feature"
    box.ck("init", cwd=feature)
    (feature / "a.c").write_text("int a;\n")
    box.git("add", "-A", cwd=feature)
    box.git("commit", "-q", "-m", "a", cwd=feature)
    assert box.git("ls-files", cwd=feature) == "a.c\n"
    box.git("merge", "-q", "feature", cwd=main)
    box.git("add", "-f", ".ck/config.toml", cwd=feature)
    box.git("commit", "-q", "-m", "settings", cwd=feature)
    box.git("merge", "-q", "feature", cwd=main)
    for tree in (main, feature):
        assert box.json("workspace", "show", cwd=tree)["uuid"] == uuid_of(tree)
        assert box.json("cache", "stats", cwd=tree)["workspaces"] == 2
    # A branch without the file: git deletes it. The workspace stays what it is.
    box.git("checkout", "-q", "HEAD~1", cwd=main)
    assert not (main / ".ck/config.toml").exists()
    for folder in (main, box.folder("main/sub")):
        assert box.json("workspace", "show", cwd=folder)["root"] == str(main)
    made = box.json("init", cwd=main)
    assert made["base"] == str(box.path / "base") and not made["new_workspace"], made
    os.rename(main, box.path / "moved")
    os.remove(box.path / "moved/.ck/config.toml")
    assert box.json("cache", "stats", cwd=box.path / "moved")["workspaces"] == 2


def test_init_tree_that_is_its_own_base_without_config(box):
    tree = box.folder("tree")
    made = box.json("init", cwd=tree)
    os.remove(tree / ".ck/config.toml")
    assert box.json("workspace", "show", cwd=tree)["uuid"] == made["uuid"]
    assert box.json("init", cwd=tree)["base"] == str(tree)


def bare_repository(box, home, name):
    source = box.folder(home + "-source")
    box.git("init", "-q", cwd=source)
    box.git("commit", "-q", "--allow-empty", "-m", "first", cwd=source)
    box.git("clone", "-q", "--bare", source, box.folder(home) / name, cwd=source)


def test_init_worktrees_of_a_bare_repository(box):
    bare_repository(box, "hidden", ".bare")
    home = box.path / "hidden"
    (home / ".git").write_text("gitdir: ./.bare\n")
    for tree in ("one", "deep/two"):
        box.git("worktree", "add", "-q", tree, cwd=home)
        made = box.json("init", cwd=home / tree)
        assert made["base"] == str(home), made
    assert {w["name"] for w in box.json("workspace", "list", cwd=home)} == {"one", "two"}
    # Without a folder of its own around it, the repository itself is the base.
    bare_repository(box, "plain", "it.git")
    repository = box.path / "plain/it.git"
    for tree in ("one", "two"):
        box.git("worktree", "add", "-q", f"../{tree}", cwd=repository)
        assert box.json("init", cwd=box.path / "plain" / tree)["base"] == str(repository)
    assert box.json("cache", "stats", cwd=box.path / "plain/one")["workspaces"] == 2
    # A base that one worktree was given is that of the next; one inside a worktree is not.
    bare_repository(box, "given", ".bare")
    home = box.path / "given"
    for tree in ("a", "b", "c"):
        box.git("worktree", "add", "-q", f"../{tree}", cwd=home / ".bare")
    box.ck("init", "--base", ".", cwd=home / "a")
    box.ck("init", "--base", "../../elsewhere", cwd=home / "b")
    assert box.json("init", cwd=home / "c")["base"] == str(box.path / "elsewhere")


def test_init_linked_worktree_first(box):
    """Before the main one has a base: the linked one may be removed, and must not keep the store."""
    main = box.folder("main")
    box.git("init", "-q", cwd=main)
    box.git("commit", "-q", "--allow-empty", "-m", "first", cwd=main)
    box.git("worktree", "add", "-q", "../feature", cwd=main)
    made = box.json("init", cwd=box.path / "feature")
    assert made["base"] == str(main) and made["root"] == str(box.path / "feature"), made
    assert box.git("status", "--porcelain", "-uall", cwd=main) == ""
    assert box.json("init", cwd=main)["base"] == str(main)
    assert len(box.json("workspace", "list", cwd=main)) == 2


def test_init_refuses_links(box):
    """.ck may have come with a repository; what is written must not land where it points."""
    tree, elsewhere = box.folder("tree"), box.folder("elsewhere")
    os.symlink(elsewhere, tree / ".ck")
    box.fails(3, "/.ck' is a symbolic link, expected a folder", "init", cwd=tree)
    box.fails(3, "/.ck' is a symbolic link, expected a folder", "init", "--base", "../base", cwd=tree)
    assert not any(elsewhere.iterdir())
    (elsewhere / "config.toml").write_text("")
    box.fails(3, "/.ck' is a symbolic link", "cache", "stats", cwd=tree)
    other = box.folder("other/.ck").parent
    os.symlink(box.path / "victim.db", other / ".ck/embeddings.db")
    box.fails(3, "embeddings.db' is a symbolic link, expected a file", "init", cwd=other)
    assert not (box.path / "victim.db").exists()
    box.ck("init", cwd=box.folder("good"))
    os.symlink(box.path / "good/.ck/embeddings.db", box.path / "link.db")
    box.ck("cache", "stats", "--store", "link.db")  # named by a person, it is followed


def test_init_store_that_git_tracks(box):
    tree = box.folder("tree")
    box.git("init", "-q", cwd=tree)
    box.ck("init", cwd=tree)
    assert box.stderr == ""
    box.git("add", "-f", ".ck/embeddings.db", cwd=tree)
    box.git("commit", "-q", "-m", "store", cwd=tree)
    box.git("clone", "-q", tree, box.path / "clone", cwd=box.path)
    clone = box.path / "clone"
    for words in (("init",), ("index",)):
        box.ck(*words, cwd=clone)
        assert "warning: git tracks the store" in box.stderr, box.stderr
        assert "init --base DIR" in box.stderr
    found = {f["check"]: f["status"] for f in box.json("doctor", cwd=clone)["checks"]}
    assert found["tracked"] == "warn", found
    box.ck("init", "--base", "../base", cwd=clone)
    assert box.stderr == ""


def test_init_default_base(box):
    alone = box.folder("alone")
    assert box.json("init", cwd=alone)["base"] == str(alone)
    below = box.folder("alone/group/tree")
    box.git("init", "-q", cwd=below)
    assert box.json("init", cwd=below)["base"] == str(alone)


def test_init_base_far_away_is_absolute(box):
    other = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp")).resolve()
    try:
        if other.parts[1] == box.path.parts[1]:
            raise common.Skip("/var/tmp and the folder for temporary files share their first folder")
        tree = box.folder("tree")
        box.ck("init", "--base", other, cwd=tree)
        assert (tree / ".ck/config.toml").read_text() == f'base = "{other}"\n'
    finally:
        shutil.rmtree(other)


def test_init_strange_names(box):
    tree = box.folder('a "b" \\ ü\nx')
    base = '../ba "s" \\n é\n\t.'
    made = box.json("init", "--base", base, cwd=tree)
    assert made["workspace"] == tree.name and made["base"] == str((tree / base).resolve())
    assert box.json("init", cwd=tree)["base"] == made["base"]
    assert "\n" not in box.ck("workspace", "list", cwd=tree).splitlines()[1]


def test_init_ephemeral(box):
    def lifetime(*options, env=None, name="t"):
        made = box.json("init", "--base", box.path / "base", *options, cwd=box.folder(name), env=env)
        return made["expires_at"] and round((made["expires_at"] - time.time()) / 3600)
    assert lifetime("--ephemeral", name="a") == 24
    assert lifetime("--ephemeral=2d", name="b") == 48
    assert lifetime(env={"CI": "true"}, name="c") == 24
    assert lifetime(env={"CI": "false"}, name="d") is None
    assert lifetime("--ephemeral=0", env={"CI": "1"}, name="e") is None
    assert lifetime(name="a") == 24  # not asked for again: as it was
    assert lifetime("--ephemeral=0", name="a") is None
    box.fails(2, "--ephemeral must be a time", "init", "--ephemeral=soon")


def test_init_names(box):
    first, second = box.folder("x/app"), box.folder("y/app")
    assert box.json("init", "--base", "../../base", cwd=first)["workspace"] == "app"
    assert box.json("init", "--base", "../../base", cwd=second)["workspace"] == "app-2"
    assert box.json("init", "--name", "mine", cwd=second)["workspace"] == "mine"
    box.fails(3, "mine", "init", "--name", "mine", cwd=first)
    assert {w["name"] for w in box.json("workspace", "list", cwd=first)} == {"app", "mine"}


def test_init_moved_tree_keeps_its_uuid(box):
    tree = box.workspace("old")
    uuid = uuid_of(tree)
    box.fill(tree, 3, refs=3)
    os.rename(tree, box.path / "new")
    # Looking changes nothing; ck init, like ck index, brings the root up to date.
    assert box.json("workspace", "show", cwd=box.path / "new")["root"] == str(tree)
    made = box.json("init", cwd=box.path / "new")
    assert made["uuid"] == uuid and made["workspace"] == "old" and not made["new_workspace"]
    row, = box.json("workspace", "list", cwd=box.path / "new")
    assert row["root"] == str(box.path / "new") and row["refs"] == 3


def test_init_moved_tree_with_another_in_its_place(box):
    tree = box.workspace("old")
    moved, uuid = box.path / "new", uuid_of(tree)

    def root_of_moved():
        made = box.json("init", cwd=moved)
        assert made["uuid"] == uuid and not made["new_workspace"]
        return {w["uuid"]: w["root"] for w in box.json("workspace", "list", cwd=moved)}[uuid]

    os.rename(tree, moved)
    box.folder("old")
    assert root_of_moved() == str(moved)
    box.ck("sql", f"UPDATE workspaces SET root = '{tree}'", cwd=moved)
    box.workspace("old")
    assert root_of_moved() == str(moved)
    assert len(box.json("workspace", "list", cwd=moved)) == 2


def test_init_copied_tree_gets_its_own_uuid(box):
    tree = box.workspace("one")
    shutil.copytree(tree, box.path / "two")
    made = box.json("init", cwd=box.path / "two")
    assert made["new_workspace"] and made["workspace"] == "two"
    assert uuid_of(box.path / "two") != uuid_of(tree)
    assert {w["root"] for w in box.json("workspace", "list", cwd=tree)} == {
        str(tree), str(box.path / "two")}
    # The same tree by another name is no copy.
    os.symlink(tree, box.path / "link")
    assert not box.json("init", "-C", box.path / "link")["new_workspace"]


def test_init_clone_with_a_committed_config(box):
    tree = box.workspace("one")
    clone = box.folder("clone/.ck").parent
    (clone / ".ck/config.toml").write_text((tree / ".ck/config.toml").read_text())
    made = box.json("init", cwd=clone)
    assert made["new_workspace"] and made["base"] == str(box.path / "base")


def strangers_clone(box, base, where="src/clone", workspace=None):
    """A clone of a repository whose .ck/config.toml, and .ck/workspace, a stranger wrote."""
    there = box.folder("there", where)
    box.git("init", "-q", cwd=there)
    (box.folder("there", where, ".ck") / "config.toml").write_text(f'base = "{base}"\n')
    if workspace:
        (there / ".ck/workspace").write_text(workspace)
    (there / "a.c").write_text("int a;\n")
    box.git("add", "-f", "-A", cwd=there)
    box.git("commit", "-q", "-m", "first", cwd=there)
    box.git("clone", "-q", there, box.path / where, cwd=box.path)
    return box.path / where


def test_init_strangers_base_is_not_written(box):
    """A config.toml that came with a repository does not choose where is written, but for ck init."""
    mine = box.workspace("mine", "private")
    (mine / "m.c").write_text("int mine;\n")
    box.ck("index", cwd=mine)
    uuid = "12345678-1234-4123-8123-123456789012"
    remembered = f"{uuid}\n# mine\nbase {box.path}/private\n"
    for i, (base, workspace) in enumerate((("../../private", None), (f"{box.path}/private", None),
                                           ("~/private", None), ("../../private", remembered),
                                           ("../../none", remembered))):
        clone = strangers_clone(box, base, f"src/clone{i}", workspace)
        accepts = f"init --base {box.path}/private"
        for words in (("index",), ("cache", "gc"), ("cache", "remote", "add", "x", "/tmp/x/"),
                      ("optimize",), ("doctor", "--fix"), ("workspace", "remove", "mine"), ("init",)):
            if base == "../../none" and words[0] != "init":
                continue
            box.ck(*words, cwd=clone, exit=1 if words[0] == "doctor" else 3)
            said = box.stderr
            assert "does not know it" in said or words[0] == "doctor", (words, said)
        assert len(box.json("workspace", "list", cwd=mine)) == 1
        assert not (box.path / "none").exists()
        if base == "../../none":
            continue
        assert accepts in said, said
        box.ck("search", "int", "--all-workspaces", cwd=clone)
    # Accepted once, it is that of the tree, wherever that is moved to, and of its worktrees.
    clone = box.path / "src/clone0"
    box.ck("init", "--base", "../../private", cwd=clone)
    for words in (("index",), ("init",), ("cache", "gc")):
        box.ck(*words, cwd=clone)
    os.rename(clone, box.path / "src/moved")
    box.ck("index", cwd=box.path / "src/moved")
    box.git("worktree", "add", "-q", "../feature", cwd=box.path / "src/moved")
    box.ck("index", cwd=box.path / "src/feature")
    assert len(box.json("workspace", "list", cwd=mine)) == 3


def test_init_base_of_a_config_that_was_made_here(box):
    """Of a tree that its store has forgotten: git does not track config.toml, so nobody is asked."""
    tree = box.folder("a/tree")
    box.git("init", "-q", cwd=tree)
    (tree / "a.c").write_text("int a;\n")
    box.ck("init", "--base", "../../far", cwd=tree)
    box.ck("workspace", "remove", "tree", cwd=tree)
    box.ck("index", cwd=tree)
    assert len(box.json("workspace", "list", cwd=tree)) == 1
    # One beside the tree, which git does track, takes a word.
    clone = strangers_clone(box, "../base", "b/clone")
    box.ck("init", "--base", "base", cwd=box.path / "b")
    box.fails(3, "does not know it", "index", cwd=clone)
    assert box.json("init", cwd=clone)["base"] == str(box.path / "b/base")
    box.ck("index", cwd=clone)


def test_init_wrong_input(box):
    box.fails(3, "is not a folder", "init", "--base", "no/such/base")
    box.fails(2, "--base DIR", "init", "--store", "x.db")
    box.fails(2, "unexpected argument 'x'", "init", "x")
    box.fails(2, "-C: 'nowhere' is not a folder", "init", "-C", "nowhere")
    (box.path / "file").write_text("")
    box.fails(3, "cannot make the folder", "init", "--base", "file")
    tree = box.workspace()
    (tree / ".ck/workspace").write_text("garbage\n")
    box.fails(3, "its first line must be a uuid, got 'garbage'", "init", cwd=tree)
    (tree / ".ck/workspace").write_text("")  # as a full disk leaves it
    assert box.json("init", cwd=tree)["new_workspace"] and len(uuid_of(tree)) == 36
    shutil.rmtree(box.path / "base")
    box.fails(3, "config.toml says", "cache", "stats", cwd=tree)
    assert "ck init --base" in box.stderr


def test_init_config_errors(box):
    tree = box.workspace()
    for text, message in (
            ('bsae = "x"', ":1: unknown key 'bsae', did you mean 'base'?"),
            ('\n\ncolour = 1', ":3: unknown key 'colour'"),
            ('base = "a"\nbase = "b"', ":2: given twice: 'base'"),
            ("base = 3", ":1: base must be a string in quotes, got '3'"),
            ('base = ""', ":1: base must be a text that is not empty, got ''"),
            ('base = "x', ":1: a string without its closing quote"),
            ('base = "x" y', ":1: left over: 'y'"),
            ("base =", ":1: no value for 'base'"),
            ("[table]", ":1: tables are not understood"),
            ("what is this", ":1: expected `key = value`"),
            ('base = "a\\q"', ":1: unknown escape")):
        (tree / ".ck/config.toml").write_text(text)
        box.fails(2, "config.toml" + message, "cache", "stats", cwd=tree)
        box.fails(2, "config.toml" + message, "init", cwd=tree)
    (tree / ".ck/config.toml").write_text("#" * 70000)
    box.fails(3, "70000 bytes, at most 65536 are expected", "cache", "stats", cwd=tree)
    # Some editors begin a file with U+FEFF.
    (tree / ".ck/config.toml").write_text("\ufeffbase = '../base'")
    box.ck("cache", "stats", cwd=tree)
    # HOME of the tests is box.path.
    (tree / ".ck/config.toml").write_text('base = "~/base"')
    assert box.json("cache", "stats", cwd=tree)["store"] == str(box.path / "base/.ck/embeddings.db")
    (tree / ".ck/config.toml").write_text('base = "~"')
    box.fails(3, f"there is no store at '{box.path}/.ck/embeddings.db'", "cache", "stats", cwd=tree)
    (tree / ".ck/config.toml").write_bytes(b"base = 'x'\0")
    box.fails(2, "not a text file", "cache", "stats", cwd=tree)
    (tree / ".ck/config.toml").write_text("# a comment\r\n  base='../base'   # another\r\n\r\n")
    box.ck("cache", "stats", cwd=tree)


def test_init_at_once(box):
    trees = [box.folder(f"t{i}") for i in range(8)]
    running = [subprocess.Popen([str(box.binary), "init", "--base", "../base", "-q"], cwd=tree,
                                env=box.env, stderr=subprocess.PIPE, text=True) for tree in trees]
    for process in running:
        _, stderr = process.communicate(timeout=common.SECONDS)
        assert process.returncode == 0, stderr
    assert len(box.json("workspace", "list", cwd=trees[0])) == 8
    assert box.sql("PRAGMA page_size", cwd=trees[0]) == [{"page_size": 8192}]


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <sys/vfs.h>
int statfs(const char *path, struct statfs *info) {
    int (*real)(const char *, struct statfs *) = dlsym(RTLD_NEXT, "statfs");
    int rc = real(path, info);
    if (rc == 0 && strstr(path, "/network")) info->f_type = 0x6969;
    return rc;
}
int statfs64(const char *path, struct statfs64 *info) { return statfs(path, (void *)info); }
"""


@common.release_only
def test_init_network_is_refused(box):
    (box.path / "shim.c").write_text(SHIM)
    done = subprocess.run(["cc", "-shared", "-fPIC", "-o", "shim.so", "shim.c", "-ldl"], cwd=box.path,
                          capture_output=True, timeout=common.SECONDS)
    if done.returncode != 0:
        raise common.Skip("no C compiler for the shim")
    env = {"LD_PRELOAD": str(box.path / "shim.so")}
    box.fails(3, "is on NFS: the store needs a WAL", "init", "--base", box.folder("network"), env=env)
    assert "cache remote add team" in box.stderr
    assert not (box.path / "network/.ck").exists()
    box.ck("init", "--base", box.folder("local"), env=env)
    # One that is there already: the doctor says so.
    box.ck("init", "--base", "network")
    checks = {f["check"]: f for f in box.json("doctor", env=env, exit=1)["checks"]}
    assert checks["filesystem"]["status"] == "error" and "NFS" in checks["filesystem"]["detail"]


def as_user(uid, gid):
    if os.getuid() != 0:
        raise common.Skip("only root can be two users")
    return {"user": uid, "group": gid, "extra_groups": []}


def readable_copy(box):
    """The binary where any user may run it."""
    os.chmod(box.path, 0o755)
    copy = box.path / "ck"
    shutil.copy(box.binary, copy)
    box.binary = copy


def test_init_shared_between_users(box):
    first, second, stranger = as_user(4001, 4001), as_user(4002, 4002), as_user(4003, 4003)
    first["extra_groups"] = second["extra_groups"] = [4000]
    readable_copy(box)
    base = box.folder("base")
    os.chown(base, 4001, 4000)
    os.chmod(base, 0o775)
    trees = []
    for uid in (4001, 4002, 4003):
        tree = box.folder(f"tree{uid}")
        os.chown(tree, uid, 4000)
        trees.append(tree)
    strict = {"umask": 0o077}
    box.ck("init", "--base", base, "--shared", cwd=trees[0], **first, **strict)
    assert mode(base / ".ck") & 0o2070 == 0o2070 and mode(base / ".ck/embeddings.db") == 0o660
    assert mode(base / ".ck/.gitignore") == 0o644
    assert os.stat(base / ".ck/embeddings.db").st_gid == os.stat(base / ".ck").st_gid == 4000
    # While the first one has the store open, so that there are a -wal and a -shm of its making.
    holder = subprocess.Popen([str(box.binary), "sql"], cwd=trees[0], env=box.env, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, **first, **strict)
    box.fill(trees[0], 5)
    box.ck("init", "--base", base, cwd=trees[1], **second, **strict)
    box.ck("sql", "SELECT ck_put('m', '1', 'of the second', ck_embed('x', 8))", cwd=trees[1],
           **second, **strict)
    for name in ("embeddings.db-wal", "embeddings.db-shm"):
        path = base / ".ck" / name
        if path.exists():
            assert mode(path) & 0o060 == 0o060 and os.stat(path).st_gid == 4000, name
    holder.communicate("SELECT 1;", timeout=common.SECONDS)
    box.ck("sql", "SELECT ck_put('m', '1', 'of the first', ck_embed('y', 8))", cwd=trees[0],
           **first, **strict)
    assert box.json("cache", "stats", cwd=trees[1], **second)["embeddings"] == 7
    box.fails(3, "ck init --shared", "init", "--base", base, cwd=trees[2], **stranger)
    box.fails(3, "cannot share", "init", "--base", base, "--shared", cwd=trees[1], **second)


def test_init_private_store(box):
    owner, other = as_user(4001, 4000), as_user(4002, 4000)
    readable_copy(box)
    tree = box.folder("tree")
    os.chown(tree, 4001, 4000)
    box.ck("init", cwd=tree, **owner)
    assert mode(tree / ".ck/embeddings.db") == 0o600
    box.fails(3, "unable to open database file", "cache", "stats", cwd=tree, **other)
    assert "must be writable for you" in box.stderr


def test_init_explains(box):
    box.ck("init", "--explain-sql")
    assert re.search(r"^SELECT ck_init\(\);$", box.stderr, re.M)
    assert re.search(r"^INSERT INTO workspaces", box.stderr, re.M)
