"""Help, the manual page, completions, options that all commands take, exit codes."""
import json
import os
import re
import shutil
import subprocess
import time

import common

MAN = common.ROOT / "tools/ck/ck.1"


def commands(box):
    """The names of all commands."""
    names = re.findall(r"^  ([a-z]+(?: [a-z]+)*)  +\S", box.ck("help"), re.M)
    assert {"init", "cache remote add", "help"} <= set(names), names
    return [name for name in names if name != "cd worktree; ck init; ck index; ck search"]


def test_help_of_every_command(box):
    for name in commands(box):
        text = box.ck("help", *name.split())
        assert text.startswith(f"ck {name}") and "--explain-sql" in text, name
        assert text == box.ck(*name.split(), "--help") == box.ck(*name.split(), "-h")
        assert all(len(line) <= 100 for line in text.splitlines()), name
    overview = box.ck("help")
    assert overview == box.ck() == box.ck("--help")
    assert all(len(line) <= 80 for line in overview.splitlines())
    assert "cache gc" in box.ck("help", "cache") and "init" not in box.ck("help", "cache")
    box.fails(2, "there is no command 'nope'", "help", "nope")
    box.fails(2, "there is no command 'index search'", "help", "index", "search")
    box.fails(2, "there is no command 'cache remote nope'", "help", "cache", "remote", "nope")
    box.fails(2, "there is no command 'cache remote nope'", "cache", "remote", "nope")
    assert "ck help cache remote" in box.stderr
    listed = box.ck("cache", "remote", exit=2)
    assert "cache remote add" in listed and "cache gc" not in listed
    box.fails(2, "there is no command 'nope'", "nope")
    box.fails(2, "a command is needed before '--'", "--", "init")
    box.fails(2, "a command is needed before '--'", "workspace", "--", "list")


def test_manual_is_of_this_table(box):
    assert box.ck("help", "--man") == MAN.read_text(), (
        "write it again: build/ck help --man >tools/ck/ck.1")
    assert ".TH EMBEDDINGS 1" in box.ck("help", "--man=embeddings")
    assert "embeddings cache gc" in box.ck("help", "--man=embeddings")


def test_manual_is_sound(box):
    if not shutil.which("man"):
        raise common.Skip("no man")
    done = subprocess.run(["man", "-l", "--warnings", "-E", "UTF-8", "-P", "cat", str(MAN)],
                          capture_output=True, text=True, timeout=common.SECONDS,
                          env={**os.environ, "MANWIDTH": "80"})
    assert done.returncode == 0 and done.stderr == "", done.stderr
    for name in commands(box):
        assert f"ck {name}" in done.stdout, name


def test_completion_scripts(box):
    for shell in ("bash", "zsh", "fish"):
        script = box.ck("completion", shell)
        for word in ("workspace", "--explain-sql", "--max-bytes", "export"):
            assert word.lstrip("-") in script, (shell, word)
        if shutil.which(shell):
            subprocess.run([shell, "-n"] if shell != "fish" else [shell, "-n", "/dev/stdin"],
                           input=script, text=True, check=True, timeout=common.SECONDS)
    box.fails(2, "must be bash, zsh or fish, got 'csh'", "completion", "csh")


def complete(box, *words):
    """What bash offers for the last word."""
    script = box.ck("completion", "bash") + """
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ck
printf '%s\\n' "${COMPREPLY[@]}"
"""
    return subprocess.run(["bash", "-c", script, "bash", "ck", *words], capture_output=True, text=True,
                          check=True, cwd=box.path, timeout=common.SECONDS).stdout.split()


def test_completion_in_bash(box):
    assert complete(box, "ca") == ["cache"]
    assert {"gc", "remote", "export"} <= set(complete(box, "cache", ""))
    assert complete(box, "cache", "remote", "") == ["add", "list", "remove"]
    assert complete(box, "cache", "gc", "--gr") == ["--grace"]
    assert complete(box, "--json", "cache", "--quiet", "st") == ["stats"]
    box.folder("deep/base")
    # A value is none of the command's words.
    for before in (("-C", "deep"), ("--directory", "deep"), ("--directory", "=", "deep"),
                   ("--color", "=", "always"), ("--store", "x.db", "-C", "deep")):
        assert complete(box, *before, "ca") == ["cache"], before
        assert complete(box, *before, "cache", "remote", "") == ["add", "list", "remove"], before
        assert complete(box, "cache", *before, "gc", "--gr") == ["--grace"], before
    assert complete(box, "init", "--base", "deep/") == ["deep/base"]
    (box.path / "x.pack").write_text("")
    assert complete(box, "cache", "import", "x") == ["x.pack"]
    # Files are offered where there may be some, commands behind help.
    for words in (("workspace", "show"), ("cache", "push"), ("cache", "remote", "remove"), ("search",),
                  ("help", "index")):
        assert complete(box, *words, "") == [], words
    assert "x.pack" in complete(box, "index", "") and "--watch" in complete(box, "index", "--wa")
    assert complete(box, "help", "ca") == ["cache"]
    assert complete(box, "help", "cache", "remote", "") == ["add", "list", "remove"]
    assert complete(box, "help", "--ma") == ["--man"]


def test_options(box):
    main = box.workspace()
    for arguments in (("--json", "cache", "stats"), ("cache", "--json", "stats"),
                      ("cache", "stats", "--json"), ("-C", main, "cache", "stats", "--json"),
                      (f"-C{main}", "cache", "stats", "--json"),
                      ("--directory", main, "cache", "stats", "--json"),
                      (f"--directory={main}", "cache", "stats", "-q", "--json")):
        assert json.loads(box.ck(*arguments, cwd=main))["embeddings"] == 0
    box.fails(2, "-C needs a value: DIR", "cache", "stats", "-C")
    box.fails(2, "--store must be a text, got ''", "cache", "stats", "--store", "")
    box.fails(2, "unexpected argument '--json'", "cache", "stats", "--", "--json", cwd=main)
    box.fails(2, "unknown option '--jso'", "cache", "stats", "--jso")


def test_values_that_are_refused(box):
    main = box.workspace()
    box.fails(2, "unexpected argument '2h'", "init", "--ephemeral", "2h", cwd=main)
    assert "--ephemeral=2h" in box.stderr, box.stderr
    box.fails(2, "unexpected argument 'soon'", "init", "--ephemeral", "soon", cwd=main)
    assert "--ephemeral=soon" not in box.stderr
    box.fails(2, "--timeout must be 1 s to 24 h, got '0'", "index", "--timeout", "0", cwd=main)
    box.fails(2, "--timeout must be a time such as", "index", "--timeout", "x", cwd=main)
    box.fails(2, "--max-file-bytes must be 1 B to", "index", "--max-file-bytes", "0", cwd=main)
    box.fails(2, "1,001 arguments, at most 1,000 are taken", "index", *["a"] * 1001, cwd=main)


def test_help_of_groups(box):
    shown = box.ck("help", "cache", "remote").split("\n")
    assert [line.split()[:3] for line in shown if line] == [
        ["cache", "remote", name] for name in ("add", "list", "remove")], shown
    assert "cache gc" in box.ck("help", "cache")


def test_errors_as_json(box):
    for arguments, code in ((("cache", "stats"), 3), (("cache", "gc", "--grace", "x"), 2),
                            (("nope",), 2), ((), 2), (("cache",), 2), (("workspace", "show", "--nope"), 2)):
        done = box.run("--json", *arguments)
        error = json.loads(done.stderr)
        assert done.returncode == error["exit"] == code and error["error"], done
        assert done.stdout == ""


def test_help_as_json(box):
    table = {command["name"]: command for command in box.json("help")}
    assert set(table) == set(commands(box))
    assert {"name": "dry-run", "value": None, "help": "Say what would be deleted; delete nothing."} in (
        table["cache gc"]["options"])


def test_version(box):
    version = box.json("version")
    text = f"ck {version['version']} (SQLite {version['build']['sqlite']})\n"
    for words in (("version",), ("--version",), ("-V",), ("cache", "gc", "--version")):
        assert box.ck(*words) == text, words
    assert box.json("--version") == version


@common.release_only
def test_full_disk(box):
    main = box.workspace()
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(box.binary), "help"], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=common.SECONDS)
    assert done.returncode == 3 and "cannot write to stdout" in done.stderr, done
    # A reader that went away is none of our business.
    done = subprocess.run(f"'{box.binary}' sql 'SELECT 1' | true; echo ${{PIPESTATUS[0]}}", shell=True,
                          executable="/bin/bash", capture_output=True, text=True, cwd=main,
                          timeout=common.SECONDS)
    assert done.stdout == "0\n" and done.stderr == "", done


@common.release_only
def test_start_is_quick(box):
    """In 10 ms on an idle machine; here only that nothing is seriously wrong. bench/ has the figure."""
    main = box.workspace()

    def took(run):
        began = time.perf_counter()
        run()
        return time.perf_counter() - began
    others = [took(lambda: subprocess.run(["true"], check=True)) for _ in range(10)]
    times = [took(lambda: box.run("cache", "stats", cwd=main)) for _ in range(10)]
    assert min(times) < max(0.1, 20 * min(others)), (times, others)


def test_install(box):
    if box.binary != common.RELEASE:
        raise common.Skip("what is installed is the release")
    def make(target):
        done = subprocess.run(["make", "-s", target, f"DESTDIR={box.path}/a b", "PREFIX=/usr",
                               "BIN=embedck"], cwd=common.ROOT, capture_output=True, text=True,
                              timeout=600,
                              env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})
        assert done.returncode == 0, done.stderr

    make("install")
    usr = box.path / "a b/usr"
    for name in ("bin/embedck", "lib/ck.so", "lib/libck.a", "include/ck.h", "share/man/man1/embedck.1",
                 "share/bash-completion/completions/embedck", "share/zsh/site-functions/_embedck",
                 "share/fish/vendor_completions.d/embedck.fish"):
        assert (usr / name).stat().st_size > 0, name
    assert "complete -o filenames -F _embedck embedck" in (
        usr / "share/bash-completion/completions/embedck").read_text()
    done = subprocess.run([str(usr / "bin/embedck"), "cache", "stats"], cwd=box.path, text=True,
                          capture_output=True, timeout=common.SECONDS)
    assert done.stderr.startswith("embedck cache stats: ") and "Run: embedck init" in done.stderr
    (usr / "lib/other").write_text("")
    make("uninstall")
    assert [p for p in usr.rglob("*") if p.is_file()] == [usr / "lib/other"]
