"""Remotes of every kind, each case by itself: what is said, what is kept, what is refused."""
import json
import os
import signal
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
import time

from world import CLOCK, EXTENSION, check

HERE = os.path.dirname(os.path.abspath(__file__))
DAY = 86400


def equal(actual, expected, what):
    """Fails unless the two are the same."""
    check(actual == expected, f"{what}: {actual!r}, expected {expected!r}")


class Folder:
    """Stores in a folder, by name, with the world's clock."""

    def __init__(self, path):
        self.path = path
        self.open = []
        CLOCK.now = 1_700_000_000

    def file(self, name):
        """A path in it."""
        return os.path.join(self.path, name)

    def url(self, name):
        """The same as a remote's url."""
        return f"file:{self.file(name)}"

    def store(self, name, **remotes):
        """A connection to a store, which has these remotes: name=file."""
        db = sqlite3.connect(CLOCK.uri(self.file(name)), uri=True, timeout=60, isolation_level=None)
        db.enable_load_extension(True)
        db.load_extension(EXTENSION)
        db.execute("SELECT ck_init()")
        for remote, file in remotes.items():
            db.execute("INSERT OR IGNORE INTO ck_remotes(name, url) VALUES (?, ?)",
                       (remote, self.url(file)))
        self.open.append(db)
        return db

    def close(self):
        """Closes all."""
        for db in self.open:
            db.close()


def one(db, sql, *parameters):
    """The first value of the first row."""
    return db.execute(sql, parameters).fetchone()[0]


def call(db, sql, *parameters):
    """What a session says, without what is zero."""
    return {key: n for key, n in json.loads(one(db, sql, *parameters)).items() if n}


def refused(db, sql, *parameters):
    """The message of a statement that must fail."""
    try:
        db.execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        return str(error)
    raise AssertionError(f"{sql} did not fail")


def vector(*numbers):
    """A float32 blob."""
    return struct.pack(f"<{len(numbers)}f", *numbers)


def put(db, *contents):
    """Puts contents, each with a vector of its own."""
    for content in contents:
        db.execute("SELECT ck_put('m', '1', ?, ?)", (content, vector(*content.encode()[:3], 1)))


def refer(db, *contents):
    """The workspace w refers to the contents."""
    db.execute("INSERT OR IGNORE INTO workspaces(name, pinned) VALUES ('w', 1)")
    for content in contents:
        db.execute("INSERT INTO refs(workspace, path, chunk, hash) "
                   "VALUES ('w', ?1, 0, ck_hash('m', '1', ?1))", (content,))


def test_two_models_by_one_name(folder):
    """A push notices it by one of those that both have."""
    a, b = folder.store("a", hub="hub"), folder.store("b", hub="hub")
    put(a, "aaa", "bbb")
    call(a, "SELECT ck_sync('hub')")
    for content in ("aaa", "bbb", "ccc"):
        b.execute("INSERT INTO embeddings(model, version, content, vector) "
                  "VALUES ('m', '1', ?, '[1, -1, 1, -1]')", (content,))
    said = call(b, "SELECT ck_sync('hub')")
    equal((said["conflicts"], said["push_exists"], said["pushed"]), (1, 1, 1), "of the sync")
    equal(one(b, "SELECT sum(detail ->> 'conflicts') FROM ck_audit"), 1, "in the audit here")
    hub = folder.store("hub")
    equal(one(hub, "SELECT count(*) FROM ck_audit WHERE action = 'conflict'"), 1, "and there")


def test_push_and_pull(folder):
    """What is told of a push, a pull, and of each once more."""
    a, b = folder.store("a", hub="hub"), folder.store("b", hub="hub")
    put(a, "aaa", "bbb")
    equal(call(a, "SELECT ck_sync('hub')"),
          {"pushed": 2, "batches": 1, "bytes": 32}, "the first sync")
    equal(call(a, "SELECT ck_sync('hub')"), {}, "the second sync")
    put(b, "bbb", "ccc")
    # One that is known there is sent all the same.
    equal(call(b, "SELECT ck_push('hub')"),
          {"pushed": 1, "push_exists": 1, "batches": 1, "bytes": 32}, "a push of a known one")
    equal(call(b, "SELECT ck_pull('hub')"),
          {"pulled": 1, "pull_exists": 2, "batches": 1, "bytes": 16}, "a pull")
    for db in a, b:
        call(db, "SELECT ck_sync('hub')")
        equal(call(db, "SELECT ck_sync('hub')"), {}, "a sync with nothing to do")
        equal(one(db, "SELECT count(*) FROM embeddings"), 3, "embeddings")
    check(one(a, "SELECT origin FROM embeddings WHERE hash = ck_hash('m', '1', 'ccc')").startswith(
        one(b, "SELECT store_uuid FROM _ck_meta") + "/"), "the origin did not travel")


def test_only_read(folder):
    """Remotes that may only be read: push = 0, and ?mode=ro."""
    hub, a = folder.store("hub"), folder.store("a", ro="hub?mode=ro", quiet="hub")
    put(hub, "aaa", "bbb")
    put(a, "ccc")
    said = refused(a, "SELECT ck_push('ro')")
    check("readonly database" in said and "push = 0" in said, said)
    a.execute("UPDATE ck_remotes SET push = 0, attempts = 0, next_at = NULL")
    equal(one(a, "SELECT count(*) FROM ck_outbox"), 0, "what waits for those who get nothing")
    equal(refused(a, "SELECT ck_push('quiet')"),
          "sync: remote 'quiet': nothing is pushed there (ck_remotes.push is 0)", "a push")
    equal(one(a, "SELECT sum(attempts) FROM ck_remotes"), 0, "failures of a remote that has none")
    before = one(hub, "SELECT seq FROM _ck_meta"), one(hub, "SELECT count(*) FROM ck_peers")
    equal(call(a, "SELECT ck_sync('ro')")["pulled"], 2, "pulled by sync")
    equal(call(a, "SELECT ck_sync('quiet')"), {"pull_exists": 2, "batches": 1}, "the other one")
    equal((one(hub, "SELECT seq FROM _ck_meta"), one(hub, "SELECT count(*) FROM ck_peers")), before,
          "the remote that is only read")


SEALED = """
import os, sqlite3, sys
extension, folder = sys.argv[1:]

def connect(name):
    db = sqlite3.connect(os.path.join(folder, name), isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(extension)
    return db

def pull(db):
    try:
        return db.execute("SELECT ck_pull('ro') ->> 'pulled'").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)

def change(sql):
    if "BEGIN IMMEDIATE" in sql and not os.path.exists(os.path.join(folder, "changed")):
        open(os.path.join(folder, "changed"), "w").close()
        there = connect("there/hub")
        there.execute("SELECT ck_put('m', '1', 'xyz', '[1, 2, 3, 4]')")
        there.close()

a = connect("a")
a.execute("SELECT ck_init()")
a.execute("INSERT INTO ck_remotes(name, url, push) VALUES ('ro', ?, 0)", (f"file:{folder}/ro/hub",))
print(pull(a))
a.set_trace_callback(change)
print(pull(a))
a.set_trace_callback(None)
print(pull(a))
there = connect("there/hub")
there.execute("SELECT ck_put('m', '1', 'zzz', '[1, 2, 3, 5]')").fetchall()
os.link(f"{folder}/there/hub-wal", f"{folder}/there/kept")
there.close()
os.rename(f"{folder}/there/kept", f"{folder}/there/hub-wal")
print(pull(a))
"""


def test_sealed(folder):
    """A remote in WAL mode where no file can be made beside it; and one that is written meanwhile."""
    for name in "there", "ro":
        os.mkdir(folder.file(name))
    hub = folder.store("there/hub")
    hub.execute("PRAGMA journal_mode = WAL")
    put(hub, "aaa", "bbb")
    hub.close()
    script = 'mount --bind there ro && mount -o remount,ro,bind ro && "$@"'
    command = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", script, "sh"]
    if subprocess.run([*command, "true"], cwd=folder.path, capture_output=True,
                      check=False).returncode != 0:
        return
    said = subprocess.run([*command, sys.executable, "-c", SEALED, EXTENSION, folder.path],
                          cwd=folder.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120, check=False).stdout.splitlines()
    equal(len(said), 4, f"lines of {said}")
    equal((said[0], said[2]), ("2", "1"), "pulled before and after it was changed")
    check("was changed while it was read without locks" in said[1], said[1])
    check("-wal" in said[3] and "open and close it once" in said[3], said[3])


def test_unreachable(folder):
    """An error of a sync; of a look-up a row and a miss, until it is there again."""
    a = folder.store("a", b_far="none/hub", c_dir="none/packs/", z_hub="hub")
    wanted = one(a, "SELECT ck_hash('m', '1', 'aaa')")
    for remote in "b_far", "c_dir":
        said = refused(a, "SELECT ck_sync(?)", remote)
        check(said.startswith(f"sync: remote '{remote}': ") and "none/" in said, said)
        check(".tmp" not in said, said)
    equal(one(a, "SELECT group_concat(source || ' ' || code) FROM ck_errors ORDER BY 1"),
          "sync:b_far failed,sync:c_dir failed", "errors")
    equal(call(a, "SELECT ck_pull(NULL, ?)", wanted), {"missing": 1, "unreachable": 1},
          "a look-up while two are not due and one is not there")
    CLOCK.now += 60
    hub = folder.store("hub")
    put(hub, "aaa")
    equal(call(a, "SELECT ck_pull(NULL, ?)", wanted),
          {"pulled": 1, "batches": 1, "bytes": 16, "unreachable": 2}, "a look-up when it is there")
    check(one(a, "SELECT origin FROM embeddings").startswith(
        one(hub, "SELECT store_uuid FROM _ck_meta")), "the origin did not come along")
    equal(one(a, "SELECT count(*) FROM ck_errors WHERE source = 'sync:z_hub'"), 0, "old errors")
    equal(call(a, "SELECT ck_pull(NULL, ?)", wanted), {}, "a look-up of what is here")
    for url in "https://h/", "/tmp/hub":
        a.execute("UPDATE ck_remotes SET url = ? WHERE name = 'b_far'", (url,))
        check("begin with 'file:'" in refused(a, "SELECT ck_sync('b_far')"), url)
    check("no remote 'x' in ck_remotes ('b_far'" in refused(a, "SELECT ck_sync('x')"), "x")


def test_itself(folder):
    """A url that leads back, and a copy that nobody has written to yet."""
    a = folder.store("a", me="a", copy="copy")
    put(a, "aaa")
    equal(refused(a, "SELECT ck_sync('me')"),
          "sync: remote 'me' is this store itself", "a sync with itself")
    copy = sqlite3.connect(folder.file("copy"))
    a.backup(copy)
    copy.close()
    equal(call(a, "SELECT ck_pull('copy')"), {"pull_exists": 1, "batches": 1}, "from a copy")
    put(a, "bbb")
    equal(call(a, "SELECT ck_push('copy')")["pushed"], 1, "to a copy")


def test_workspaces_lack(folder):
    """What a workspace refers to and is damaged here is got again."""
    a = folder.store("a", hub="hub")
    put(a, "aaa", "bbb", "ccc")
    refer(a, "aaa", "bbb")
    call(a, "SELECT ck_push('hub')")
    good = a.execute("SELECT hash, vector FROM embeddings ORDER BY hash").fetchall()
    equal(call(a, "SELECT ck_pull('hub', 'workspaces')"), {}, "when nothing is lost")
    a.execute("UPDATE _ck_vector SET data = zeroblob(16)")
    equal(call(a, "SELECT ck_pull('hub', 'workspaces')")["pulled"], 2, "what is referred to")
    equal(call(a, "SELECT ck_pull(NULL, ck_hash('m', '1', 'ccc'))")["pulled"], 1, "the third")
    equal(a.execute("SELECT hash, vector FROM embeddings ORDER BY hash").fetchall(), good, "rows")


def test_reports(folder):
    """The remote knows what is in use, in parts, until 90 days after the last heartbeat."""
    a, hub = folder.store("a", hub="hub"), folder.store("hub")
    contents = [f"{i:05}" for i in range(10_050)]
    a.execute("BEGIN")
    put(a, *contents)
    refer(a, *contents[::2])
    a.execute("COMMIT")
    equal(call(a, "SELECT ck_sync('hub')")["reported"], 5_025, "reported")
    equal(one(hub, "SELECT count(*) FROM _ck_report"), 5_025, "known there")
    hash_of = "ck_hash('m', '1', ?)"
    equal(one(hub, f"SELECT ck_retire({hash_of}) ->> '$[0].state'", contents[0]), "referenced",
          "what is in use")
    equal(one(hub, f"SELECT ck_retire({hash_of}) ->> '$[0].state'", contents[1]), "retired",
          "what is not")
    a.execute("DELETE FROM refs WHERE path < '00100'")
    equal(call(a, "SELECT ck_push('hub')"), {"reported": 4_975}, "a smaller report")
    equal(one(hub, "SELECT count(*) FROM _ck_report"), 4_975, "known there")
    call(a, "SELECT ck_sync('hub')")
    CLOCK.now += 80 * DAY
    equal(call(a, "SELECT ck_sync('hub')"), {}, "a heartbeat")
    CLOCK.now += 80 * DAY
    for _ in range(2):
        hub.execute("SELECT ck_gc()")
    equal(one(hub, "SELECT count(*) FROM _ck_report"), 4_975, "kept alive by the heartbeat")
    CLOCK.now += 11 * DAY
    hub.execute("SELECT ck_gc()")
    equal(one(hub, "SELECT count(*) FROM _ck_report"), 0, "after 91 days")
    equal(call(a, "SELECT ck_sync('hub')").get("reported"), 4_975, "told again")


def test_directory(folder):
    """A folder of packs: it is made, read once, and a missing one that was known is refused."""
    a, b = folder.store("a", packs="packs/"), folder.store("b", packs="packs/")
    put(a, "aaa", "bbb")
    check("is not there" in refused(b, "SELECT ck_pull('packs')"), "a pull before the first push")
    equal(call(a, "SELECT ck_sync('packs')")["pushed"], 2, "pushed")
    equal(call(b, "SELECT ck_sync('packs')")["pulled"], 2, "pulled")
    for db in a, b:
        equal(call(db, "SELECT ck_sync('packs')"), {}, "a sync with nothing to do")
    segment = [name for name in os.listdir(folder.file("packs")) if name.endswith(".ckpack")][0]
    path = os.path.join(folder.file("packs"), segment)
    with open(path, "r+b") as file:
        file.write(b"CKF\1\1\0\xff\xff\xff\xff")
    c = folder.store("c", packs="packs/")
    equal(call(c, "SELECT ck_pull('packs')"), {"damaged": 1}, "a segment that lies")
    check("n_models is 65535" in one(c, "SELECT message FROM ck_errors"), "its error")
    os.rename(folder.file("packs"), folder.file("away"))
    check("is the folder mounted?" in refused(a, "SELECT ck_sync('packs')"), "a folder that went")
    check(not os.path.exists(folder.file("packs")), "the folder was made again")


def test_directory_retry(folder):
    """What did not read back is tried again, once each time, and goes when it is whole."""
    a, b = folder.store("a", packs="packs/"), folder.store("b", packs="packs/")
    put(a, "aaa", "bbb")
    good = one(a, "SELECT data FROM _ck_vector WHERE id = 1")
    a.execute("UPDATE _ck_vector SET data = zeroblob(16) WHERE id = 1")
    a.set_progress_handler(lambda: 1, 10_000_000)  # what does not end is interrupted
    equal(call(a, "SELECT ck_push('packs')")["pushed"], 1, "pushed")
    CLOCK.now += 60
    equal(call(a, "SELECT ck_push('packs')"), {"batches": 1}, "the damaged one once more")
    equal(one(a, "SELECT attempts FROM ck_outbox"), 2, "attempts")
    a.execute("UPDATE _ck_vector SET data = ? WHERE id = 1", (good,))
    put(a, "ccc")
    CLOCK.now += 60
    equal(call(a, "SELECT ck_push('packs')")["pushed"], 2, "pushed when it is whole")
    equal(call(a, "SELECT ck_push('packs')"), {}, "the next push")
    equal(call(b, "SELECT ck_pull('packs')")["pulled"], 3, "pulled")


def test_directory_retired(folder):
    """What was retired stays retired for who reads the folder later, whatever the stores' names are;
    what was put back after that is there."""
    for first in range(4):
        packs = f"packs{first}/"
        stores = [folder.store(f"{name}{first}", packs=packs) for name in ("a", "b")]
        a, b = sorted(stores, key=lambda db: one(db, "SELECT store_uuid FROM _ck_meta"),
                      reverse=first % 2)
        put(a, "aaa", "bbb", "ccc")
        call(a, "SELECT ck_sync('packs')")
        call(b, "SELECT ck_sync('packs')")
        CLOCK.now += 60
        refer(a, "bbb")
        hashes = [one(b, "SELECT ck_hash('m', '1', ?)", text) for text in ("aaa", "bbb", "ccc")]
        b.execute("SELECT ck_retire(?)", (hashes[0] + hashes[1],))
        call(b, "SELECT ck_sync('packs')")
        CLOCK.now += 60
        call(a, "SELECT ck_sync('packs')")  # it needs bbb
        CLOCK.now += 86400
        c = folder.store(f"c{first}", packs=packs)
        if first < 2:
            equal(call(c, "SELECT ck_pull('packs', ?)", b"".join(hashes)),
                  {"pulled": 2, "missing": 1, "batches": 3, "bytes": 32}, "by hash")
            equal(one(c, "SELECT count(*) FROM ck_tombstones"), 0, "tombstones that came by hash")
        for db in a, b, c, a, b, c:
            call(db, "SELECT ck_sync('packs')")
        for db in a, b, c:
            equal({row[0] for row in db.execute("SELECT hash FROM embeddings")}, set(hashes[1:]),
                  f"hashes in round {first}")
            equal(call(db, "SELECT ck_sync('packs')"), {}, "a sync with nothing to do")


def test_directory_late(folder):
    """A segment that can be read only after a tombstone of what is in it."""
    a, b = folder.store("a", packs="packs/"), folder.store("b", packs="packs/")
    put(a, "aaa")
    call(a, "SELECT ck_sync('packs')")
    call(b, "SELECT ck_sync('packs')")
    segment = [name for name in os.listdir(folder.file("packs")) if name.endswith(".ckpack")][0]
    path = os.path.join(folder.file("packs"), segment)
    os.rename(path, folder.file("away"))
    CLOCK.now += 60
    b.execute("SELECT ck_retire(ck_hash('m', '1', 'aaa'))")
    call(b, "SELECT ck_sync('packs')")
    c = folder.store("c", packs="packs/")
    equal(call(c, "SELECT ck_sync('packs')"), {"pulled": 1, "batches": 1}, "a tombstone")
    os.rename(folder.file("away"), path)
    equal(call(c, "SELECT ck_sync('packs')"), {"batches": 1}, "the segment before it")
    equal(one(c, "SELECT count(*) FROM embeddings"), 0, "embeddings")


def test_directory_odd(folder):
    """What is named like a segment and is none: a folder, a pipe, a link to nowhere."""
    a = folder.store("a", packs="packs/")
    put(a, "aaa")
    call(a, "SELECT ck_sync('packs')")
    os.mkdir(folder.file("packs/dir.ckpack"))
    os.mkfifo(folder.file("packs/pipe.ckpack"))
    os.symlink("nowhere", folder.file("packs/link.ckpack"))
    put(a, "bbb")
    signal.alarm(20)  # a pipe that is waited for ends the program
    equal(call(a, "SELECT ck_sync('packs')"),
          {"pushed": 1, "damaged": 3, "batches": 1, "bytes": 16}, "a sync")
    said = [row[0] for row in a.execute("SELECT message FROM ck_errors ORDER BY code")]
    check(len(said) == 3 and "dir.ckpack: it is not a file" in said[0] and
          "pipe.ckpack: it is not a file" in said[2], said)
    os.rename(folder.file("packs/ck-packs.json"), folder.file("hello"))
    os.mkfifo(folder.file("packs/ck-packs.json"))
    check("it is not a file" in refused(a, "SELECT ck_sync('packs')"), "a pipe instead of a hello")
    signal.alarm(0)


def test_directory_model(folder):
    """What a model of other dims refuses is taken when the model is gone."""
    a, b = folder.store("a", packs="packs/"), folder.store("b", packs="packs/")
    put(a, "aaa", "bbb")
    a.execute("SELECT ck_put('n', '1', 'ccc', '[1, 2]')")
    call(a, "SELECT ck_sync('packs')")
    b.execute("INSERT INTO models(model, version, dims) VALUES ('m', '1', 7)")
    equal(call(b, "SELECT ck_sync('packs')"),
          {"pulled": 1, "pull_rejected": 2, "batches": 1, "bytes": 40}, "a sync")
    equal(call(b, "SELECT ck_sync('packs')"), {}, "the next one")
    said = one(b, "SELECT message FROM ck_errors WHERE source = 'sync:packs'")
    check("vector has 4 dims, model 'm' version '1' has 7" in said, said)
    b.execute("DELETE FROM models WHERE model = 'm'")
    equal(call(b, "SELECT ck_sync('packs')"),
          {"pulled": 2, "pull_exists": 1, "batches": 1, "bytes": 40}, "when it is gone")
    equal(one(b, "SELECT count(*) FROM ck_errors"), 0, "errors")
    equal(call(b, "SELECT ck_sync('packs')"), {}, "a sync with nothing to do")


def test_directory_killed(folder):
    """What a killed push was writing goes with a later one; what another process writes stays."""
    a, b = folder.store("a", packs="packs/"), folder.store("b", packs="packs/")
    put(a, "aaa")
    put(b, "bbb")
    call(a, "SELECT ck_sync('packs')")
    names = []
    for db, age in (a, 2 * DAY), (a, 7_200), (a, 600), (b, 2 * DAY):
        names.append(f".{one(db, 'SELECT store_uuid FROM _ck_meta')}-{len(names):016x}.tmp")
        path = os.path.join(folder.file("packs"), names[-1])
        with open(path, "wb") as file:
            file.write(b"CKF")
        os.utime(path, (time.time() - age, time.time() - age))

    def left():
        there = os.listdir(folder.file("packs"))
        return [name in there for name in names]
    call(a, "SELECT ck_sync('packs')")
    equal(left(), [True] * 4, "files after a sync that has nothing to write")
    put(a, "ccc")
    call(a, "SELECT ck_push('packs')")
    equal(left(), [False, False, True, True], "files after a push of one store")
    call(b, "SELECT ck_push('packs')")
    equal(left(), [False, False, True, False], "files after a push of the other")
    call(b, "SELECT ck_sync('packs')")
    equal(sum(name.endswith(".tmp") for name in os.listdir(folder.file("packs"))), 1, "left")


def test_directory_errors(folder):
    """An error that speaks of a segment goes with the segment."""
    a = folder.store("a", packs="packs/")
    put(a, "aaa")
    call(a, "SELECT ck_sync('packs')")
    for name in "x", "y":
        with open(folder.file(f"packs/{name}.ckpack"), "wb") as file:
            file.write(b"no pack")
    equal(call(a, "SELECT ck_sync('packs')"), {"damaged": 2}, "a sync")
    os.remove(folder.file("packs/x.ckpack"))
    equal(call(a, "SELECT ck_sync('packs')"), {"damaged": 1}, "a sync without one of them")
    equal(one(a, "SELECT group_concat(code) FROM ck_errors"), "segment y.ckpack", "errors")
    os.remove(folder.file("packs/y.ckpack"))
    equal(call(a, "SELECT ck_sync('packs')"), {}, "a sync without the other")
    equal(one(a, "SELECT count(*) FROM ck_errors"), 0, "errors")


def test_urls(folder):
    """A url is read alike for stores and folders; what can be no remote is refused."""
    for name, url in ("a", "my%20packs/"), ("b", "my%20store%2Edb"), ("c", "100%/"), ("d", "%zz.db"):
        db = folder.store(name, r=url)
        put(db, "aaa")
        equal(call(db, "SELECT ck_push('r')")["pushed"], 1, url)
    db.execute("UPDATE ck_remotes SET url = replace(url, 'file:', 'file://localhost') || '-packs/'")
    equal(call(db, "SELECT ck_push('r')")["pushed"], 1, "a local host")
    there = os.listdir(folder.path)
    for name in "my packs", "my store.db", "100%", "%zz.db":
        check(name in there, f"{name} is not among {there}")
    for url, why in (("file:", "expected the path"), ("file://localhost", "expected the path"),
                     ("file:?mode=ro", "expected the path"),
                     ("file::memory:", "expected the path"),
                     ("file:%3Amemory:", "expected the path"),
                     ("file:x?mode=memory&cache=shared", "expected the path"),
                     ("file://nas/packs/", "the host of a 'file:' url is empty or localhost"),
                     ("file://nas/store", "the host of a 'file:' url is empty or localhost"),
                     (folder.url("packs/?mode=ro"), "a folder has no parameters")):
        db.execute("UPDATE ck_remotes SET url = ?", (url,))
        said = refused(db, "SELECT ck_sync('r')")
        check(said.startswith(f"sync: remote 'r' is at '{url}'; {why}"), said)
    equal(sorted(os.listdir(folder.path)), sorted(there), "files")


def test_url_as_name(folder):
    """A remote that is named like the url of another one is that of its name."""
    a = folder.store("a", far="hub")
    a.execute("INSERT INTO ck_remotes(name, url) VALUES ('file:x', ?), ('a', 'file:x')",
              (folder.url("named"),))
    put(a, "aaa")
    equal(call(a, "SELECT ck_sync('file:x')")["pushed"], 1, "pushed")
    check(os.path.exists(folder.file("named")), "it is not where the remote of that name is")
    equal(call(a, "SELECT ck_sync(?)", folder.url("hub"))["pushed"], 1, "by its url")


def test_pack_is_a_cache(folder):
    """A store streamed into a file, pack by pack, and read back: the recipe of the README."""
    a, b = folder.store("a"), folder.store("b")
    a.execute("INSERT INTO models(model, version, dims, metric, encoding) "
              "VALUES ('m', '1', 4, 'l2', 'f16')")
    put(a, *[f"{i:03}" for i in range(500)])
    since, sizes = 0, []
    with open(folder.file("cache.ckpack"), "wb") as file:
        while True:
            pack = one(a, "SELECT ck_pack(?, 200, 4000)", since)
            if pack is None:
                break
            sizes.append(file.write(pack))
            since = one(a, "SELECT max(seq) FROM ck_unpack(?)", pack)
    check(len(sizes) > 2 and max(sizes) < 20_000, f"packs of {sizes}")
    with open(folder.file("cache.ckpack"), "rb") as file:
        whole = file.read()
    b.execute("INSERT OR IGNORE INTO models(model, version, dims, metric, normalized, encoding) "
              "SELECT DISTINCT model, version, dims, metric, normalized, encoding "
              "FROM ck_unpack(?) WHERE op = 'put'", (whole,))
    b.execute("INSERT OR IGNORE INTO embeddings(hash, model, version, vector, origin) "
              "SELECT hash, model, version, vector, origin FROM ck_unpack(?) WHERE op = 'put'",
              (whole,))
    rows = "SELECT hash, vector FROM embeddings ORDER BY hash"
    equal(b.execute(rows).fetchall(), a.execute(rows).fetchall(), "the rows")
    equal(one(b, "SELECT metric || encoding FROM models"), "l2f16", "the model")


def test_claims(folder):
    """A lease in a remote, by its file: the recipe of the README."""
    hub = folder.store("hub")
    put(hub, "aaa")
    hashes = one(hub, "SELECT json_array(hex(ck_hash('m', '1', 'aaa')), "
                 "hex(ck_hash('m', '1', 'bbb')))")
    answers = []
    for owner in "one", "two":
        db = folder.store(owner)
        db.execute("ATTACH ? AS team", (folder.file("hub"),))
        said = json.loads(one(db, "SELECT ck_claim(?, ?, 60, 'team')", hashes, owner))
        answers.append([answer["state"] for answer in said])
    equal(answers, [["have", "granted"], ["have", "busy"]], "claims")
    CLOCK.now += 61
    equal(one(folder.open[-1], "SELECT ck_claim(?, 'two', 60, 'team') "
              "->> '$[1].fence'", hashes), 2, "the fence of a lease that was stolen")


def test_audit_is_bounded(folder):
    """The newest 10,000 rows, of at most a year."""
    a, b = folder.store("a", hub="hub"), folder.store("b", hub="hub")
    put(a, "aaa")
    call(a, "SELECT ck_push('hub')")
    call(b, "SELECT ck_pull('hub')")
    who = "SELECT action, store = (SELECT store_uuid FROM _ck_meta) FROM ck_audit"
    equal(b.execute(who).fetchall(), [("pulled", 1)], "who pulled")
    equal(folder.store("hub").execute(who).fetchall(), [("received", 0)], "who pushed")
    a.execute("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10050) "
              "INSERT INTO ck_audit(at, action, detail) SELECT ?, 'test', '{}' FROM n",
              (CLOCK.now,))
    put(a, "bbb")
    call(a, "SELECT ck_push('hub')")
    equal(one(a, "SELECT count(*) FROM ck_audit"), 10_000, "rows")
    CLOCK.now += 366 * DAY
    a.execute("SELECT ck_gc()")
    check(one(a, f"SELECT count(*) FROM ck_audit WHERE at < {CLOCK.now - 365 * DAY}") == 0,
          "rows of more than a year")


def test_two_at_once(folder):
    """Two processes sync at once: the same store twice, and two stores with one remote."""
    for name, first in ("a", 0), ("b", 500):
        db = folder.store(name, hub="hub")
        db.execute("BEGIN")
        put(db, *[f"{i:04}" for i in range(first, first + 1000)])
        db.execute("COMMIT")
    script = ("import sqlite3, sys; db = sqlite3.connect(sys.argv[1], 60, isolation_level=None); "
              "db.enable_load_extension(True); db.load_extension(sys.argv[2]); "
              "db.execute(\"UPDATE ck_remotes SET batch_items = 100\"); "
              "print(db.execute(\"SELECT ck_sync('hub')\").fetchone()[0])")
    for _ in range(2):
        processes = [subprocess.Popen(
            [sys.executable, "-c", script, folder.file(name), EXTENSION], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for name in ("a", "b", "a")]
        for process in processes:
            said = process.communicate(timeout=120)[0]
            check(process.returncode == 0, said)
    for name in "a", "b", "hub":
        db = folder.store(name)
        equal(one(db, "SELECT count(*) FROM embeddings"), 1500, f"embeddings of {name}")
        equal(one(db, "SELECT count(*) FROM ck_progress"), 0, f"progress of {name}")


def test_retired_before_sync(folder):
    """What was retired stays so, whatever a remote lists that has yet to hear of it."""
    a, b = folder.store("a", hub="hub", second="second"), folder.store("b", hub="hub")
    put(a, "aaa", "bbb")
    put(b, "aaa", "bbb")
    call(b, "SELECT ck_sync('hub')")
    b.execute("INSERT INTO ck_remotes(name, url) VALUES ('second', ?)", (folder.url("second"),))
    call(b, "SELECT ck_sync('second')")
    CLOCK.now += 1
    retired = one(a, "SELECT ck_hash('m', '1', 'aaa')")
    equal(one(a, "SELECT ck_retire(?) ->> '$[0].state'", retired), "retired", "the retirement")
    for remote in "hub", "second":
        equal(call(a, "SELECT ck_pull(?)", remote), {"pull_exists": 2, "batches": 1},
              f"the pull from {remote}")
    equal(one(a, "SELECT count(*) FROM ck_outbox WHERE op = 'tombstone'"), 2, "what waits")
    for db, remote in (a, "hub"), (b, "hub"), (a, "second"), (b, "second"), (a, "hub"):
        call(db, "SELECT ck_sync(?)", remote)
    for name in "a", "b", "hub", "second":
        db = folder.store(name)
        equal(one(db, "SELECT group_concat(hash = ?) FROM embeddings", retired), "0", name)
        equal(one(db, "SELECT count(*) FROM ck_tombstones"), 1, f"tombstones of {name}")
    put(b, "aaa")
    call(b, "SELECT ck_sync('hub')")
    equal(call(a, "SELECT ck_sync('hub')")["pulled"], 1, "what was put again")


def test_retired_is_asked_for(folder):
    """Who asks for a hash gets it, although it was retired; and what the remote needs comes back."""
    a, b = folder.store("a", hub="hub"), folder.store("b", hub="hub")
    for db in b, a:
        put(db, "aaa", "bbb")
    call(b, "SELECT ck_sync('hub')")
    CLOCK.now += 1
    for content in "aaa", "bbb":
        equal(one(a, "SELECT ck_retire(ck_hash('m', '1', ?)) ->> '$[0].state'", content), "retired",
              content)
    equal(call(a, "SELECT ck_pull('hub', ck_hash('m', '1', 'bbb'))")["pulled"], 1, "asked for")
    refer(b, "aaa")
    call(b, "SELECT ck_sync('hub')")
    call(a, "SELECT ck_sync('hub')")
    equal(one(a, "SELECT count(*) FROM embeddings"), 1, "while the remote is told")
    equal(call(a, "SELECT ck_sync('hub')")["pulled"], 1, "what the remote needs")
    equal(one(a, "SELECT count(*) FROM ck_tombstones"), 0, "tombstones")


def test_retired_and_restored(folder):
    """A remote that is another one than it was is told of what was retired, as well."""
    a = folder.store("a", hub="hub")
    put(a, "aaa", "bbb")
    call(a, "SELECT ck_sync('hub')")
    CLOCK.now += 1
    one(a, "SELECT ck_retire(ck_hash('m', '1', 'aaa'))")
    shutil.copy(folder.file("hub"), folder.file("copy"))
    os.replace(folder.file("copy"), folder.file("hub"))
    equal(call(a, "SELECT ck_sync('hub')")["relisted"], 1, "a copy in its place")
    for name in "a", "hub":
        equal(one(folder.store(name), "SELECT count(*) FROM embeddings"), 1, name)


def test_listing_of_many_models(folder):
    """A page of more models, or origins, than a frame can name."""
    hub, a, b = folder.store("hub"), folder.store("a", hub="hub"), folder.store("b", hub="hub")
    hub.execute("BEGIN")
    for i in range(300):
        hub.execute("SELECT ck_put('m' || ?, '1', 'x', ?)", (i, vector(1, 2)))
    hub.execute("COMMIT")
    equal(call(a, "SELECT ck_sync('hub')")["pulled"], 300, "of 300 models")
    hub.execute("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
                "INSERT INTO embeddings(model, version, content, vector, origin) "
                "SELECT 'm1', '1', 'c' || i, ?, 'o' || i FROM n", (vector(1, 2),))
    b.execute("UPDATE ck_remotes SET batch_items = 10000")
    equal(call(b, "SELECT ck_sync('hub')")["pulled"], 5300, "of 5000 origins")


def test_replaced_row(folder):
    """INSERT OR REPLACE into ck_remotes begins from nothing, with the old name and the old url."""
    a, hub = folder.store("a", hub="hub"), folder.store("hub")
    put(hub, "bbb")
    put(a, "aaa")
    call(a, "SELECT ck_pull('hub')")
    equal(one(a, "SELECT count(*) FROM ck_acks"), 1, "answers")
    for name, file in ("hub", "new"), ("other", "new"):
        a.execute("INSERT OR REPLACE INTO ck_remotes(name, url) VALUES (?, ?)",
                  (name, folder.url(file)))
        equal(one(a, "SELECT count(*) FROM ck_outbox"), 2, "what waits")
        call(a, "SELECT ck_sync(?)", name)
        equal(one(folder.store("new"), "SELECT count(*) FROM embeddings"), 2, "what is there")
    a.execute("INSERT INTO ck_errors VALUES ('sync:other', 'failed', 'x', 0, 0, 1)")
    a.execute("DELETE FROM ck_remotes")
    equal(one(a, "SELECT count(*) FROM ck_errors"), 0, "errors of a remote that is gone")


def test_epoch_is_unset(folder):
    """UPDATE ck_remotes SET epoch = NULL begins anew."""
    a, hub = folder.store("a", hub="hub"), folder.store("hub")
    put(a, "aaa", "bbb")
    call(a, "SELECT ck_sync('hub')")
    hub.execute("DELETE FROM embeddings")
    equal(call(a, "SELECT ck_sync('hub')"), {}, "a sync that knows nothing of it")
    a.execute("UPDATE ck_remotes SET epoch = NULL")
    said = call(a, "SELECT ck_sync('hub')")
    equal((said.get("relisted"), said.get("pushed")), (1, 2), "a sync that begins anew")
    equal(call(a, "SELECT ck_sync('hub')"), {}, "the next one")


def test_refusal_is_lifted(folder):
    """What was refused of a model comes when its dims are the same."""
    hub, a = folder.store("hub"), folder.store("a", hub="hub")
    put(hub, "aaa")
    hub.execute("SELECT ck_put('other', '1', 'x', ?)", (vector(1, 2),))
    a.execute("INSERT INTO models(model, version, dims) VALUES ('other', '1', 3)")
    said = call(a, "SELECT ck_sync('hub')")
    equal((said["pulled"], said["pull_rejected"]), (1, 1), "with a model of other dims")
    a.execute("DELETE FROM models WHERE model = 'other'")
    said = call(a, "SELECT ck_sync('hub')")
    equal((said["pulled"], said["relisted"]), (1, 1), "without it")
    equal(call(a, "SELECT ck_sync('hub')"), {}, "the next one")
    equal(one(a, "SELECT count(*) FROM ck_errors"), 0, "errors")


def test_mirror_switched(folder):
    """A remote that becomes a mirror keeps all that it has; one that is none any more, or has gone,
    keeps nothing."""
    hub, a = folder.store("hub"), folder.store("a", hub="hub")
    put(hub, "aaa", "bbb")
    call(a, "SELECT ck_pull('hub')")
    one(a, "SELECT ck_gc(0)")
    equal(one(a, "SELECT count(*) FROM embeddings"), 0, "what nobody refers to")
    mirrored = "SELECT count(*) FROM refs WHERE workspace = 'mirror'"
    ends = ("UPDATE ck_remotes SET mirror = 0", "DELETE FROM ck_remotes",
            "INSERT OR REPLACE INTO ck_remotes(name, url) VALUES ('hub', 'file:elsewhere')")
    for end in ends:
        a.execute("INSERT OR REPLACE INTO ck_remotes(name, url) VALUES ('hub', ?)",
                  (folder.url("hub"),))
        call(a, "SELECT ck_pull('hub')")
        a.execute("UPDATE ck_remotes SET mirror = 1")
        call(a, "SELECT ck_pull('hub')")
        one(a, "SELECT ck_gc(0)")
        equal(one(a, mirrored), 2, "refs of the mirror")
        a.execute("UPDATE ck_remotes SET name = 'team'")
        equal(one(a, mirrored), 0, "refs of the old name")
        call(a, "SELECT ck_pull('team')")
        equal(one(a, mirrored), 2, "refs of the new name")
        a.execute("UPDATE ck_remotes SET name = 'hub'")
        call(a, "SELECT ck_pull('hub')")
        a.execute(end)
        equal(one(a, mirrored), 0, f"refs of the mirror after {end}")


def test_many_writers(folder):
    """A thousand connections that wrote since the last sync do not make it another remote."""
    hub, a = folder.store("hub"), folder.store("a", hub="hub")
    put(hub, "aaa")
    put(a, "bbb")
    call(a, "SELECT ck_sync('hub')")
    hub.execute("WITH RECURSIVE n(i) AS (SELECT seq + 1 FROM _ck_meta UNION ALL "
                "SELECT i + 1 FROM n LIMIT 1001) "
                "INSERT INTO _ck_writer(seq, word) SELECT i, i FROM n")
    hub.execute("UPDATE _ck_meta SET seq = seq + 1001")
    put(hub, "ccc")
    said = call(a, "SELECT ck_sync('hub')")
    equal((said["pulled"], said.get("relisted")), (1, None), "a sync after that")


def test_vanished(folder):
    """A store that was there is not made anew; a copy that is put back is told once."""
    a = folder.store("a", hub="hub")
    put(a, "aaa")
    call(a, "SELECT ck_sync('hub')")
    os.rename(folder.file("hub"), folder.file("away"))
    said = refused(a, "SELECT ck_sync('hub')")
    check("hub" in said and "mounted" in said and "epoch = NULL" in said, said)
    check(not os.path.exists(folder.file("hub")), "the store was made anew")
    shutil.copy(folder.file("away"), folder.file("hub"))
    put(a, "bbb")
    said = call(a, "SELECT ck_sync('hub')")
    equal((said["relisted"], said["pushed"]), (1, 1), "a copy in its place")
    equal(call(a, "SELECT ck_sync('hub')"), {}, "the next one")
    os.remove(folder.file("hub"))
    a.execute("UPDATE ck_remotes SET epoch = NULL")
    equal(call(a, "SELECT ck_sync('hub')")["pushed"], 2, "another one, which was asked for")


def test_late_answers(folder):
    """Answers of a remote that was replaced since the batch was taken are refused."""
    a, hub = folder.store("a", hub="hub"), folder.store("hub")
    put(a, "aaa")
    greet = "SELECT ck_handshake('hub', ?)"
    a.execute(greet, (one(hub, "SELECT ck_hello()"),))
    answers = one(a, "SELECT json_group_array(json_object('hash', hex(hash), 'seq', seq, "
                  "'listing', listing, 'result', 'created')) FROM ck_batch('hub')")
    new = folder.store("new")
    a.execute(greet, (one(new, "SELECT ck_hello()"),))
    check("shake hands again" in refused(a, "SELECT ck_ack('hub', ?)", answers), "a late answer")
    equal(one(a, "SELECT count(*) FROM ck_outbox"), 1, "what waits")
    answers = one(a, "SELECT json_group_array(json_object('hash', hex(hash), 'seq', seq, "
                  "'listing', listing, 'result', 'created')) FROM ck_batch('hub')")
    equal(one(a, "SELECT ck_ack('hub', ?)", answers), 1, "an answer in time")
    equal(one(a, "SELECT count(*) FROM ck_outbox"), 0, "what waits")


def test_collected_meanwhile(folder):
    """A mirror gets what was here when it was listed, and is not when that is applied."""
    hub, a = folder.store("hub"), folder.store("a", hub="hub")
    put(hub, "aaa", "bbb")
    put(a, "aaa")
    call(a, "SELECT ck_push('hub')")
    a.execute("UPDATE ck_remotes SET mirror = 1")
    other = folder.store("a")
    begun = []

    def collect(statement):
        if "BEGIN IMMEDIATE" in statement:
            begun.append(1)
            if len(begun) == 2:
                other.execute("DELETE FROM embeddings")

    a.set_trace_callback(collect)
    call(a, "SELECT ck_pull('hub')")
    a.set_trace_callback(None)
    check(len(begun) > 2, f"{len(begun)} transactions")
    equal(one(a, "SELECT count(*) FROM refs WHERE workspace = 'mirror'"), 2, "refs of the mirror")
    equal(call(a, "SELECT ck_pull('hub')"), {}, "the next one")


def test_overtaken_hello(folder):
    """Another process syncs between what the remote says and what is made of that: it is no backup."""
    a, other, hub = folder.store("a", hub="hub"), folder.store("a"), folder.store("hub")
    put(a, "aaa")
    call(a, "SELECT ck_sync('hub')")
    before = a.execute("SELECT listing, epoch FROM ck_remotes").fetchall()
    pushed = []

    def push(statement):
        if "BEGIN IMMEDIATE" in statement and len(pushed) < 3:
            pushed.append(1)
            put(hub if len(pushed) == 2 else other, f"bbb {len(pushed)}")
            call(other, f"SELECT {'ck_pull' if len(pushed) == 2 else 'ck_push'}('hub')")

    a.set_trace_callback(push)
    call(a, "SELECT ck_sync('hub')")
    a.set_trace_callback(None)
    equal(len(pushed), 3, "pushes meanwhile")
    equal(a.execute("SELECT listing, epoch FROM ck_remotes").fetchall(), before, "listings")
    equal(one(hub, "SELECT count(*) FROM embeddings"), 4, "embeddings of the hub")


def test_rejected_pull(folder):
    """What a remote has and cannot be here is said, until the remote is listed anew."""
    hub, db = folder.store("hub"), folder.store("a", hub="hub")
    put(hub, "aaa")
    db.execute("SELECT ck_handshake('hub', ?)", (one(hub, "SELECT ck_hello()"),))
    equal(one(db, "SELECT ck_apply('hub', 'put', randomblob(32), 'm', '1', '[0, 0]', NULL, 1)"),
          "rejected: vector", "a vector of zeros")
    said = db.execute("SELECT code, message FROM ck_errors").fetchall()
    check(len(said) == 1 and said[0][0] == "rejected" and "(vector)" in said[0][1], said)
    db.execute("UPDATE ck_remotes SET epoch = NULL, pull_seq = 1")
    call(db, "SELECT ck_pull('hub')")
    equal(one(db, "SELECT count(*) FROM ck_errors"), 0, "errors after it was listed anew")


def test_retry_after_is_bounded(folder):
    """A remote cannot put a try off for ever."""
    a = folder.store("a", hub="hub")
    put(a, "aaa")
    one(a, "SELECT ck_ack('hub', (SELECT json_array(json_object('hash', hex(hash), 'seq', seq, "
        "'result', 'retry', 'retry_after', 9223372036854775807)) FROM ck_batch('hub')))")
    equal(one(a, "SELECT next_at FROM ck_acks"), CLOCK.now + 365 * DAY, "the next try")
    check("must be a JSON array" in refused(a, "SELECT ck_ack('hub', '[')"), "ck_ack")
    check("not a hello" in refused(a, "SELECT ck_handshake('hub', '[')"), "ck_handshake")
    check("cannot be" in refused(a, "SELECT ck_handshake('hub', json_set(ck_hello(), '$.epoch', 'e', "
                                    "'$.models[0].dims', 0))"), "a model that cannot be")


def test_tombstone_waits(folder):
    """A tombstone that a remote has yet to hear of does not expire."""
    a, b = folder.store("a", hub="hub"), folder.store("b", hub="hub")
    for db in a, b:
        put(db, "aaa", "bbb")
        call(db, "SELECT ck_sync('hub')")
    CLOCK.now += 1
    one(a, "SELECT ck_retire(ck_hash('m', '1', 'aaa'))")
    equal(one(a, "SELECT detail ->> 'embeddings' FROM ck_audit WHERE action = 'retired'"), 1,
          "the audit of the retirement")
    CLOCK.now += 40 * DAY
    one(a, "SELECT ck_gc()")
    equal(one(a, "SELECT count(*) FROM ck_tombstones"), 1, "tombstones that wait")
    call(a, "SELECT ck_sync('hub')")
    hub = folder.store("hub")
    equal(one(hub, "SELECT count(*) FROM embeddings"), 1, "embeddings of the hub")
    equal(hub.execute("SELECT detail ->> 'created', detail ->> 'retired', user IS NOT NULL "
                      "FROM ck_audit WHERE action = 'received'").fetchall(),
          [(2, 0, 1), (0, 1, 1)], "the audit of the hub")
    one(a, "SELECT ck_gc()")
    equal(one(a, "SELECT count(*) FROM ck_tombstones"), 0, "tombstones that were told")


def test_whose_fault(folder):
    """A store that is locked is named, be it this one or the remote."""
    a, hub = folder.store("a", hub="hub"), folder.store("hub")
    put(hub, "aaa")
    call(a, "SELECT ck_sync('hub')")
    put(hub, "bbb")
    a.execute("PRAGMA busy_timeout = 10")
    other = folder.store("a")
    other.execute("BEGIN IMMEDIATE")
    said = refused(a, "SELECT ck_sync('hub')")
    other.execute("ROLLBACK")
    check(said.startswith("sync: this store: database is locked"), said)
    equal(a.execute("SELECT attempts, (SELECT count(*) FROM ck_errors) FROM ck_remotes").fetchall(),
          [(0, 0)], "failures of the remote")


def test_whose_fault_of_a_folder(folder):
    """The same, when what is wrong with a segment is to be written down, or that it went."""
    a = folder.store("a", packs="packs/")
    put(a, "aaa")
    call(a, "SELECT ck_sync('packs')")
    a.execute("PRAGMA busy_timeout = 10")
    other = folder.store("a")

    def locks(statement):
        """Locks the store in the middle of a session."""
        def look(sql):
            if statement in sql and not other.in_transaction:
                other.execute("BEGIN IMMEDIATE")
        return look

    with open(folder.file("packs/x.ckpack"), "wb") as file:
        file.write(b"no pack")
    for step, statement in enumerate(("models IS NULL OR models", "SELECT code FROM")):
        a.set_trace_callback(locks(statement))
        said = refused(a, "SELECT ck_pull('packs')")
        a.set_trace_callback(None)
        check(other.in_transaction, f"nothing was locked at {statement}")
        other.execute("ROLLBACK")
        check(said.startswith("sync: this store: database is locked"), said)
        equal(a.execute("SELECT attempts, (SELECT count(*) FROM ck_errors) FROM ck_remotes").fetchall(),
              [(0, step)], "failures of the remote, and errors")
        if step == 0:
            equal(call(a, "SELECT ck_pull('packs')"), {"damaged": 1}, "a pull")
            os.remove(folder.file("packs/x.ckpack"))
    equal(call(a, "SELECT ck_pull('packs')"), {}, "a pull when it is gone")
    equal(one(a, "SELECT count(*) FROM ck_errors"), 0, "errors")


def interrupted(db, sql, hinder, *parameters):
    """How long a statement runs that is interrupted after half a second, while a lock is held."""
    hinder.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(0.5, db.interrupt)
    begun = time.monotonic()
    timer.start()
    said = refused(db, sql, *parameters)
    timer.join()
    hinder.execute("ROLLBACK")
    check("interrupted" in said, f"{sql}: {said}")
    return time.monotonic() - begun


def test_interrupted_wait(folder):
    """Waiting for the lock of a remote ends with an interrupt, and is no failure of the remote."""
    for mode in "DELETE", "WAL":
        hub = folder.store(f"hub-{mode}")
        hub.execute(f"PRAGMA journal_mode = {mode}")
        put(hub, "aaa")
        a = folder.store(f"a-{mode}", hub=f"hub-{mode}")
        call(a, "SELECT ck_sync('hub')")
        put(a, "bbb")
        statements = ["SELECT ck_push('hub')", "SELECT ck_sync('hub')"]
        if mode == "DELETE":
            statements += ["SELECT ck_pull('hub')", "SELECT ck_pull(NULL, zeroblob(32))"]
        for sql in statements:
            took = interrupted(a, sql, hub)
            check(took < 5, f"{sql} in mode {mode} went on for {took:.1f} s")
        hub.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        a.set_progress_handler(lambda begun=begun: time.monotonic() > begun + 0.5, 1000)
        check("interrupted" in refused(a, "SELECT ck_push('hub')"), "a progress handler")
        took = time.monotonic() - begun
        a.set_progress_handler(None, 0)
        hub.execute("ROLLBACK")
        check(took < 5, f"a progress handler was not asked for {took:.1f} s")
        equal(a.execute("SELECT attempts, last_error, (SELECT count(*) FROM ck_errors) "
                        "FROM ck_remotes").fetchall(), [(0, None, 0)], "failures of the remote")
        call(a, "SELECT ck_sync('hub')")
        equal(one(hub, "SELECT count(*) FROM embeddings"), 2, "embeddings of the hub")


def test_long_user(folder):
    """A user's name that is too long for an origin is cut."""
    script = ("import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
              "db.enable_load_extension(True); db.load_extension(sys.argv[2]); "
              "db.execute('SELECT ck_init()'); "
              "print(db.execute('SELECT length(origin) FROM _ck_meta').fetchone()[0])")
    said = subprocess.run([sys.executable, "-c", script, folder.file("a"), EXTENSION], check=True,
                          env={**os.environ, "CK_USER": "u" * 500}, stdout=subprocess.PIPE)
    equal(int(said.stdout), 36 + 1 + 50, "its length")
    a, b = folder.store("a", hub="hub"), folder.store("b", hub="hub")
    put(a, "aaa")
    call(a, "SELECT ck_sync('hub')")
    call(b, "SELECT ck_sync('hub')")
    check(one(b, "SELECT origin FROM embeddings").endswith("/" + "u" * 50), "its origin")
    check("256" in refused(a, "SELECT ck_apply(NULL, 'put', randomblob(32), 'm', '1', '[1, 0]', ?, 1)",
                           "o" * 300), "a longer one of ck_apply")


def test_poison_is_over(folder):
    """The word that something is not sent any more goes when it was put anew."""
    a = folder.store("a", hub="hub")
    call(a, "SELECT ck_sync('hub')")
    put(a, "aaa")
    answer = ("SELECT ck_ack('hub', (SELECT json_array(json_object('hash', hex(hash), 'seq', seq, "
              "'result', 'retry')) FROM ck_batch('hub')))")
    for _ in range(8):
        one(a, answer)
        CLOCK.now += DAY
    equal(one(a, "SELECT code FROM ck_errors"), "poison", "errors")
    call(a, "SELECT ck_sync('hub')")
    equal(one(a, "SELECT count(*) FROM ck_errors"), 1, "errors while it is not sent")
    a.execute("INSERT OR REPLACE INTO embeddings(model, version, content, vector) "
              "VALUES ('m', '1', 'aaa', ?)", (vector(1, 2, 3, 4),))
    call(a, "SELECT ck_sync('hub')")
    equal(one(a, "SELECT count(*) FROM ck_errors"), 0, "errors after that")


def test_mirror_after_retirement(folder):
    """A mirror holds what was retired and put anew before the remote heard of either."""
    for push in 1, 0:
        hub, a = folder.store(f"hub{push}"), folder.store(f"a{push}", hub=f"hub{push}")
        put(hub, "aaa")
        a.execute("UPDATE ck_remotes SET mirror = 1, push = ?", (push,))
        call(a, "SELECT ck_sync('hub')")
        a.execute("SELECT ck_retire(hash) FROM embeddings").fetchall()
        equal(one(a, "SELECT count(*) FROM refs"), 0, "refs of what was retired")
        put(a, "aaa")
        equal(one(a, "SELECT ck_gc(0)"), 0, f"garbage before the sync, push = {push}")
        call(a, "SELECT ck_sync('hub')")
        equal(one(a, "SELECT refs FROM embeddings"), 1, f"refs after it, push = {push}")
        equal(one(a, "SELECT ck_gc(0)"), 0, f"garbage after it, push = {push}")
        # What the remote retired is not its any more: put anew, it is garbage where nothing is sent.
        hub.execute("SELECT ck_retire(hash) FROM embeddings").fetchall()
        call(a, "SELECT ck_sync('hub')")
        equal(one(a, "SELECT count(*) FROM embeddings"), 0, "after its retirement there")
        put(a, "aaa")
        equal(one(a, "SELECT refs FROM embeddings"), push, f"refs of the new one, push = {push}")


def test_mirror_of_directory(folder):
    """What a store wrote into a mirrored directory itself is held, too."""
    os.mkdir(folder.file("dir"))
    a = folder.store("a")
    a.execute("INSERT INTO ck_remotes(name, url, mirror) VALUES ('dir', ?, 1)",
              (folder.url("dir/"),))
    put(a, "aaa", "bbb")
    call(a, "SELECT ck_sync('dir')")
    equal(one(a, "SELECT ck_gc(0)"), 0, "garbage")
    equal(one(a, "SELECT sum(refs) FROM embeddings"), 2, "refs")


def test_mirror_workspace_deleted(folder):
    """Without its workspace a mirror lists all again; 20,001 refs are not deleted at once."""
    hub, a = folder.store("hub"), folder.store("a", hub="hub")
    a.execute("UPDATE ck_remotes SET mirror = 1")
    for n in 1, 20001:
        hub.execute("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < ?) "
                    "INSERT OR IGNORE INTO embeddings(model, version, content, vector) "
                    "SELECT 'm', '1', 'c' || i, '[1, 2]' FROM t", (n,))
        call(a, "SELECT ck_sync('hub')")
        a.execute("DELETE FROM workspaces")
        equal(one(a, "SELECT ck_gc(0)"), n, "garbage without a mirror")
        call(a, "SELECT ck_sync('hub')")
        equal(one(a, "SELECT sum(refs) FROM embeddings"), n, "refs of the new mirror")


CASES = {name[5:]: function for name, function in list(globals().items())
         if name.startswith("test_")}
