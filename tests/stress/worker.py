"""One process of the stress test: random actions on the store until a deadline.

    worker.py FOLDER SEED DEADLINE BUSY_S   (DEADLINE: of the monotonic clock)

FOLDER holds store.db and, beside it, what the processes know of each other:

    NAME.lock   held (flock) by the process that indexes workspace NAME; a kill frees it
    NAME.state  of the last run over it: "running", or "UUID BRANCH" when it came to its end
    released    a line for each uuid of a workspace that somebody set out to release
    PID.log     what this process did: "ACTION SECONDS", "wait SECONDS", "busy …", "error …"

It is written so that a SIGKILL between any two instructions leaves nothing to wait for.
"""
import fcntl
import os
import random
import sqlite3
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "protocol"))

import tree  # noqa: E402
from client import Client, Released, connect  # noqa: E402

WORKSPACES = [f"workspace {n}" for n in range(6)]
N_FILES = 24
BRANCHES = 30
LARGE = 20100  # refs; up to 20,000 go with their workspace
THINK_S = 0.02
BUSY_CODES = (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED; the extended code is the low byte and more


def put_file(path, text):
    """Replaces a file at once."""
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(f"{path}.{os.getpid()}", path)


def append(path, text):
    """Adds to a file that others add to."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, text.encode())
    os.close(fd)


class Worker:
    """The actions, each a method do_…"""

    def __init__(self, folder, seed, busy_s):
        self.folder = folder
        self.rng = random.Random(seed)
        self.log = os.path.join(folder, f"{os.getpid()}.log")
        self.db = connect(os.path.join(folder, "store.db"), busy_s)
        self.client = Client(self.db, tree.MODEL, tree.VERSION, self.embed,
                             on_wait=lambda seconds: self.note(f"wait {seconds:.6f}"))
        self.expected = tree.Expected(self.db)

    def note(self, line):
        """A line into the log."""
        append(self.log, line + "\n")

    def embed(self, contents):
        """A model that takes a while."""
        time.sleep(self.rng.uniform(0, 0.02))
        return tree.embed(contents)

    def value(self, sql, *arguments):
        """The first column of the first row, or None."""
        row = self.db.execute(sql, arguments).fetchone()
        return row[0] if row else None

    def begin(self, sql="BEGIN IMMEDIATE"):
        """Begins and notes how long it took."""
        started = time.monotonic()
        self.db.execute(sql)
        self.note(f"wait {time.monotonic() - started:.6f}")

    # ---- Actions ----

    def do_index(self):
        """One run over a workspace that nobody else is indexing; what it left is checked."""
        name = self.rng.choice(WORKSPACES)
        base = os.path.join(self.folder, name)
        with open(base + ".lock", "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            branch = self.choose_branch(base + ".state")
            put_file(base + ".state", "running")
            self.db.execute("INSERT OR IGNORE INTO workspaces(name) VALUES (?)", (name,))
            try:
                self.client.index(name, tree.walk(tree.project(N_FILES, branch)))
            except Released:
                self.note("released-during-a-run 0")
                return
            self.db.execute("BEGIN")
            uuid = self.value("SELECT uuid FROM workspaces WHERE name = ?", name)
            if uuid == self.client.uuid:
                tree.check_workspace(self.db, name, tree.project(N_FILES, branch), self.expected)
            self.db.execute("COMMIT")
            put_file(base + ".state", f"{self.client.uuid} {branch}")

    def choose_branch(self, state):
        """The branch of the last run, the next one, or any."""
        kind = self.rng.random()
        try:
            with open(state, encoding="utf-8") as file:
                branch = int(file.read().split()[1])
        except (OSError, IndexError):
            kind = 1
        if kind < 0.3:
            return branch
        return branch + 1 if kind < 0.7 else self.rng.randrange(BRANCHES)

    def do_release(self):
        """Releases a workspace, under the feet of a run if there is one: by DELETE, when it may be
        registered again at once, or by letting it expire, for the second ck_gc from now."""
        name = self.rng.choice(WORKSPACES)
        uuid = self.value("SELECT uuid FROM workspaces WHERE name = ?", name)
        if not uuid:
            return
        append(os.path.join(self.folder, "released"), uuid + "\n")
        self.begin()
        if self.rng.random() < 0.3:
            self.db.execute("UPDATE workspaces SET expires_at = 1 WHERE uuid = ?", (uuid,))
        else:
            self.db.execute("DELETE FROM workspaces WHERE name = ? AND uuid = ?", (name, uuid))
            if self.rng.random() < 0.5:
                self.db.execute("INSERT OR IGNORE INTO workspaces(name) VALUES (?)", (name,))
        self.db.execute("COMMIT")

    def do_release_many(self):
        """Releases more refs than a DELETE takes with it, so that ck_gc sweeps them in batches."""
        name = f"large {os.getpid()} {self.rng.random()}"
        self.begin()
        self.db.execute("INSERT INTO workspaces(name) VALUES (?)", (name,))
        self.db.execute(
            "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO refs(workspace, path, chunk, hash) SELECT ?, 'large', n.i, e.hash FROM n "
            "JOIN (SELECT hash, row_number() OVER () - 1 AS i FROM embeddings LIMIT 50) AS e "
            "ON e.i = n.i % 50", (LARGE, name))
        self.db.execute("DELETE FROM workspaces WHERE name = ?", (name,))
        self.db.execute("COMMIT")

    def do_search(self):
        """knn, all or in a workspace: what it finds is stored and, there, referenced."""
        query = tree.vector_of(self.some_chunks()[0])
        name = self.rng.choice(WORKSPACES + [None])
        self.db.execute("BEGIN")
        if not self.value("SELECT count(*) FROM models"):
            self.db.execute("COMMIT")
            return
        if name and self.value("SELECT count(*) FROM workspaces WHERE name = ?", name):
            rows = self.db.execute("SELECT hash, ck_get(hash) FROM knn(?, 10) WHERE workspace = ?",
                                   (query, name)).fetchall()
            there = self.value("SELECT count(DISTINCT hash) FROM refs WHERE workspace = ?", name)
            for key, _ in rows:
                if not self.value("SELECT 1 FROM refs WHERE workspace = ? AND hash = ?", name, key):
                    raise tree.Mismatch(f"knn found a row that {name} does not refer to")
        else:
            rows = self.db.execute("SELECT hash, ck_get(hash) FROM knn(?, 10)",
                                   (query,)).fetchall()
            there = self.value("SELECT count(*) FROM embeddings")
        if len(rows) != min(10, there) or any(vector is None for _, vector in rows):
            raise tree.Mismatch(f"knn in {name} found {len(rows)} rows of {there}")
        self.db.execute("COMMIT")

    def some_chunks(self):
        """The contents of the chunks of a file that some workspace may have, now or soon."""
        files = tree.project(N_FILES, self.rng.randrange(BRANCHES))
        path = self.rng.choice(sorted(files))
        return [row[0] for row in self.db.execute("SELECT content FROM ck_chunks(?, ?)",
                                                  (files[path], path))]

    def do_put(self):
        """Puts what others put, refer to and collect."""
        contents = sum((self.some_chunks() for _ in range(self.rng.randint(1, 5))), [])
        together = self.rng.random() < 0.5
        if together:
            self.begin()
        for content in contents:
            key = self.value("SELECT ck_put(?, ?, ?, ?)", tree.MODEL, tree.VERSION, content,
                             tree.vector_of(content))
            vector = self.value("SELECT ck_get(?)", key)
            if vector != tree.vector_of(content) and (together or vector is not None):
                raise tree.Mismatch("ck_get did not give the vector that was put")
        if together:
            self.db.execute("COMMIT")

    def do_missing(self):
        """ck_missing agrees with ck_get in one transaction."""
        keys = b"".join(row[4] for row in self.expected.refs(tree.project(4, 0)))
        self.db.execute("BEGIN")
        missing = {row[0] for row in self.db.execute("SELECT hash FROM ck_missing(?)", (keys,))}
        for at in range(0, len(keys), 32):
            key = keys[at:at + 32]
            if (self.value("SELECT ck_get(?)", key) is None) != (key in missing):
                raise tree.Mismatch("ck_missing and ck_get do not agree")
        self.db.execute("COMMIT")

    def do_gc(self):
        """Collects; everybody's grace is short here."""
        self.value("SELECT ck_gc(?)", self.rng.choice([0, 0, 5]))

    def do_quota(self):
        """Makes everything old and evicts down to some size."""
        self.db.execute("UPDATE embeddings SET created_at = created_at - 7200, "
                        "used_at = used_at - 7200 WHERE created_at > unixepoch() - 3600")
        self.value("SELECT ck_config('max_bytes', ?)", self.rng.choice([0, 3000, 6000, 12000]))
        self.value("SELECT ck_gc(1000000)")

    def do_delete(self):
        """Makes everything old, and runs the statement that started the project."""
        self.db.execute("UPDATE embeddings SET created_at = created_at - 7200 "
                        "WHERE created_at > unixepoch() - 3600")
        self.db.execute("DELETE FROM embeddings WHERE hash NOT IN (SELECT hash FROM refs) "
                        "AND created_at < unixepoch() - 3600;")

    def do_audit(self):
        """No live ref dangles, seen at any moment."""
        self.db.execute("BEGIN")
        tree.check_no_dangling(self.db)
        self.db.execute("COMMIT")

    # ---- The loop ----

    WEIGHTS = {"index": 40, "search": 15, "put": 10, "release": 5, "missing": 5, "gc": 10,
               "delete": 6, "quota": 3, "audit": 4, "release_many": 0.5}

    def run(self, deadline):
        """Acts until the deadline; what goes wrong is noted."""
        while time.monotonic() < deadline:
            action = self.rng.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
            started = time.monotonic()
            try:
                getattr(self, "do_" + action)()
                self.note(f"{action} {time.monotonic() - started:.6f}")
            except sqlite3.OperationalError as error:
                code = getattr(error, "sqlite_errorcode", 0)
                kind = "busy" if code & 0xff in BUSY_CODES else "error"
                self.failed(kind, f"code {code} after {time.monotonic() - started:.1f} s")
            except tree.Mismatch as mismatch:
                self.failed("error", f"{action}: {mismatch}")
            except Exception:  # pylint: disable=broad-except
                self.failed("error", action)
            time.sleep(self.rng.uniform(0, THINK_S))

    def failed(self, kind, what):
        """Notes an error, with where it was raised, in one line."""
        trace = traceback.format_exc().strip().splitlines()[1:]
        self.note(" ".join([kind, what] + trace).replace("\n", " "))
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")


if __name__ == "__main__":
    Worker(sys.argv[1], sys.argv[2], float(sys.argv[4])).run(float(sys.argv[3]))
