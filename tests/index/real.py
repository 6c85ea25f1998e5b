"""Recall on real embeddings, where they are there: ../shared/data/NAME beside the checkout, with
base.fvecs and query.fvecs (rows of an int32 count and so many float32) and, as ivecs likewise,
groundtruth_cosine.ivecs, the exact neighbours."""
import os
import struct

from store import ROOT, Skip, check, connect

DATA = os.path.join(os.path.dirname(ROOT), "shared", "data")
FLOOR = 0.995
QUERIES = 200


def read_rows(name, limit=None):
    """The rows of a file as blobs, without their counts."""
    with open(name, "rb") as file:
        data = file.read()
    size = 4 + 4 * struct.unpack_from("<i", data)[0]
    rows = [data[at + 4:at + size] for at in range(0, len(data), size)]
    return rows[:limit]


def check_recall(path, name):
    """Puts a set, with the index begun and packed by the puts alone, then merged."""
    folder = os.path.join(DATA, name)
    if not os.path.isdir(folder):
        raise Skip(f"{folder} is not there")
    base = read_rows(os.path.join(folder, "base.fvecs"))
    queries = read_rows(os.path.join(folder, "query.fvecs"), QUERIES)
    truth = read_rows(os.path.join(folder, "groundtruth_cosine.ivecs"), QUERIES)
    db = connect(path)
    db.execute("BEGIN")
    db.executemany("INSERT INTO embeddings(model, version, content, vector) "
                   "VALUES ('m', '1', ?, ?)", ((str(i), row) for i, row in enumerate(base)))
    db.execute("COMMIT")
    notes = []
    for state in ("after puts", "optimized"):
        found = 0
        for query, neighbours in zip(queries, truth):
            rows = db.execute("SELECT rowid, plan FROM knn(?, 10)", (query,)).fetchall()
            check(rows[0][1].startswith("index scan"), f"{name} {state}: {rows[0][1]}")
            found += len({row[0] - 1 for row in rows} & set(struct.unpack_from("<10i", neighbours)))
        share = found / (10 * len(queries))
        check(share >= FLOOR, f"{name} {state}: recall {share:.4f}, expected {FLOOR}")
        notes.append(f"{state} {share:.4f}")
        db.execute("SELECT ck_optimize()")
    db.close()
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
