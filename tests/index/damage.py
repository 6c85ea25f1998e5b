"""What knn answers when the tables of the index are damaged.

A store is damaged by SQL, in one place at a time, and asked. Every answer must be right or fail with
SQLITE_CORRUPT_VTAB and a message that names what is damaged and the repair; then ck_repair('index')
must bring it back. Rows that vanish as a whole from the tail or the stale bits cannot be noticed by
a search (b-trees do not lose rows, and a count of them would be one more write with every put): of
these it is asked that what is returned is right; ck_doctor notices.

It runs under the sanitizers, in processes of its own, when ck.so has been built with them.
"""
import os
import random
import sqlite3
import subprocess
import sys
import time

from store import (EXTENSION, INDEX_MIN, ROOT, Mismatch, Vectors, check, check_rows, connect, exact,
                   fill, hash_of, pack, search, value)

CORRUPT_VTAB = 11 | 1 << 8
TABLES = {"_ck_block": ("id", "stamp", "checksum", "n", "first_id", "last_id",
                      "entry_checksum"),
          "_ck_block_data": ("id", "data"),
          "_ck_tail": ("id", "model", "code"),
          "_ck_stale": ("id", "bits"),
          "_ck_index": ("generation", "stamp", "depth", "n_merged", "n_blocks",
                        "checksum", "mean", "builder",
                        "builder_at")}
GRAPH_TABLES = {"_ck_graph": ("model", "generation", "stamp", "side", "m", "nodes", "twins", "built",
                              "blocks", "cells", "celled", "levels", "efforts", "probes",
                              "checksum"),
                "_ck_block": TABLES["_ck_block"], "_ck_block_data": TABLES["_ck_block_data"]}
BLOBS = {"_ck_index": "mean", "_ck_graph": "levels"}  # what has bytes to change; else the last column
UNNOTICED = {("_ck_tail", "DELETE"), ("_ck_stale", "DELETE"), ("_ck_tail", "model")}
OTHER_STATEMENTS = (
    "SELECT ck_optimize()", "SELECT * FROM ck_doctor('all')", "SELECT * FROM ck_cache",
    "SELECT ck_gc(1000)", "DELETE FROM embeddings WHERE rowid IN (700, 10100)",
    "INSERT OR REPLACE INTO embeddings(hash, model, version, vector) "
    "SELECT hash, model, version, vector FROM embeddings WHERE rowid IN (701, 9)")
INTEGERS = (0, 1, -1, 2, 7, 63, 64, 2047, 2048, 2049, 1 << 20, 1 << 31, 1 << 32, 1 << 43,
            (1 << 43) + (1 << 23), (1 << 63) - 1, -(1 << 63))
OTHERS = (None, "text", b"", b"\x00", 1.5, 1e300, "9223372036854775808")


class Damaged:
    """A store with everything in its index: blocks, a tail, stale bits; and what is true of it."""

    def __init__(self, path, rng, plan):
        self.path, self.rng, self.plan = path, rng, plan
        self.has_graph = plan in ("graph", "probe")
        self.tables = GRAPH_TABLES if self.has_graph else TABLES
        db = connect(path, plan=plan)
        vectors = Vectors(rng)
        known = fill(db, vectors, (2 if self.has_graph else 5) * INDEX_MIN)
        db.execute("SELECT ck_optimize()")
        if self.has_graph:  # and a graph that was added to, with twins
            rows = [(hash_of(n), pack(known[n % 20 + 600])) for n in range(20000, 20100)]
            db.executemany("INSERT INTO embeddings(hash, model, version, vector) "
                           "VALUES (?, 'm', '1', ?)", rows)
            db.execute("SELECT ck_optimize()")
            check(value(db, "SELECT side + (twins > 90) FROM _ck_graph") == 2, "not added to")
        db.executemany("INSERT OR REPLACE INTO embeddings(hash, model, version, vector) "
                       "VALUES (?, 'm', '1', ?)",
                       [(hash_of(n), pack(vectors.one())) for n in range(1, 200)])
        fill(db, vectors, 300, first=10000)
        db.execute("DELETE FROM embeddings WHERE rowid BETWEEN 300 AND 500")
        self.queries = [known[n] for n in (600, 1500, 2000)] + [vectors.one()]
        self.truth = [{row[0]: row for row in exact(db, query, 4096)[0]} for query in self.queries]
        self.nearest = [exact(db, query)[0] for query in self.queries]
        db.close()

    def open(self):
        """A connection without limits on what is written into columns."""
        db = connect(self.path, plan=self.plan)
        db.execute("PRAGMA ignore_check_constraints = 1")
        return db

    def ask(self, db, what, strict):
        """Searches, warm and cold. True when one of them found the damage."""
        noticed = False
        third = "rowid IN (SELECT rowid FROM embeddings WHERE rowid % 3 = 0)"
        for i, query in enumerate(self.queries):
            where = third if i % 2 else ""
            try:
                rows, _ = search(db, query, 10, where)
            except sqlite3.Error as error:
                self.check_error(error, what)
                noticed = True
                continue
            check_rows(rows, what)
            for row in rows:
                known = self.truth[i].get(row[0])
                check(known is None or known == row, f"{what}: a wrong row {row}")
            if strict and not where:
                limit = self.nearest[i][-1][2] + 1e-6
                found = sum(row[2] <= limit for row in rows)
                check(found >= 9, f"{what}: {found} of the nearest 10, and no error")
            elif strict:
                want = [row for row in sorted(self.truth[i].values(), key=lambda row: row[2])
                        if row[0] % 3 == 0][:10]
                found = len({row[0] for row in rows} & {row[0] for row in want})
                check(found >= 9, f"{what}: {found} of 10 within a filter, and no error")
        return noticed

    def check_error(self, error, what):
        """The error is one of ours and says what to do."""
        code = getattr(error, "sqlite_errorcode", CORRUPT_VTAB)
        check(code == CORRUPT_VTAB and str(error).startswith("index: ") and
              "ck_repair('index')" in str(error), f"{what}: {code}, {error}")

    def check_one(self, what, strict, damage):
        """Damages, asks with a warm connection, lets other statements meet it, rolls back."""
        db = self.open()
        try:
            self.ask(db, "before", True)
            db.execute("BEGIN IMMEDIATE")
            try:
                damage(db)
            except sqlite3.IntegrityError:
                return False
            db.execute("UPDATE _ck_meta SET stamp = random()")
            noticed = self.ask(db, what, strict)
            for sql in OTHER_STATEMENTS:
                if self.rng.random() < 0.3 and db.in_transaction:
                    db.execute("SAVEPOINT s")
                    try:
                        db.execute(sql).fetchall()
                    except sqlite3.Error as error:
                        self.check_error(error, f"{what}: {sql}")
                    if db.in_transaction:
                        db.execute("ROLLBACK TO s")
            if db.in_transaction:
                db.execute("ROLLBACK")
            check(not self.ask(db, f"{what}, rolled back", True), f"{what}: after ROLLBACK")
            return noticed
        finally:
            db.close()

    def check_repair(self, what, damage):
        """The same in the file, met by a cold connection, and repaired."""
        db = self.open()
        db.execute("BEGIN")
        damage(db)
        db.execute("UPDATE _ck_meta SET stamp = random()")
        db.execute("COMMIT")
        db.close()
        db = connect(self.path, plan=self.plan)
        self.ask(db, what, False)
        db.execute("SELECT ck_repair('index')")
        check(not self.ask(db, f"{what}, repaired", True), f"{what}: not repaired")
        status = value(db, "SELECT status FROM ck_doctor WHERE \"check\" = 'index'")
        check(status == "ok", f"{what}, repaired: the doctor says {status}")
        db.close()


def some_row(store, db, table):
    """The rowid of a random row; of the graph's blocks, from a random plane."""
    rows = [row[0] for row in db.execute(f"SELECT rowid FROM {table}")]
    if store.has_graph and table.startswith("_ck_block"):
        plane = store.rng.choice(sorted({row >> 16 & 0x7f for row in rows if row >> 20 & 7 > 1}))
        rows = [row for row in rows if row >> 16 & 0x7f == plane]
    return store.rng.choice(rows) if rows else None


def setting(table, column, row, to):
    """A damage: a column of a row gets another value."""
    def damage(db):
        db.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE rowid = ?", (to, row))
    return damage


def changed_blob(rng, blob):
    """Some bit flips, a truncation, or more bytes."""
    data = bytearray(blob)
    way = rng.randrange(4)
    if way == 0 and data:
        for _ in range(rng.choice([1, 1, 2, 30])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif way == 1:
        del data[rng.randrange(len(data) + 1):]
    elif way == 2:
        data += bytes(rng.choice([1, 8, len(data), 100000]))
    else:
        data[:] = rng.randbytes(len(data))
    return bytes(data)


def columns_one_by_one(store):
    """Every column gets every odd value."""
    db = store.open()
    rng = store.rng
    for table, columns in store.tables.items():
        for column in columns:
            row = some_row(store, db, table)
            old = value(db, f"SELECT {column} FROM {table} WHERE rowid = ?", row)
            values = list(INTEGERS + OTHERS)
            if isinstance(old, int):
                values += [old + 1, old - 1, -old, old ^ 1 << 40]
            for to in values:
                if to != old:
                    yield (f"{table}.{column} = {str(to)[:24]}",
                           (table, column) not in UNNOTICED, setting(table, column, row, to))
    db.close()


def random_damage(store):
    """Blobs with changed bits, rows deleted, moved and doubled."""
    rng = store.rng
    db = store.open()
    while True:
        table = rng.choice(list(store.tables))
        row = some_row(store, db, table)
        column = BLOBS.get(table, store.tables[table][-1])
        if table == "_ck_graph" and rng.random() < 0.5:
            column = "efforts"
        old = value(db, f"SELECT {column} FROM {table} WHERE rowid = ?", row)
        way = rng.random()
        if way < 0.6 and isinstance(old, bytes):
            yield (f"{table}.{column}, changed bytes", (table, column) not in UNNOTICED,
                   setting(table, column, row, changed_blob(rng, old)))
        elif way < 0.7:
            yield (f"{table}, row {row} deleted", (table, "DELETE") not in UNNOTICED,
                   lambda db, table=table, row=row:
                   db.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,)))
        elif way < 0.75:
            yield (f"{table} emptied", (table, "DELETE") not in UNNOTICED,
                   lambda db, table=table: db.execute(f"DELETE FROM {table}"))
        elif table not in BLOBS:
            other = some_row(store, db, table)
            if other != row:
                yield (f"{table}.{column}, of another row", (table, column) not in UNNOTICED,
                       lambda db, table=table, column=column, row=row, other=other:
                       db.execute(f"UPDATE {table} SET {column} = (SELECT {column} FROM {table} "
                                  "WHERE rowid = ?) WHERE rowid = ?", (other, row)))


def damage_all(path, rng, seconds, kind, plan):
    """All damages of a kind, for so long. What the test prints."""
    store = Damaged(path, rng, plan)
    deadline = time.monotonic() + seconds
    n = n_noticed = 0
    damages = list(columns_one_by_one(store)) if kind == "columns" else random_damage(store)
    if kind == "columns":
        rng.shuffle(damages)
    failures = []
    for what, strict, damage in damages:
        if time.monotonic() > deadline:
            break
        try:
            n_noticed += store.check_one(what, strict, damage)
            if kind == "repairs":
                store.check_repair(what, damage)
        except Mismatch as failure:
            failures.append(str(failure))
        n += 1
    check(not failures, "\n".join(sorted(set(failures))[:40]))
    print(f"{n} damages, {n_noticed} noticed")


def sanitized():
    """The environment that loads the sanitized extension, or that of the plain one."""
    extension = os.path.join(ROOT, "build", "asan", "ck")
    environment = dict(os.environ, CK=EXTENSION)
    if os.path.exists(extension + ".so"):
        libraries = subprocess.run(["ldd", extension + ".so"], capture_output=True, text=True,
                                   check=True).stdout
        asan = [line.split()[2] for line in libraries.splitlines() if "libasan" in line]
        if asan:
            environment.update(CK=extension, LD_PRELOAD=asan[0],
                               ASAN_OPTIONS="detect_leaks=0:verify_asan_link_order=0")
    return environment


def run_sanitized(path, rng, seconds, kind, plan="index"):
    """Runs damage_all in a process of its own."""
    done = subprocess.run([sys.executable, os.path.abspath(__file__), path, str(rng.random()),
                           str(seconds), kind, plan], env=sanitized(), capture_output=True, text=True,
                          timeout=seconds * 5 + 300)
    check(done.returncode == 0, done.stdout[-4000:] + done.stderr[-6000:])
    return done.stdout.strip()


def test_damaged_columns(path, rng, options):
    return run_sanitized(path, rng, 600 if options.full else 3, "columns")


def test_random_damage(path, rng, options):
    return run_sanitized(path, rng, 60 if options.full else 2, "random")


def test_repairs(path, rng, options):
    return run_sanitized(path, rng, 30 if options.full else 2, "repairs")


def test_damaged_graph_columns(path, rng, options):
    return run_sanitized(path, rng, 600 if options.full else 1, "columns",
                         rng.choice(("graph", "probe")))


def test_random_graph_damage(path, rng, options):
    return run_sanitized(path, rng, 60 if options.full else 1, "random",
                         rng.choice(("graph", "probe")))


def test_graph_repairs(path, rng, options):
    return run_sanitized(path, rng, 30 if options.full else 1, "repairs",
                         rng.choice(("graph", "probe")))


if __name__ == "__main__":
    try:
        damage_all(sys.argv[1], random.Random(sys.argv[2]), float(sys.argv[3]), sys.argv[4],
                   sys.argv[5])
    except Mismatch as mismatch:
        print(mismatch)
        sys.exit(1)
