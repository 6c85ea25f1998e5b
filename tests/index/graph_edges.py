"""The graph with what is rarely asked of it: each test is one situation. They get (path, rng)."""
import json
import sqlite3

from graph_cases import make
from store import check, connect, exact, hash_of, pack, search, value


def test_graph_small_cache(path, rng):
    """What is in memory shrinks with cache_bytes, exact vectors too."""
    db, vectors, _ = make(path, rng, 3000, dims=64)
    for _ in range(200):
        search(db, vectors.one(), 10)
    for budget in (200000, 0):
        db.execute("SELECT ck_config('cache_bytes', ?)", (budget,))
        search(db, vectors.one(), 10)
        kept = value(db, "SELECT bytes FROM ck_cache WHERE part = 'graph'")
        check(kept <= budget + 50000, f"{kept} bytes are kept, {budget} allowed")


def test_graph_any_rowids(path, rng):
    """Lists of rowids may have any integer in them."""
    db, vectors, _ = make(path, rng, 1500)
    ends = [-2 ** 63, -1, 0, 7, 8, 2 ** 40, 2 ** 63 - 1]
    for ids in (ends, ends[:4], ends[3:], ends[:1], ends[-1:], [ends[0], ends[-1]]):
        where = "ef = 100 AND rowid IN (SELECT value FROM json_each(?))"
        rows, _ = search(db, vectors.one(), 10, where, (json.dumps(ids),))
        found = sorted(row[0] for row in rows)
        check(found == [i for i in ids if 0 < i <= 1500], f"{found} of {ids}")


def test_graph_twin_replaced(path, rng):
    """One of two equal embeddings gets another vector while a graph is made of the last one."""
    db, vectors, _ = make(path, rng, 3000)
    other = connect(path, timeout=0, plan="graph")  # the lock is held by who calls progress()
    one = vectors.one()
    for number in (101, 2001):
        other.execute("INSERT OR REPLACE INTO embeddings(hash, model, version, vector) "
                      "VALUES (?, 'm', '1', ?)", (hash_of(number), pack(one)))
    db.execute("SELECT ck_repair('index')")
    db.execute("SELECT ck_optimize()")
    db.executemany("DELETE FROM embeddings WHERE hash = ?",
                   [(hash_of(i),) for i in range(2100, 2900)])
    state = {"done": False}

    def progress():
        if state["done"] or value(other, "SELECT count(builder) FROM _ck_index") == 0:
            return 0
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:  # in one of its transactions; there is a time between them
            return 0
        state["done"] = True
        other.execute("INSERT OR REPLACE INTO embeddings(hash, model, version, vector) "
                      "VALUES (?, 'm', '1', ?)", (hash_of(2001), pack([-x for x in one])))
        other.execute("COMMIT")
        return 0

    db.set_progress_handler(progress, 200)
    db.execute("SELECT ck_optimize()").fetchall()
    db.set_progress_handler(None, 0)
    check(state["done"], "nothing was replaced while the graph was made")
    for query in (one, [-x for x in one]):
        true, _ = exact(db, query, 3)
        rows, plan = search(db, query, 3, "ef = 500")
        check(rows == true, f"{rows} instead of {true}: {plan}")


def test_graph_sparse(path, rng):
    """Vectors of a few numbers among zeros, which codes hardly tell apart: recall is kept."""
    db = connect(path, plan="")

    def one():
        vector = [0.0] * 256
        for _ in range(3):
            vector[rng.randrange(256)] = rng.choice([1.0, -2.0, 1e-3, 50.0])
        return vector

    db.executemany("INSERT INTO embeddings(hash, model, version, vector) VALUES (?, 'm', '1', ?)",
                   [(hash_of(n), pack(one())) for n in range(3000)])
    db.execute("SELECT ck_optimize()")
    found = 0
    for _ in range(40):
        query = one()
        true, _ = exact(db, query, 10)
        rows, plan = search(db, query, 10, "recall = 0.99")
        found += sum(row[2] <= true[-1][2] + 1e-6 for row in rows)
    check(found >= 0.97 * 400, f"{found} of 400 found: {plan}")
