"""Searches that probe the cells of a graph, one situation a test."""
import struct

from graph_cases import EF_ALL, check_clean, doctor, shape
from store import (Vectors, check, check_rows, connect, exact, fill, hash_of, pack, recall, search,
                   value)


def make(path, rng, count, metric="cosine", dims=24):
    """A store whose searches probe, and what it knows."""
    db = connect(path, plan="probe")
    db.execute("INSERT INTO models(model, version, dims, metric) VALUES ('m', '1', ?, ?)",
               (dims, metric))
    vectors = Vectors(rng, dims)
    known = fill(db, vectors, count)
    db.execute("SELECT ck_optimize()")
    return db, vectors, known


def cells(db):
    """How many cells there are, and [(how many of them, recall)]."""
    n, probes = db.execute("SELECT cells, probes FROM _ck_graph WHERE model = 1").fetchone()
    return n, list(struct.iter_unpack("<If", probes))


def probed(plan):
    """Of 'probe, 3 of 20 cells, …' both numbers."""
    words = plan.split()
    return int(words[1]), int(words[3])


def change(db, vectors, known, first):
    """Twins, replaced and deleted embeddings, and new ones that are in no cell."""
    rows = [(hash_of(first + n), pack(known[n % 20 + 700])) for n in range(60)]
    rows += [(hash_of(first + 100 + n), pack(vectors.one())) for n in range(300)]
    db.executemany("INSERT INTO embeddings(hash, model, version, vector) VALUES (?, 'm', '1', ?)",
                   rows)
    db.executemany("INSERT OR REPLACE INTO embeddings(hash, model, version, vector) "
                   "VALUES (?, 'm', '1', ?)",
                   [(hash_of(n), pack(vectors.one())) for n in range(1, 150)])
    db.execute("DELETE FROM embeddings WHERE rowid BETWEEN 200 AND 420 AND rowid % 3 > 0")


def check_probes(db, queries, rng, what):
    """With all cells the same as brute force; with some as many rows, and few are others."""
    ids = [row[0] for row in db.execute("SELECT rowid FROM embeddings")]
    for query in queries[::2]:
        some = ", ".join(map(str, rng.sample(ids, rng.choice([2, 30, len(ids) // 2]))))
        far = exact(db, query, 200)[0][-1][2]
        for where in ("k > 0", f"rowid IN ({some})", f"distance < {far!r}"):
            where = where if where != "k > 0" else ""
            k = rng.choice([1, 10, 300, 4096])
            true, _ = exact(db, query, k, where)
            both = where + (" AND " if where else "") + f"ef = {EF_ALL}"
            rows, plan = search(db, query, k, both)
            check(rows == true, f"{what}, k {k}, {where[:40]}: {len(rows)} rows of {len(true)}, "
                  f"{len(set(true) - set(rows))} are lost: {plan}")
            check(plan.startswith("probe") or not rows, f"the plan is '{plan}'")
            rows, plan = search(db, query, k, where)
            check_rows(rows, what)
            check(len(rows) == len(true) or "distance" in where,
                  f"{what}, k {k}, {where[:40]}: {len(rows)} rows of {len(true)}: {plan}")
    share = recall(db, queries, plan="probe")
    check(share >= 0.95, f"{what}: the recall is {share}")
    check(doctor(db)[0] in ("ok", "info"), f"{what}: the doctor says {doctor(db)}")


def test_probe_metrics(path, rng):
    """Every metric and length of codes, with all that makes cells stale or short."""
    for metric, dims in (("cosine", 24), ("l2", 3), ("dot", 40), ("l2", 300), ("cosine", 270)):
        db, vectors, known = make(path + metric + str(dims), rng, 1500, metric, dims)
        queries = [known[n] for n in rng.sample(range(1, 1500), 5)] + \
            [vectors.one() for _ in range(5)]
        check_probes(db, queries, rng, f"{metric}, {dims} dims, built")
        change(db, vectors, known, 5000)
        check_probes(db, queries, rng, f"{metric}, {dims} dims, changed")


def test_probe_stages(path, rng):
    """A graph that is added to keeps its cells; one that is made of the last one has new ones."""
    db, vectors, known = make(path, rng, 6000)
    queries = [vectors.one() for _ in range(20)]
    n, probes = cells(db)
    check(n > 3 and probes[-1] == (n, 1.0) and probes == sorted(set(probes)), f"{n}, {probes}")
    rows, plan = search(db, queries[0])
    check(rows and probed(plan) == (min(p[0] for p in probes if p[1] >= 0.99), n), plan)
    change(db, vectors, known, 10000)
    db.execute("SELECT ck_optimize()")
    generation = shape(db)[0]
    check(value(db, "SELECT side = 1 AND celled < blocks FROM _ck_graph"), "it was not added to")
    check_probes(db, queries, rng, "added to")
    n, probes = cells(db)
    db.execute("DELETE FROM embeddings WHERE rowid % 3 = 0")
    db.execute("SELECT ck_optimize()")
    check(shape(db)[0] > generation, "it was not made anew")
    m, others = cells(db)
    check(m < n and 1 < len(others) <= len(probes) and others[-1] == (m, 1.0), f"{m}, {others}")
    check_probes(db, queries, rng, "made of the last one")
    check_clean(db, "at the end")


def test_probe_filter_far_away(path, rng):
    """What passes is far from the query: as many rows come as there are, from more cells."""
    db, vectors, _ = make(path, rng, 4000)
    far = [-x for x in vectors.centres[0]]
    order = [row[0] for row in search(db, far, 4000, "recall = 1")[0]]
    for share in (0.01, 0.1, 0.4):
        ids = order[:int(share * len(order))]
        where = f"rowid IN ({', '.join(map(str, ids))})"
        for k in (1, 30, 1000):
            rows, plan = search(db, vectors.centres[0], k, where)
            check(len(rows) == min(k, len(ids)), f"{len(rows)} of {k} rows, {share} pass: {plan}")
            check(plan.startswith("probe"), f"the plan is '{plan}'")


def test_probe_dead_cells(path, rng):
    """The nearest cells are dead: others are asked."""
    db, vectors, known = make(path, rng, 4000)
    query = known[100]
    near = [row[0] for row in search(db, query, 1500, "recall = 1")[0]]
    db.execute(f"DELETE FROM embeddings WHERE rowid IN ({', '.join(map(str, near))})")
    rows, plan = search(db, query, 50)
    check(len(rows) == 50 and plan.startswith("probe"), f"{len(rows)} rows by {plan}")
    check(rows[0][2] >= exact(db, query, 1)[0][0][2], "nearer than the nearest")


def test_probe_by_itself(path, rng):
    """The first search of a process probes unasked; transactions and other connections show."""
    db = connect(path, plan="")
    vectors = Vectors(rng, 24)
    db.execute("INSERT INTO models(model, version, dims) VALUES ('m', '1', 24)")
    known = fill(db, vectors, 30000)
    db.execute("SELECT ck_optimize()")
    fresh = connect(path, plan="")
    query = known[77]
    rows, plan = search(fresh, query, 1)
    check(plan.startswith("probe") and rows[0][0] == 77, f"the plan is '{plan}'")
    check(value(fresh, "SELECT sum(resident) FROM ck_cache WHERE part = 'cells'") == 0,
          "a first search keeps no cells")
    search(fresh, query, 1)
    check(value(fresh, "SELECT resident > 0 AND bytes > 0 FROM ck_cache WHERE part = 'cells'"),
          "a second one does")
    db.execute("DELETE FROM embeddings WHERE rowid = 77")
    check(search(fresh, query, 1)[0][0][0] != 77, "what another connection deleted is found")
    fresh.execute("SELECT ck_config('cache_bytes', 0)")
    rows, plan = search(fresh, query, 5)
    check(rows == search(db, query, 5, "recall = 1")[0], f"without room: {plan}")
    check(value(fresh, "SELECT sum(resident) FROM ck_cache") == 0, "more is kept than there is room")
