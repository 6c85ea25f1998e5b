"""ck cache remote, push, pull, sync."""
import json
import os
import signal
import sqlite3
import subprocess
import time


def test_remote_add_list_remove(box):
    main = box.workspace()
    folder = box.path / "packs"
    made = box.json("cache", "remote", "add", "team", "../packs/", cwd=main)
    assert made == {"name": "team", "url": f"file:{folder}/", "push": True, "mirror": False}
    assert folder.is_dir()
    box.ck("cache", "remote", "add", "store", "../a %?#b.db", "--no-push", "--mirror", cwd=main)
    rows = {row["name"]: row for row in box.json("cache", "remote", "list", cwd=main)}
    assert rows["store"]["url"] == f"file:{box.path}/a %25%3F%23b.db"
    assert (rows["store"]["push"], rows["store"]["mirror"]) == (0, 1)
    assert box.ck("cache", "remote", "list", cwd=main).count("\n") == 3
    assert box.json("cache", "remote", "remove", "team", cwd=main) == ["team"]
    assert len(box.json("cache", "remote", "list", cwd=main)) == 1


def test_remote_wrong_input(box):
    main = box.workspace()
    box.fails(3, "https are not built in yet", "cache", "remote", "add", "a", "https://x/y", cwd=main)
    box.fails(2, "unknown kind of URL", "cache", "remote", "add", "a", "ftp://x/y", cwd=main)
    box.fails(2, "no '/', got 'a/b'", "cache", "remote", "add", "a/b", "../x", cwd=main)
    box.fails(3, "is not a folder", "cache", "remote", "add", "a", "no/such/x.db", cwd=main)
    box.fails(2, "is this store itself", "cache", "remote", "add", "a", "../base/.ck/embeddings.db",
              cwd=main)
    box.ck("cache", "remote", "add", "a", "../packs/", cwd=main)
    box.fails(3, "there is a remote 'a' already", "cache", "remote", "add", "a", "../q/", cwd=main)
    box.fails(3, "is the remote 'a' already", "cache", "remote", "add", "b", "../packs/", cwd=main)
    for command in ("push", "pull", "sync"):
        box.fails(3, "there is no remote 'x'", "cache", command, "x", cwd=main)
    box.fails(3, "there is no remote 'x'", "cache", "remote", "remove", "x", cwd=main)
    box.ck("cache", "remote", "remove", "a", cwd=main)
    box.fails(3, "the store has no remotes", "cache", "sync", cwd=main)


def test_sync_between_stores(box):
    main, other = box.workspace(), box.workspace("other", "base2")
    store = box.path / "team %.db"
    for tree in (main, other):
        box.ck("cache", "remote", "add", "team", store, cwd=tree)
    box.fill(main, 20)
    box.fill(other, 5, "else")
    assert box.json("cache", "remote", "list", cwd=main)[0]["waiting"] == 20
    assert box.json("cache", "push", cwd=main)[0]["summary"]["pushed"] == 20
    assert store.exists()
    assert "team: pulled 20, pushed 5" in box.ck("cache", "sync", cwd=other)
    assert box.json("cache", "pull", "team", cwd=main)[0]["summary"]["pulled"] == 5
    assert box.json("cache", "stats", cwd=main)["embeddings"] == 25
    assert box.json("cache", "remote", "list", cwd=main)[0]["waiting"] == 0


def test_sync_through_a_folder(box):
    main, other = box.workspace(), box.workspace("other", "base2")
    for tree in (main, other):
        box.ck("cache", "remote", "add", "nas", "../packs/", cwd=tree)
    box.fill(main, 20)
    box.ck("cache", "push", cwd=main)
    assert box.json("cache", "pull", cwd=other)[0]["summary"]["pulled"] == 20
    pack = next(path for path in (box.path / "packs").rglob("*.ckpack"))
    third = box.workspace("third", "base3")
    assert box.json("cache", "import", pack, cwd=third)["new"] == 20


def test_pull_lost(box):
    main = box.workspace()
    box.fill(main, 5, refs=5)
    box.ck("cache", "remote", "add", "team", "../team.db", cwd=main)
    box.ck("cache", "sync", cwd=main)
    box.ck("sql", "UPDATE _ck_vector SET data = zeroblob(32) WHERE id = 2", cwd=main)
    assert box.json("cache", "pull", "--lost", cwd=main)[0]["summary"]["pulled"] == 1
    assert box.json("doctor", "--all", cwd=main)["errors"] == 0


def test_one_remote_of_two_fails(box):
    main = box.workspace()
    box.fill(main, 5)
    box.ck("cache", "remote", "add", "bad", "../bad.db", cwd=main)
    box.ck("cache", "remote", "add", "good", "../good.db", cwd=main)
    (box.path / "bad.db").write_text("this is no database " * 100)
    done = box.run("cache", "sync", "--json", cwd=main)
    assert done.returncode == 5, done
    bad, good = json.loads(done.stdout)
    assert "not a database" in bad["error"] and good["summary"]["pushed"] == 5
    assert "good: pulled 0, pushed 0" in box.ck("cache", "sync", exit=5, cwd=main)
    assert "warning: sync: remote 'bad'" in box.stderr and "1 of 2 remotes failed" in box.stderr
    box.fails(3, "not a database", "cache", "sync", "bad", cwd=main)
    os.remove(box.path / "bad.db")
    box.ck("cache", "sync", "bad", cwd=main)


def test_ctrl_c_while_a_store_is_locked(box):
    main = box.workspace()
    box.fill(main, 5)
    box.ck("cache", "remote", "add", "team", "../team.db", cwd=main)
    box.ck("cache", "sync", cwd=main)
    box.fill(main, 5, word="more")
    for file in (box.path / "team.db", box.path / "base/.ck/embeddings.db"):
        db = sqlite3.connect(file, isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
        run = subprocess.Popen([str(box.binary), "cache", "push"], cwd=main, env=box.env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1)
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        took = time.monotonic() - begun
        db.execute("ROLLBACK")
        db.close()
        assert (run.returncode, out) == (130, "") and "interrupted" in err, (run.returncode, out, err)
        assert took < 4, f"{file.name}: it went on for {took:.1f} s"
    assert "pushed 5" in box.ck("cache", "sync", cwd=main)


def test_remote_refusal_keeps_secrets(box):
    main = box.workspace()
    for url in ("https://user:pa@ss@host/x?token=secret", "ftp://user:secret@host/x"):
        box.ck("cache", "remote", "add", "team", url, cwd=main, exit=3 if url[0] == "h" else 2)
        assert "...@host/x" in box.stderr, box.stderr
        assert "secret" not in box.stderr and "ss@" not in box.stderr and "user" not in box.stderr
