"""What the tests of this folder share: connections with a clock of their own, and how to look."""
import os
import socket
import sqlite3

from clock import Clock

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOUR = 3600
DAY = 86400
HOST = socket.gethostname()
CLOCK = Clock()


def connect(path=":memory:"):
    db = sqlite3.connect(CLOCK.uri(path), timeout=60, isolation_level=None, uri=True,
                         check_same_thread=False)
    db.enable_load_extension(True)
    db.load_extension(os.path.join(ROOT, "build", "ck"))
    return db


def create(folder):
    """A store in a file, in WAL mode, and another connection to it."""
    path = os.path.join(folder, "store.db")
    db = connect(path)
    db.execute("PRAGMA journal_mode = WAL").fetchall()
    db.execute("SELECT ck_init()").fetchall()
    return db, connect(path)


def value(db, sql, *arguments):
    return db.execute(sql, arguments).fetchone()[0]


def before_begin(db, number, action):
    """Calls action when db is about to begin its number-th transaction from now on."""
    left = [number]

    def look(sql):
        if sql.removeprefix("-- ").strip() == "BEGIN IMMEDIATE":  # -- for what a function runs
            left[0] -= 1
            if left[0] == 0:
                action()
    db.set_trace_callback(look)


def add(db, name, **columns):
    keys = ["name"] + list(columns)
    marks = ", ".join("?" * len(keys))
    db.execute(f"INSERT INTO workspaces({', '.join(keys)}) VALUES ({marks})",
               [name] + list(columns.values()))


def states(db):
    return dict(db.execute("SELECT name, state FROM workspaces"))


def stale(db):
    return {name for name, state in states(db).items() if state == "stale"}


def collect(db, grace=3600):
    return db.execute("SELECT ck_gc(?)", (grace,)).fetchone()[0]


def check(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def doctor(db, name):
    return db.execute('SELECT status, detail FROM ck_doctor WHERE "check" = ?', (name,)).fetchone()


def fill(db, n, age):
    db.executemany("INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', ?, ?)",
                   [(str(i), f"[{i + 1}, 1]") for i in range(n)])
    now = CLOCK.now
    db.execute("UPDATE embeddings SET created_at = ?, used_at = ? - rowid", (now - age, now - age))


def add_paths(db, workspace, first, last):
    db.execute("WITH RECURSIVE n(i) AS (VALUES (?1) UNION ALL SELECT i + 1 FROM n WHERE i < ?2) "
               "INSERT INTO refs(workspace, path, hash) "
               "SELECT ?3, 'file ' || i, (SELECT hash FROM ck_embeddings LIMIT 1) FROM n",
               (first, last, workspace))


def with_paths(n):
    """A store with a workspace of n paths, each of one ref."""
    db = connect()
    db.execute("SELECT ck_put('m', '1', 'x', '[1]')").fetchall()
    add(db, "w")
    db.execute("BEGIN")
    add_paths(db, "w", 1, n)
    db.execute("COMMIT")
    return db
