"""What a terminal shows, against snapshots; and what memory checkers say."""
import os
import re
import shutil
import subprocess

import common


@common.release_only
def test_terminal_output(box):
    tree = box.folder("main")
    shown = {
        "overview": box.terminal("help"),
        "help": box.terminal("help", "cache", "gc"),
        "init": box.terminal("init", "--base", "../base", cwd=tree),
        "init_again": box.terminal("init", "--ephemeral=2d", cwd=tree),
    }
    box.fill(tree, 1500, refs=1000)
    shown["stats"] = box.terminal("cache", "stats", cwd=tree)
    shown["gc"] = box.terminal("cache", "gc", "--dry-run", "--grace", "0", cwd=tree)
    shown["workspaces"] = box.terminal("workspace", "list", cwd=tree)
    shown["show"] = box.terminal("workspace", "show", cwd=tree)
    shown["error"] = box.terminal("cache", "stats", cwd=box.path)
    shown["usage"] = box.terminal("cache", "gc", "--grace", "x", cwd=tree)
    shown["sql"] = box.terminal("sql", "SELECT 1 AS one, 'two' AS two", cwd=tree)
    for name, text in shown.items():
        common.snapshot(box, name, re.sub(r"(?m)^(host\S* +)\S+", r"\1HOST", text))


@common.release_only
def test_terminal_doctor(box):
    tree = box.workspace()
    box.fill(tree, 10)
    box.ck("sql", "UPDATE _ck_meta SET seq = 3", cwd=tree)
    text = box.terminal("doctor", cwd=tree)
    assert len(text.splitlines()) <= 24
    common.snapshot(box, "doctor", re.sub(r"(?m)^.*location.*\n.*fix: keep.*\n", "", text))


@common.release_only
def test_terminal_progress(box):
    tree = box.workspace()
    for n in (10000, 40000, 160000):  # until it takes long enough to be shown
        box.ck("sql", f"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {n})
            INSERT OR IGNORE INTO embeddings(hash, model, version, vector)
            SELECT ck_hash('b', '1', '' || i), 'b', '1',
                   vec_dequantize_i8(vec_int8(randomblob(256)), 127.0) FROM n""", cwd=tree)
        text = box.terminal("optimize", cwd=tree)
        assert text.endswith(f"The search indexes of {n:,} embeddings are up to date.\n"), text
        shown = re.search(r"optimizing \[#* *\] +\d+ % [\d,]+/[\d,]+, [\d,]+/s", text)
        if shown:
            break
    assert shown, text
    quiet = box.run("optimize", cwd=tree)
    assert quiet.stderr == "" and "\033" not in quiet.stdout


def test_colors(box):
    tree = box.workspace()
    assert "\033" in box.terminal("cache", "stats", cwd=tree)
    assert "\033" not in box.terminal("cache", "stats", cwd=tree, env={"NO_COLOR": "1"})
    assert "\033" not in box.terminal("cache", "stats", "--color=never", cwd=tree)
    assert "\033" not in box.terminal("cache", "stats", cwd=tree, env={"TERM": "dumb"})
    assert "\033" not in box.ck("cache", "stats", cwd=tree)
    assert "\033" in box.ck("cache", "stats", "--color", cwd=tree)


def test_names_do_not_steer_the_terminal(box):
    tree = box.folder("a\033[31mb")
    box.ck("init", "--base", box.path / "base", cwd=tree)
    for arguments in (("workspace", "list"), ("workspace", "show"), ("doctor",), ("init",)):
        assert "\033" not in box.ck(*arguments, cwd=tree), arguments
    (tree / ".ck/config.toml").write_text("x\033[31m = 1\n")
    box.fails(2, "got 'x\\x1b[31m = 1'", "cache", "stats", cwd=tree)
    (tree / ".ck/config.toml").write_text('base = "../base"')
    box.fails(3, "there is no workspace 'x\\x1b'", "workspace", "show", "x\033", cwd=tree)


@common.release_only
def test_valgrind(box):
    if not shutil.which("valgrind"):
        raise common.Skip("no valgrind")
    tree = box.folder("main")
    box.ck("init", "--base", "../base2", cwd=box.folder("other"))
    box.fill(box.path / "other", 3)
    box.ck("cache", "export", "../a.pack", cwd=box.path / "other")
    for step in (("init", "--base", "../base"), ("cache", "import", "../a.pack"), ("doctor",),
                 ("cache", "gc", "--grace", "0")):
        watched = common.full or "import" in step  # a command takes seconds
        valgrind = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full"] if watched else []
        done = subprocess.run([*valgrind, str(box.binary), *step], cwd=tree, text=True,
                              capture_output=True, env={**box.env, "CK_SIMD": "portable"},
                              timeout=common.SECONDS)
        assert done.returncode == 0, (step, done.stderr)
