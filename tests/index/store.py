"""What the tests of the index share: connections, vectors, brute force, and searches held against
it.

Brute force is Python's own arithmetic. `recall = 1` has ck itself compare everything, which is
faster and used where the comparison is not what is tested.
"""
import math
import operator
import os
import sqlite3
import statistics
import struct

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXTENSION = os.environ.get("CK", os.path.join(ROOT, "build", "ck"))

INDEX_MIN = 1024    # store/index_write.h: embeddings with which an index begins
PACK_MIN = 4096     # rows of the tail that are packed
LOOK_EVERY = 509    # sequence numbers between two looks at what is to be packed
DIMS = 32
LONG_S = 60.0       # what takes milliseconds is done by then, however slow and busy the machine


class Mismatch(Exception):
    """A check that did not hold."""


class Skip(Exception):
    """Why a test cannot be made here."""


def check(condition, message):
    """Fails the test with a message unless the condition holds."""
    if not condition:
        raise Mismatch(message)


def connect(path, timeout=LONG_S, plan="index"):
    """A connection with ck loaded, in autocommit mode; `plan` is what CK_PLAN says meanwhile: most
    tests here are of the scan plane."""
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    db.enable_load_extension(True)
    before = os.environ.get("CK_PLAN")
    os.environ["CK_PLAN"] = plan
    db.load_extension(EXTENSION)
    del os.environ["CK_PLAN"]
    if before is not None:
        os.environ["CK_PLAN"] = before
    db.enable_load_extension(False)
    db.execute("PRAGMA synchronous = OFF")
    return db


def value(db, sql, *arguments):
    """The first column of the first row, or None."""
    row = db.execute(sql, arguments).fetchone()
    return row[0] if row else None


def pack(vector):
    """Floats as a blob."""
    return struct.pack(f"<{len(vector)}f", *vector)


def f32(vector):
    """The floats as float32 holds them."""
    return struct.unpack(f"<{len(vector)}f", pack(vector))


class Vectors:
    """Vectors in clusters, as those of a model are."""

    def __init__(self, rng, dims=DIMS, clusters=24, spread=0.6):
        self.rng = rng
        self.dims = dims
        self.spread = spread
        self.shift = [rng.gauss(0, 0.5) for _ in range(dims)]
        self.centres = [[rng.gauss(0, 1) for _ in range(dims)] for _ in range(clusters)]

    def near(self, vector, spread):
        """A vector near another one."""
        # Half of the time of rng.gauss(), in which these tests would spend a third of theirs.
        normal, uniform = statistics.NormalDist(0, spread).inv_cdf, self.rng.random
        return f32([x + normal(uniform()) for x in vector])

    def one(self, cluster=None):
        """A vector of some cluster."""
        centre = self.rng.choice(self.centres) if cluster is None else self.centres[cluster]
        return self.near(map(operator.add, centre, self.shift), self.spread)


def dot(a, b):
    """The inner product."""
    return sum(map(operator.mul, a, b))


def distance(metric, a, b):
    """The distance of two vectors."""
    if metric == "dot":
        return -dot(a, b)
    if metric == "l2":
        return math.sqrt(sum(d * d for d in map(operator.sub, a, b)))
    return 1 - dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


def close(metric, a, b):
    """Whether two distances are the same but for float16, in which some models are stored."""
    return abs(a - b) <= 3e-4 * (1 + (abs(b) if metric != "cosine" else 0))


INSERT = "INSERT INTO embeddings(hash, model, version, vector) VALUES (?, ?, ?, ?)"


def hash_of(number):
    """A hash that nobody computed: these tests give the key themselves."""
    return struct.pack("<Q", number) + b"\xee" * 24


def fill(db, vectors, count, first=1, model=("m", "1")):
    """Puts `count` embeddings with hashes from hash_of(first) on. The vectors, by number."""
    new = {n: vectors.one() for n in range(first, first + count)}
    db.execute("SAVEPOINT fill")
    db.executemany(INSERT, [(hash_of(n), *model, pack(v)) for n, v in new.items()])
    db.execute("RELEASE fill")
    return new


def create(path, rng, count, mode="wal"):
    """A store with `count` embeddings of the cosine model ('m', '1')."""
    db = connect(path)
    db.execute(f"PRAGMA journal_mode = {mode}").fetchall()
    vectors = Vectors(rng)
    return db, vectors, fill(db, vectors, count)


def search(db, query, k=10, where="", arguments=(), table="knn"):
    """[(rowid, hash, distance)] and the plan."""
    rows = db.execute(f"SELECT rowid, hash, distance, plan FROM {table}(?, ?)"
                      f"{' WHERE ' + where if where else ''}",
                      (pack(query), k, *arguments)).fetchall()
    return [row[:3] for row in rows], rows[0][3] if rows else ""


def exact(db, query, k=10, where="", arguments=()):
    """The same by the exact path."""
    return search(db, query, k, where + (" AND " if where else "") + "recall = 1", arguments)


def check_rows(rows, what):
    """Rows of a search come nearest first, each once."""
    check(len({row[0] for row in rows}) == len(rows), f"{what}: a row twice")
    order = [(row[2], row[0]) for row in rows]
    check(order == sorted(order), f"{what}: the rows are not in order")


def recall(db, queries, k=10, where="", arguments=(), plan="index scan"):
    """The recall of some searches by the exact path. What is returned must be right."""
    found = wanted = 0
    for query in queries:
        rows, how = search(db, query, k, where, arguments)
        true, _ = exact(db, query, k, where, arguments)
        check(how.startswith(plan), f"the plan is '{how}', expected '{plan} …'")
        check_rows(rows, "knn")
        check(len(rows) == len(true), f"knn has {len(rows)} rows, {len(true)} exist")
        known = {row[0]: row for row in true}
        limit = true[-1][2] + 1e-6
        for row in rows:
            check(row[0] not in known or known[row[0]][1] == row[1], "a hash of another row")
            found += row[2] <= limit
        wanted += len(true)
    return found / wanted


def check_index(db, queries, k=10):
    """Searches through the index are right. Of few queries some neighbours may well be missed."""
    n = len(queries)
    share, floor = recall(db, queries, k), 0.98 if n >= 20 else 0.85 if n >= 5 else 0.5
    check(share >= floor, f"recall {share:.3f} is below {floor}")
    return share


def orphans(db):
    """Block rows that no index names, or that miss their other half."""
    return db.execute(
        "SELECT b.id FROM _ck_block AS b LEFT JOIN _ck_index AS i ON i.model = b.id >> 43 "
        "WHERE i.generation IS NULL OR i.generation <> (b.id >> 23 & 0xfffff) "
        "UNION SELECT id FROM _ck_block_data WHERE id NOT IN (SELECT id FROM _ck_block) "
        "UNION SELECT id FROM _ck_block WHERE id NOT IN (SELECT id FROM _ck_block_data) "
        "UNION SELECT b.id FROM _ck_block AS b LEFT JOIN _ck_graph AS g ON g.model = b.id >> 43 "
        "AND g.generation = (b.id >> 23 & 0xfffff) WHERE (b.id >> 20 & 7) > 1 AND "
        "(g.model IS NULL OR (b.id >> 20 & 7) = 5 - g.side "
        "OR (b.id >> 20 & 7) >= 6 AND (b.id & 0xfffff) >= g.cells "
        "OR (b.id >> 20 & 7) < 6 AND b.first_id >= iif("
        "b.id >> 16 & 15 = 15 AND (b.id >> 20 & 7) > 3, g.twins, g.nodes))"
    ).fetchall()


def outline(db):
    """The size of the index: generation, blocks, slots, rows of the tail, stale bits."""
    generation = value(db, "SELECT generation FROM _ck_index WHERE model = 1") or 0
    blocks, slots = db.execute(
        "SELECT count(*), coalesce(sum(n), 0) FROM _ck_block WHERE id >> 23 = (1 << 20) + ?",
        (generation,)).fetchone()
    stale = sum(bin(byte).count("1") for (bits,) in db.execute("SELECT bits FROM _ck_stale")
                for byte in bits)
    return generation, blocks, slots, value(db, "SELECT count(*) FROM _ck_tail"), stale
