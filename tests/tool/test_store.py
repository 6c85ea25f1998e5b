"""Stores in a bad state, or where they cannot be written: what is said and still works."""
import os
import sqlite3
import subprocess
import threading

import common


def store_of(box):
    return box.path / "base/.ck/embeddings.db"


def test_store_that_is_an_empty_file(box):
    main = box.workspace()
    for name in os.listdir(box.path / "base/.ck"):
        if name.startswith("embeddings.db"):
            os.remove(box.path / "base/.ck" / name)
    store_of(box).write_bytes(b"")
    for words in (("cache", "stats"), ("cache", "remote", "list"), ("workspace", "list"), ("index",)):
        box.fails(3, "embeddings.db' is an empty file", *words, cwd=main)
        assert "Run: ck init" in box.stderr
    for options in ((), ("--fix",)):
        text = box.ck("doctor", *options, exit=1, cwd=main)
        assert "is an empty file" in text and "fix: ck init" in text, text
        assert "move the file away" not in text
    assert box.json("init", cwd=main)["new_store"]
    assert box.sql("PRAGMA page_size", cwd=main) == [{"page_size": 8192}]
    box.ck("cache", "stats", cwd=main)


def test_doctor_of_a_locked_store(box):
    """It waits for some seconds and then says who is at fault: not the file."""
    main = box.workspace()
    box.ck("sql", "PRAGMA journal_mode = DELETE", cwd=main)
    other = sqlite3.connect(store_of(box))
    other.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(50, other.close)
    timer.start()
    text = box.ck("doctor", exit=1, cwd=main)
    timer.cancel()
    other.close()
    assert "database is locked" in text and "Try again" in text, text
    assert "move the file away" not in text


def test_doctor_of_a_damaged_store(box):
    main = box.workspace()
    box.fill(main, 400, refs=400)
    box.ck("sql", "PRAGMA wal_checkpoint(TRUNCATE)", cwd=main)
    good = store_of(box).read_bytes()
    n = len(good) // 8192
    for pages in ([2], [4], [7], [47], range(2, n)):
        data = bytearray(good)
        for page in pages:
            data[page * 8192:page * 8192 + 4096] = b"\xa5" * 4096
        store_of(box).write_bytes(data)
        for options in ((), ("--fix",)):
            text = box.ck("doctor", *options, exit=1, cwd=main)
            assert "move the file away" in text, text
            assert not options or "doctor --fix repairs" not in text, text


def mounted(box, command):
    """Runs a shell command in which base/ is mounted read-only."""
    script = f"mount --bind base base && mount -o remount,ro,bind base && {command}"
    probe = subprocess.run(["unshare", "-m", "sh", "-c", script.rsplit("&&", 1)[0] + "&& true"],
                           cwd=box.path, capture_output=True, timeout=common.SECONDS)
    if probe.returncode != 0:
        raise common.Skip("nothing can be mounted here")
    return subprocess.run(["unshare", "-m", "sh", "-c", script], cwd=box.path, env=box.env, text=True,
                          capture_output=True, timeout=common.SECONDS)


def test_store_on_a_read_only_file_system(box):
    main = box.workspace()
    (main / "a.c").write_text("int retry_with_backoff(void);\n")
    box.ck("index", cwd=main)
    assert not os.path.exists(str(store_of(box)) + "-wal")
    for words in ("search retry", "status", "cache stats", "workspace list",
                  "cache export ../out.pack", "sql 'SELECT count(*) FROM embeddings'", "doctor"):
        done = mounted(box, f"cd main && {box.binary} {words}")
        assert done.returncode in (0, 1 if words == "doctor" else 0), (words, done.stderr)
        assert "move the file away" not in done.stdout, done.stdout
    assert (box.path / "out.pack").stat().st_size > 0
    done = mounted(box, f"cd main && {box.binary} index")
    assert done.returncode == 3 and "may not be written" in done.stderr, done.stderr


def test_export_to_a_fifo_and_a_device(box):
    main = box.workspace()
    box.fill(main, 5)
    os.mkfifo(box.path / "fifo")
    read = []
    reader = threading.Thread(target=lambda: read.append((box.path / "fifo").read_bytes()))
    reader.start()
    box.ck("cache", "export", "../fifo", cwd=main)
    reader.join(common.SECONDS)
    assert not (box.path / "fifo").is_file() and read[0][:4] == b"CKF\1"
    box.ck("cache", "export", "/dev/null", cwd=main)
    assert os.stat("/dev/null").st_mode & 0o170000 == 0o020000
    box.ck("cache", "export", "../file", cwd=main)
    assert (box.path / "file").read_bytes()[:4] == b"CKF\1"
    assert [p for p in os.listdir(box.path) if ".new-" in p] == []
    box.fails(3, "cannot write", "cache", "export", "..", cwd=main)


def test_export_to_a_terminal(box):
    main = box.workspace()
    box.fill(main, 5)
    shown = box.terminal("cache", "export", "-", cwd=main)
    assert box.exit == 2 and "stdout is a terminal" in shown and "CKF" not in shown, shown
