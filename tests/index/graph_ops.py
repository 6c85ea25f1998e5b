"""What the random tests of the graph do to a store: operations on it by one of its connections.

Each gets a client and a random number generator; who else works on the store is no matter to it, but
that it may find it locked.
"""
import random
import sqlite3

from store import Mismatch, Vectors, check, connect, pack, value

# What the models compare by, their dims, and how many embeddings they begin with.
MODELS = {"cosine": ("cosine", 32, 1300), "l2": ("l2", 3, 1300), "dot": ("dot", 130, 1150),
          "wide": ("cosine", 768, 1050)}
WORKSPACES = ["alpha", "beta", "gamma"]


class Maker:
    """Vectors of a model: the same clusters in every process, some of them odd."""

    def __init__(self, model, rng):
        self.vectors = Vectors(random.Random(f"clusters of {model}"), MODELS[model][1])
        self.vectors.rng = self.rng = rng
        self.crowd = self.vectors.one(0)

    def one(self, kind=None):
        """A vector of a cluster; rarely a twin of others, nearly one, or sparse."""
        rng, dims = self.rng, self.vectors.dims
        kind = kind or rng.choices(["plain", "twin", "near twin", "sparse"], [30, 1, 1, 1])[0]
        if kind == "twin":
            return self.crowd
        if kind == "near twin":
            return self.vectors.near(self.crowd, 1e-4)
        if kind == "sparse":
            vector = [0.0] * dims
            for _ in range(3):
                vector[rng.randrange(dims)] += rng.choice([1.0, 1.0, -2.0, 3.0])
            return vector if any(vector) else [1.0] * dims
        return self.vectors.one()


class Client:
    """A connection, and how deep it is in transactions. Names of tables have a prefix T_."""

    def __init__(self, path, attached=False):
        self.path, self.attached = path, attached
        self.prefix = "x_" if attached else ""
        self.schema = "x" if attached else "main"
        self.plan = "graph" if attached else "probe"
        self.open()

    def open(self):
        """Opens the connection, or opens it anew, unless a writer has locked readers out."""
        self.depth, self.is_open = 0, False
        try:
            self.connect()
        except sqlite3.OperationalError as error:
            check("locked" in str(error), str(error))

    def connect(self):
        """Opens it, with all that is beside it; it walks graphs, or probes cells, by turns."""
        self.plan = "probe" if self.plan == "graph" else "graph"
        self.db = connect(":memory:" if self.attached else self.path, timeout=0, plan=self.plan)
        if self.attached:
            for name, file in (("x", self.path), ("y", self.path + ".other")):
                self.db.execute(f"ATTACH ? AS {name}", (file,))
                self.db.execute(f"SELECT ck_attach('{name}')")
        self.db.execute("CREATE TEMP TABLE wanted(hash, id)")
        self.db.execute("CREATE TEMP TABLE fresh(hash, model, vector)")
        self.is_open = True

    def sql(self, text, *arguments):
        """Runs a statement."""
        text = text.replace("T_", self.prefix).replace("S_", self.schema + "._ck_")
        return self.db.execute(text, arguments).fetchall()

    def write(self, work):
        """A transaction, or a part of the one that is open; nothing when another one writes."""
        try:
            if self.depth:
                return work()
            self.sql("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            check("locked" in str(error), str(error))
            return None
        try:
            work()
        except sqlite3.Error:
            self.sql("ROLLBACK")
            raise
        return self.sql("COMMIT")


# ---- Operations: each gets a client and a random number generator

def put(client, rng, model=None, count=None):
    """New embeddings, some of them in workspaces."""
    model = model or rng.choices(list(MODELS), (6, 3, 3, 1))[0]
    count = count or rng.choice([1, 5, 30, 150])
    maker = Maker(model, rng)
    kind = rng.choices([None, "twin", "near twin"], [8, 1, 1])[0]
    rows = [(rng.randbytes(32), model, pack(maker.one(kind))) for _ in range(count)]

    def work():
        client.sql("DELETE FROM temp.fresh")
        client.db.executemany("INSERT INTO temp.fresh VALUES (?, ?, ?)", rows)
        client.sql("INSERT INTO T_embeddings(hash, model, version, vector) "
                   "SELECT hash, model, '1', vector FROM temp.fresh")
        for name in WORKSPACES:
            some = [(name, hash_.hex(), hash_) for hash_, _, _ in rows if rng.random() < 0.3]
            client.db.executemany(f"INSERT INTO {client.prefix}refs(workspace, path, chunk, hash) "
                                  "VALUES (?, ?, 0, ?)", some)
    client.write(work)


def put_and_fail(client, rng):
    """A statement that puts some embeddings and then fails, so that none are left."""
    model = rng.choice(list(MODELS))
    maker = Maker(model, rng)
    good = [(rng.randbytes(32), model, pack(maker.one())) for _ in range(20)]

    def work():
        client.sql("DELETE FROM temp.fresh")
        client.db.executemany("INSERT INTO temp.fresh VALUES (?, ?, ?)",
                              good + [(b"short", model, pack(maker.one()))])
        try:
            client.sql("INSERT INTO T_embeddings(hash, model, version, vector) "
                       "SELECT hash, model, '1', vector FROM temp.fresh ORDER BY rowid")
        except sqlite3.Error:
            return
        raise Mismatch("a hash of five bytes was taken")
    client.write(work)


def some_hashes(client, rng, model, at_most):
    """Hashes of a model's embeddings: any, or those put one after the other."""
    hashes = [row[0] for row in client.sql(
        "SELECT hash FROM T_embeddings WHERE model = ? ORDER BY rowid", model)]
    count = min(len(hashes), at_most)
    if rng.random() < 0.5:
        return rng.sample(hashes, count)
    at = rng.randrange(len(hashes) - count + 1)
    return hashes[at:at + count]


def replace(client, rng):
    """Embeddings get new vectors."""
    model = rng.choices(list(MODELS), (6, 3, 3, 1))[0]
    maker = Maker(model, rng)

    def work():
        hashes = some_hashes(client, rng, model, rng.choice([1, 10, 100]))
        client.db.executemany(
            f"INSERT OR REPLACE INTO {client.prefix}embeddings(hash, model, version, vector) "
            "VALUES (?, ?, '1', ?)", [(hash_, model, pack(maker.one())) for hash_ in hashes])
    client.write(work)


def delete(client, rng):
    """Some go, with their refs, but enough are left for an index."""
    model = rng.choices(list(MODELS), (6, 3, 3, 1))[0]

    def work():
        spare = client.sql("SELECT count(*) FROM T_embeddings WHERE model = ?", model)[0][0] - 1100
        hashes = some_hashes(client, rng, model, min(max(0, spare), rng.choice([1, 30, 200])))
        for hash_ in hashes:
            client.sql("DELETE FROM T_refs WHERE hash = ?", hash_)
            client.sql("DELETE FROM T_embeddings WHERE hash = ?", hash_)
    client.write(work)


def collect(client, rng):
    """ck_gc, of what is in no workspace, when enough are in one."""
    def work():
        client.sql("INSERT OR IGNORE INTO workspaces(name) VALUES ('keep')")
        client.sql("INSERT OR IGNORE INTO refs(workspace, path, chunk, hash) "
                   "SELECT 'keep', hex(hash), 0, hash FROM embeddings WHERE rowid % 20 <> ?",
                   rng.randrange(20))
        client.sql("SELECT ck_gc(0)")
        client.sql("DELETE FROM refs WHERE workspace = 'keep'")
    if not client.attached:
        client.write(work)


def optimize(client, rng):
    """ck_optimize, of all models or one."""
    if client.attached:
        return
    try:
        client.sql(f"SELECT ck_optimize({rng.choice(['', '', repr('cosine'), repr('l2')])})")
    except sqlite3.OperationalError as error:
        check("locked" in str(error), f"ck_optimize: {error}")
        return
    check_doctor(client)


def begin(client, _rng):
    """BEGIN, or a savepoint within."""
    if client.depth:
        client.sql(f"SAVEPOINT s{client.depth}")
        client.depth += 1
        return
    try:
        client.sql("BEGIN IMMEDIATE")
        client.depth = 1
    except sqlite3.OperationalError as error:
        check("locked" in str(error), str(error))


def end(client, rng):
    """COMMIT, ROLLBACK, RELEASE or ROLLBACK TO."""
    keep = rng.random() < 0.5
    if client.depth == 1:
        client.sql("COMMIT" if keep else "ROLLBACK")
    elif client.depth > 1:
        if not keep:
            client.sql(f"ROLLBACK TO s{client.depth - 1}")
        client.sql(f"RELEASE s{client.depth - 1}")
    client.depth = max(0, client.depth - 1)


def reopen(client, _rng):
    """Closes the connection, with it its transaction, and opens another one."""
    client.db.close()
    client.open()


def vacuum(client, _rng):
    """VACUUM."""
    if client.attached or client.depth:
        return
    try:
        client.sql("VACUUM")
    except sqlite3.OperationalError as error:
        check("locked" in str(error), str(error))


def change_schema(client, rng):
    """DDL by a connection that knows nothing of ck."""
    db = sqlite3.connect(client.path, timeout=0, isolation_level=None)
    try:
        db.execute(rng.choice(["CREATE TABLE IF NOT EXISTS other(a)", "DROP TABLE IF EXISTS other",
                               "CREATE INDEX IF NOT EXISTS by_bytes ON _ck_embedding(bytes)",
                               "DROP INDEX IF EXISTS by_bytes", "ANALYZE"]))
    except sqlite3.OperationalError as error:
        check("locked" in str(error), str(error))
    db.close()


def resize(client, rng):
    """Another budget of memory."""
    if not client.attached:
        client.write(lambda: client.sql("SELECT ck_config('cache_bytes', ?)",
                                        rng.choice([None, 0, 70000, 300000, 2000000])))


def reencode(client, rng):
    """Another encoding of a model: what is stored changes a little."""
    if client.attached or client.depth:
        return
    try:
        client.sql("SELECT ck_reencode(?, '1', ?)", rng.choice(list(MODELS)),
                   rng.choice(["f32", "f16", "f32+zstd", "i8"]))
    except sqlite3.OperationalError as error:
        check("locked" in str(error), str(error))
    check_doctor(client)


def repair(client, rng):
    """ck_repair of the index, or of vectors that do not read back."""
    def work():
        if rng.random() < 0.5:
            client.sql("SELECT ck_repair('index')")
            return
        ids = client.sql("SELECT rowid FROM embeddings")
        for _ in range(3):
            client.sql("UPDATE _ck_vector SET data = zeroblob(length(data)) WHERE id = ?",
                       rng.choice(ids)[0])
        client.sql("SELECT ck_repair('checksums')")
    if not client.attached:
        client.write(work)


def check_doctor(client, allowed=("ok",)):
    """The index is whole; its graphs are walked for it."""
    if not client.attached:
        rows = client.sql("SELECT status, detail FROM ck_doctor WHERE \"check\" = 'index'")
        check(all(row[0] in allowed for row in rows), f"the doctor says {rows}")


def doctor(client, _rng):
    """The check of the doctor."""
    check_doctor(client)


ACTIONS = {put: 8, replace: 5, delete: 5, put_and_fail: 2, collect: 1, optimize: 7, begin: 6,
           end: 5, reopen: 1, vacuum: 1, change_schema: 1, resize: 2, reencode: 1, repair: 1,
           doctor: 1}
