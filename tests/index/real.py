"""Recall on real embeddings, where they are there: ../shared/data/NAME beside the checkout, with
base.fvecs and query.fvecs (rows of an int32 count and so many float32) and, as ivecs likewise,
groundtruth_cosine.ivecs, the exact neighbours."""
import os
import struct

from store import ROOT, Skip, check, connect

DATA = os.path.join(os.path.dirname(ROOT), "shared", "data")
SCAN_FLOOR = 0.995
QUERIES = 200

# Of the graph, for 200 queries that are not in the set: the recall measured, less .005, when nothing
# is asked for. What is asked for must come, give or take .01.
GRAPH_FLOORS = {"beir-bge-base-768": 0.9905, "ck-bge-small-384": 0.9905, "ngt-sift5k-128": 0.9945}
TARGETS = (0.9, 0.95, 0.99)


def read_rows(name, limit=None):
    """The rows of a file as blobs, without their counts."""
    with open(name, "rb") as file:
        data = file.read()
    size = 4 + 4 * struct.unpack_from("<i", data)[0]
    rows = [data[at + 4:at + size] for at in range(0, len(data), size)]
    return rows[:limit]


def measure(db, plan, queries, truth, where=""):
    """The recall of ten neighbours."""
    found = 0
    for query, neighbours in zip(queries, truth):
        rows = db.execute(f"SELECT rowid, plan FROM knn(?, 10) {where}", (query,)).fetchall()
        check(rows[0][1].startswith(plan), f"{plan} was expected, not {rows[0][1]}")
        found += len({row[0] - 1 for row in rows} & set(struct.unpack_from("<10i", neighbours)))
    return found / (10 * len(queries))


def check_recall(path, name):
    """Puts a set, with the index begun and packed by the puts alone, then merged, with a graph."""
    folder = os.path.join(DATA, name)
    if not os.path.isdir(folder):
        raise Skip(f"{folder} is not there")
    base = read_rows(os.path.join(folder, "base.fvecs"))
    queries = read_rows(os.path.join(folder, "query.fvecs"), QUERIES)
    truth = read_rows(os.path.join(folder, "groundtruth_cosine.ivecs"), QUERIES)
    scan, graph = connect(path, plan="index"), connect(path, plan="graph")
    probe = connect(path, plan="probe")
    scan.execute("BEGIN")
    scan.executemany("INSERT INTO embeddings(model, version, content, vector) "
                     "VALUES ('m', '1', ?, ?)", ((str(i), row) for i, row in enumerate(base)))
    scan.execute("COMMIT")
    notes = []

    def hold(what, share, floor):
        check(share >= floor, f"{name}, {what}: recall {share:.4f}, expected {floor}")
        notes.append(f"{what} {share:.4f}")
    hold("after puts", measure(scan, "index scan", queries, truth), SCAN_FLOOR)
    graph.execute("SELECT ck_optimize()")
    hold("merged", measure(scan, "index scan", queries, truth), SCAN_FLOOR)
    hold("graph", measure(graph, "graph", queries, truth), GRAPH_FLOORS[name])
    for target in TARGETS:
        share = measure(graph, "graph", queries, truth, f"WHERE recall = {target}")
        hold(f"asked for {target}", share, target - 0.01)
        share = measure(probe, "probe", queries, truth, f"WHERE recall = {target}")
        hold(f"probed for {target}", share, target - 0.02)
    return "recall " + ", ".join(notes)


def test_real_768_dims(path, _rng):
    """Text of the BEIR collection by bge-base."""
    return check_recall(path, "beir-bge-base-768")


def test_real_384_dims(path, _rng):
    """Chunks of source code by bge-small."""
    return check_recall(path, "ck-bge-small-384")


def test_real_128_dims(path, _rng):
    """SIFT features."""
    return check_recall(path, "ngt-sift5k-128")
