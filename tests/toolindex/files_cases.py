"""Which files are indexed: git, walks, ignore files, odd names, changes."""
import os
import random
import subprocess
import time

from world import check, check_equal, source, tree, write


def test_second_run_reads_nothing(world):
    files = tree("a")
    where = world.repository("one", files)
    first = world.index(where)
    check_equal((first["indexed"], first["embedded"] > 0), (len(files), True), "the first run")
    world.check_refs(where, files)
    second = world.index(where)
    check_equal((second["indexed"], second["chunks"], second["unchanged"]), (0, 0, len(files)),
                "the second run")
    check_equal(world.index(where, "--verify")["unchanged"], 0, "unchanged with --verify")
    world.check_refs(where, files)


def test_edits_renames_deletions(world):
    files = tree("b")
    where = world.repository("one", files)
    world.index(where)
    names = sorted(files)
    files[names[0]] = files[names[0]].replace(b"number 3", b"number three")
    files["src/renamed.c"] = files.pop(names[1])
    del files[names[2]]
    os.rename(os.path.join(where, names[1]), os.path.join(where, "src/renamed.c"))
    os.remove(os.path.join(where, names[2]))
    write(where, {names[0]: files[names[0]], "new.md": "# New\n\ntext\n"})
    files["new.md"] = b"# New\n\ntext\n"
    run = world.index(where)
    check_equal(run["gone"], 2, "files gone")
    check(run["embedded"] <= 3, f"{run['embedded']} embedded after one edit and a new file")
    world.check_refs(where, files)
    # A file that becomes shorter, empty, binary, and is back.
    for content in (b"int x;\n", b"", b"a\0b" * 100, files[names[0]]):
        write(where, {names[0]: content})
        world.index(where)
        expected = dict(files)
        expected[names[0]] = b"" if b"\0" in content else content
        world.check_refs(where, expected)


def test_edit_of_same_size_within_the_same_moment(world):
    where = world.repository("one", {"a.c": "int a = 1;\n"})
    for i in range(12):
        text = f"int a = {i % 10};\n".encode()
        write(where, {"a.c": text})
        world.index(where)
        world.check_refs(where, {"a.c": text})


def test_same_size_and_time_put_back(world):
    where = world.repository("one", {"a.c": "int a = 1;\n"})
    path = os.path.join(where, "a.c")
    time.sleep(0.05)
    world.index(where)
    before = os.stat(path)
    write(where, {"a.c": "int a = 2;\n"})
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    world.index(where)
    world.check_refs(where, {"a.c": b"int a = 2;\n"})


def test_touched_files_are_not_embedded_again(world):
    files = tree("t")
    where = world.repository("one", files)
    world.index(where)
    for path in files:
        os.utime(os.path.join(where, path), (1, 1))
    run = world.index(where)
    check_equal((run["indexed"], run["chunks"], run["unchanged"]), (0, 0, len(files)), "touched")


def test_odd_names(world):
    files = {"new\nline.c": source("n"), "tab\t.c": source("t"), "quote'\".c": source("q"),
             "ünïcödé/ß.c": source("u"), " blank ": source("b"), "-dash": source("d"),
             "*star?[a].c": source("s"), "\\back\\slash": source("l"),
             "\uf7ff private": source("p")}
    raw = {b"bad\xff\xfe.c": source("x"), b"\xe2\x82": source("y")}
    where = world.repository("one", {**files, **raw})
    world.index(where)
    stored = {path: content for path, content in files.items() if path[0] != "\uf7ff"}
    stored["\uf7ef\uf79f\uf7bf private"] = files["\uf7ff private"]
    stored["bad\uf7ff\uf7fe.c"] = raw[b"bad\xff\xfe.c"]
    stored["\uf7e2\uf782"] = raw[b"\xe2\x82"]
    world.check_refs(where, stored)
    check_equal(world.index(where)["unchanged"], len(stored), "unchanged")
    found = world.ck(where, "search", "f_x_0", "-k", "1", "--json").json[0]
    check_equal((found["path"], found["state"]), ("bad\uf7ff\uf7fe.c", "here"), "found")
    # What is printed cannot break the line.
    out = world.ck(where, "search", "f_n_0", "-k", "1").out
    check(out.startswith("new\\nline.c:"), out)


def test_links_special_files_and_folders(world):
    where = world.repository("one", {"a.c": source("a"), "dir/b.c": source("b")})
    os.symlink("a.c", os.path.join(where, "link.c"))
    os.symlink("dir", os.path.join(where, "linked"))
    os.symlink("/nowhere", os.path.join(where, "dangling"))
    os.mkfifo(os.path.join(where, "pipe"))
    world.git(where, "add", "link.c", "linked", "dangling")
    world.git(where, "commit", "-q", "-m", "links")
    run = world.index(where)
    check_equal(run["links"], 3, "links")
    world.check_refs(where, {"a.c": source("a"), "dir/b.c": source("b")})


def test_a_file_becomes_a_folder_and_a_link(world):
    where = world.repository("one", {"x": source("x"), "y": source("y")})
    world.index(where)
    os.remove(os.path.join(where, "x"))
    os.remove(os.path.join(where, "y"))
    write(where, {"x/inside": source("i")})
    os.symlink("x/inside", os.path.join(where, "y"))
    world.index(where)
    world.check_refs(where, {"x/inside": source("i")})


def test_empty_binary_huge(world):
    files = {"empty": b"", "binary": b"\x7fELF\0\0" * 50, "late-nul": b"a\n" * 9000 + b"\0" + b"b\n" * 9,
             "huge": b"line\n" * 300000, "text": b"text\n"}
    where = world.repository("one", files)
    run = world.index(where)
    check_equal((run["binary"], run["huge"]), (1, 1), "left out")
    expected = {name: files[name] for name in ("empty", "late-nul", "text")}
    world.check_refs(where, expected)
    world.index(where, "--max-file-bytes", "2000000")
    world.check_refs(where, {**expected, "huge": files["huge"]})
    run = world.index(where)
    check_equal((run["huge"], run["gone"]), (1, 1), "huge again")
    world.check_refs(where, expected)


def test_no_commit_and_no_files(world):
    where = world.repository("one", {"a.c": source("a")}, commit=False)
    world.index(where)
    world.check_refs(where, {"a.c": source("a")})
    os.remove(os.path.join(where, "a.c"))
    check_equal(world.ck(where, "status", "--json").json["gone"], ["a.c"], "gone")
    empty = world.path("empty")
    os.mkdir(empty)
    world.git(empty, "init", "-q")
    world.init(empty)
    world.index(empty)


def test_untracked_and_ignored(world):
    where = world.repository("one", {"a.c": source("a"), ".gitignore": "build/\n*.o\n!keep.o\n",
                                     ".ckignore": "vendor/\n/docs/*.txt\n"})
    write(where, {"b.c": source("b"), "build/c.c": source("c"), "x.o": "o\n", "keep.o": "keep\n",
                  "vendor/d.c": source("d"), "docs/e.txt": "e\n", "docs/sub/f.txt": "f\n"})
    world.git(where, "add", "vendor")
    world.index(where)
    expected = {"a.c": source("a"), "b.c": source("b"), "keep.o": b"keep\n",
                "docs/sub/f.txt": b"f\n", ".gitignore": b"build/\n*.o\n!keep.o\n",
                ".ckignore": b"vendor/\n/docs/*.txt\n"}
    world.check_refs(where, expected)
    write(where, {".ckignore": "# nothing\n"})
    world.index(where)
    world.check_refs(where, {**expected, ".ckignore": b"# nothing\n", "vendor/d.c": source("d"),
                             "docs/e.txt": b"e\n"})


def test_without_git(world):
    where = world.path("plain")
    write(where, {"a.c": source("a"), ".gitignore": "out\n", "out/b.c": source("b"),
                  "sub/.gitignore": "!out\n*.log\n", "sub/out": "kept\n", "sub/x.log": "log\n",
                  "sub/.ckignore": "y\n", "sub/y": "y\n"})
    world.init(where)
    world.index(where)
    world.check_refs(where, {"a.c": source("a"), ".gitignore": b"out\n",
                             "sub/.gitignore": b"!out\n*.log\n", "sub/out": b"kept\n",
                             "sub/.ckignore": b"y\n"})


PARTS = ["a", "b", "foo", "*", "**", "?", "[a-c]", "[!a]", "[[:alpha:]]", "/", "/", "\\*", ".c", "x",
         "\\ ", " ", "\\#", "foo*", "é", "[]a]", "[a/b]", "[", "z", "[[:no:]]", "[a-", "q"]
NAMES = ["a", "b", "ab", "foo", "foo.c", "x.o", "a b", ".h", "#x", "!y", "a*b", "[z]", "é", "q "]


def pattern(rand):
    """A line of an ignore file."""
    text = "".join(rand.choice(PARTS) for _ in range(rand.randint(1, 5)))
    text = ("!" if rand.random() < 0.25 else "") + ("/" if rand.random() < 0.2 else "") + text
    return text + ("/" if rand.random() < 0.2 else "") + ("  " if rand.random() < 0.1 else "") \
        + ("\r" if rand.random() < 0.05 else "")


def test_ignore_patterns_as_git(world):
    seed = int(os.environ.get("CK_SEED", random.randrange(10**6)))
    print(f"  seed {seed}")
    rand = random.Random(seed)
    where = world.path("plain")
    write(where, {"always": "there\n"})  # the refs of a tree without any file would be kept
    world.init(where)
    for _ in range(40):
        subprocess.run(["rm", "-rf", os.path.join(where, "t")], check=True)
        folders = ["t"]
        for _ in range(rand.randint(1, 8)):
            folders.append(os.path.join(rand.choice(folders), rand.choice(NAMES)))
            os.makedirs(os.path.join(where, folders[-1]), exist_ok=True)
        for _ in range(rand.randint(3, 25)):
            path = os.path.join(where, rand.choice(folders), rand.choice(NAMES))
            if not os.path.exists(path):
                write(where, {path: f"{path}\n"})
        for _ in range(rand.randint(1, 3)):
            write(where, {os.path.join(rand.choice(folders), ".gitignore"):
                          "\n".join(pattern(rand) for _ in range(rand.randint(1, 6)))})
        world.index(where)
        ours = {row[0] for row in world.refs(where)} - {"always"}
        world.git(where, "init", "-q")
        listed = world.git(where, "ls-files", "-z", "--others", "--exclude-standard").decode()
        subprocess.run(["rm", "-rf", os.path.join(where, ".git")], check=True)
        theirs = {path for path in listed.split("\0")
                  if path.startswith("t/") and os.path.getsize(os.path.join(where, path)) > 0}
        if ours != theirs:
            for folder, _, names in os.walk(where):
                for name in names:
                    if name == ".gitignore":
                        with open(os.path.join(folder, name), encoding="utf-8") as file:
                            print("  ", folder[len(where):], repr(file.read()))
        check_equal(ours, theirs, "files")


def test_paths_given(world):
    files = {"a/x.c": source("x"), "a/y.c": source("y"), "b/z.c": source("z"), "ab.c": source("w")}
    where = world.repository("one", files)
    world.index(where, "a")
    world.check_refs(where, {path: files[path] for path in ("a/x.c", "a/y.c")})
    world.index(where)
    world.check_refs(where, files)
    for path in ("a/x.c", "b/z.c"):
        os.remove(os.path.join(where, path))
    world.index(where, "a")
    del files["a/x.c"]
    world.check_refs(where, files)
    world.index(os.path.join(where, "a"), "../b/z.c")
    del files["b/z.c"]
    world.check_refs(where, files)
    check_equal(world.index(where)["gone"], 0, "gone")
    world.ck(where, "index", "/", expect=2)


def test_unreadable(world):
    if os.geteuid() == 0 and not world.become(65534):
        return "the user nobody cannot run the binary"
    files = {"a.c": source("a"), "d/b.c": source("b"), "d/e/c.c": source("c")}
    where = world.path("plain")
    write(where, files)
    world.give(where)
    world.init(where)
    world.index(where)
    os.chmod(os.path.join(where, "a.c"), 0)
    os.chmod(os.path.join(where, "d/e"), 0)
    write(where, {"d/b.c": b"new\n"})
    result = world.ck(where, "index", expect=5)
    check("a.c: Permission denied; its refs stay" in result.err, result.err)
    check("d/e: cannot be listed" in result.err, result.err)
    world.check_refs(where, {**files, "d/b.c": b"new\n"})
    os.chmod(os.path.join(where, "a.c"), 0o644)
    os.chmod(os.path.join(where, "d/e"), 0o755)
    os.remove(os.path.join(where, "d/e/c.c"))
    world.index(where)
    world.check_refs(where, {"a.c": files["a.c"], "d/b.c": b"new\n"})
    return None


def test_refs_deleted_by_hand_come_back(world):
    files = tree("h")
    where = world.repository("one", files)
    world.index(where)
    db = world.store()
    db.execute("DELETE FROM refs WHERE path GLOB 'src/part1/*'")
    db.close()
    world.index(where)
    world.check_refs(where, files)
    db = world.store()
    db.execute("UPDATE ck_manifests SET manifest = zeroblob(40)")
    db.close()
    result = world.ck(where, "index")
    check("damaged" in result.err, result.err)
    world.check_refs(where, files)


def test_status_and_manifest(world):
    files = tree("s", 4)
    where = world.repository("one", files)
    status = world.ck(where, "status", "--json").json
    check_equal((status["model"], len(status["new"])), (None, 4), "before")
    world.index(where)
    status = world.ck(where, "status", "--json").json
    check_equal((status["unchanged"], status["new"], status["changed"], status["gone"]),
                (4, [], [], []), "after")
    names = sorted(files)
    write(where, {names[0]: b"changed\n", "new.c": b"new\n"})
    os.remove(os.path.join(where, names[1]))
    status = world.ck(where, "status", "--json").json
    check_equal((status["new"], status["changed"], status["gone"]),
                (["new.c"], [names[0]], [names[1]]), "status")
    text = world.ck(where, "status").out
    check("1 changed, 1 new, 1 gone" in text and f"changed  {names[0]}" in text, text)
    write(where, {"empty.c": b""})  # has no chunks, so no line
    world.index(where)
    out = world.path("manifest.jsonl")
    world.ck(where, "index", "-q", "--manifest", out)
    import json
    with open(out, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    refs = world.refs(where)
    check_equal([(row["path"], row["chunks"]) for row in rows],
                [(path, [r[4].hex() for r in refs if r[0] == path])
                 for path in sorted({r[0] for r in refs})], "manifest")
    b3 = subprocess.run(["b3sum", "--no-names", os.path.join(where, names[0])], check=True,
                        capture_output=True, text=True).stdout.strip()
    check_equal([row["blake3"] for row in rows if row["path"] == names[0]], [b3], "hash")
