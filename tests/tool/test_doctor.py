"""ck doctor: what it finds, what it repairs, what it says when there is little to look at."""
import os
import pathlib
import shutil
import stat
import tempfile


def findings(box, *options, exit=0, **more):
    """By the name of the check: status, for those that are not in order."""
    shown = box.json("doctor", *options, exit=exit, **more)
    return {f["check"]: f["status"] for f in shown["checks"] if f["status"] != "ok"}


def test_doctor_finds_nothing(box):
    main = box.workspace()
    box.fill(main, 10, refs=5)
    found = findings(box, cwd=main)
    found.pop("location", None)  # temporary files are cleaned by other tools
    assert found == {}, found
    findings(box, "--all", cwd=main)
    assert len(box.ck("doctor", cwd=main).splitlines()) <= 24


def test_doctor_repairs(box):
    main = box.workspace()
    box.fill(main, 10, refs=5)
    box.ck("sql", "UPDATE _ck_meta SET seq = 3; UPDATE _ck_embedding SET bytes = 1 WHERE id = 2",
           cwd=main)
    found = findings(box, exit=1, cwd=main)
    assert found["seq"] == "error" and found["bytes"] == "warn", found
    text = box.ck("doctor", exit=1, cwd=main)
    assert "fix: SELECT ck_repair('seq')" in text and "ck doctor --fix repairs 2 of them." in text
    assert box.json("cache", "stats", cwd=main)["seq"] == 3  # it only looked
    assert box.json("doctor", "--fix", cwd=main)["fixed"] == 2
    assert "Repaired" in box.stderr
    assert "seq" not in findings(box, cwd=main)
    assert box.json("doctor", "--fix", cwd=main)["fixed"] == 0


def test_doctor_journal(box):
    main = box.workspace()
    box.ck("sql", "PRAGMA journal_mode = DELETE", cwd=main)
    assert findings(box, cwd=main)["journal"] == "info"
    box.ck("doctor", "--fix", cwd=main)
    assert box.sql("PRAGMA journal_mode", cwd=main) == [{"journal_mode": "wal"}]


def test_doctor_location(box):
    home = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp")).resolve()
    try:
        for folder in ("node_modules/x", "target", "build", ".cache", "dist"):
            tree = home / folder
            tree.mkdir(parents=True)
            box.ck("init", cwd=tree)
            shown = {f["check"]: f for f in box.json("doctor", cwd=tree)["checks"]}
            assert shown["location"]["status"] == "warn", (folder, shown["location"])
            assert "other tools clean" in shown["location"]["detail"]
            assert "ck init --base" in shown["location"]["fix"]
    finally:
        shutil.rmtree(home)


def test_doctor_permissions(box):
    main = box.workspace()
    store = box.path / "base/.ck/embeddings.db"
    os.chmod(store, 0o666)
    assert findings(box, cwd=main)["permissions"] == "warn"
    assert stat.S_IMODE(os.stat(store).st_mode) == 0o666


def test_doctor_workspace(box):
    main = box.workspace()
    shutil.copytree(main, box.path / "copy")
    assert findings(box, cwd=box.path / "copy")["workspace"] == "info"
    os.rename(main, box.path / "moved")
    assert findings(box, cwd=box.path / "moved")["workspace"] == "info"
    box.ck("workspace", "remove", "main", cwd=box.path / "moved")
    os.remove(box.path / "moved/.ck/.gitignore")
    found = findings(box, cwd=box.path / "moved")
    assert found["workspace"] == "warn" and found["gitignore"] == "warn", found
    box.ck("init", cwd=box.path / "moved")
    assert "workspace" not in findings(box, cwd=box.path / "moved")


def test_doctor_remote(box):
    main = box.workspace()
    box.ck("cache", "remote", "add", "bad", "../bad.db", cwd=main)
    (box.path / "bad.db").write_text("this is no database " * 100)
    box.ck("cache", "sync", exit=3, cwd=main)
    shown = {f["check"]: f for f in box.json("doctor", cwd=main)["checks"]}
    assert shown["remote"]["fix"] == "ck cache sync bad", shown["remote"]


def test_doctor_other_program(box):
    main = box.workspace()
    other = box.folder("bin") / box.binary.name
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    found = findings(box, cwd=main, env={"PATH": f"{box.path}/none:{other.parent}:/bin"})
    assert found["program"] == "info"


def test_doctor_without_a_store(box):
    assert "'ck init" in repr(box.ck("doctor", exit=1)) or "ck init" in box.ck("doctor", exit=1)
    main = box.workspace()
    store = box.path / "base/.ck/embeddings.db"
    store.write_bytes(b"garbage " * 1000)
    assert findings(box, exit=1, cwd=main) == {"open": "error"}
    assert "move the file away" in box.ck("doctor", "--fix", exit=1, cwd=main)
    shutil.rmtree(box.path / "base")
    assert "there is no store at" in box.ck("doctor", exit=1, cwd=main)
    (main / ".ck/config.toml").write_text("bsae = 'x'")
    box.fails(2, "did you mean 'base'", "doctor", cwd=main)
