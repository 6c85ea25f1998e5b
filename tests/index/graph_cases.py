"""The graph step by step: each test builds one situation. They get (path, rng)."""
import hashlib
import os
import random
import signal
import sqlite3
import threading
import time

from builders import age_claims, builder, start, wait, writer
from store import (LONG_S, Skip, Vectors, check, check_rows, connect, exact, fill, hash_of, orphans,
                   pack, recall, search, value)

N = 3000
EF_ALL = 60000


def open_graph(path):
    """A connection whose indexes have graphs, and whose searches take them."""
    return connect(path, plan="graph")


def make(path, rng, count=N, metric="cosine", dims=32, mode="wal"):
    """A store with a graph: connection, maker of vectors, what it knows."""
    db = open_graph(path)
    db.execute(f"PRAGMA journal_mode = {mode}").fetchall()
    vectors = Vectors(rng, dims)
    db.execute("INSERT INTO models(model, version, dims, metric) VALUES ('m', '1', ?, ?)",
               (dims, metric))
    known = fill(db, vectors, count)
    db.execute("SELECT ck_optimize()")
    check(shape(db)[0] > 0, "there is no graph")
    return db, vectors, known


def shape(db):
    """Generation, nodes and side of the graph."""
    return db.execute("SELECT generation, nodes, side FROM _ck_graph WHERE model = 1").fetchone()


def doctor(db):
    """What the doctor says of the index."""
    return db.execute("SELECT status, detail FROM ck_doctor WHERE \"check\" = 'index'").fetchone()


def check_all(db, queries, what):
    """A walk of everything is the same as brute force, usual ones are nearly, and all is whole."""
    for query in queries:
        for k in (1, 10, 300):
            rows, plan = search(db, query, k, f"ef = {EF_ALL}")
            true, _ = exact(db, query, k)
            check(plan.startswith("graph") or stale(db), f"{what}: the plan is '{plan}'")
            check(rows == true, f"{what}, k {k}: {rows[:3]} … instead of {true[:3]} …")
    share = recall(db, queries, plan="graph")
    check(share >= (0.95 if len(queries) >= 20 else 0.8), f"{what}: the recall is {share}")
    check(doctor(db)[0] in ("ok", "info"), f"{what}: the doctor says {doctor(db)}")


def stale(db):
    """How many embeddings are stale: dead ones are filtered, which a large ef is not for."""
    return sum(bin(byte).count("1") for (bits,) in db.execute("SELECT bits FROM _ck_stale")
               for byte in bits[:-8])


def check_clean(db, what):
    """Nothing that nobody reads is left."""
    check(not orphans(db), f"{what}: {len(orphans(db))} blocks that nobody reads")
    check(doctor(db)[0] == "ok", f"{what}: the doctor says {doctor(db)}")
    check(value(db, "SELECT count(*) FROM ck_progress") == 0, f"{what}: progress is left")
    check(value(db, "SELECT count(*) FROM _ck_index WHERE builder IS NOT NULL") == 0,
          f"{what}: the index is claimed")


def test_graph_filter_far_away(path, rng):
    """What passes is far from the query: as many rows come as there are."""
    db, vectors, _ = make(path, rng, 2000)
    far = [-x for x in vectors.centres[0]]
    order = [row[0] for row in search(db, far, 2000, "recall = 1")[0]]
    for share in (0.05, 0.2, 0.4):
        ids = ", ".join(map(str, order[:int(share * len(order))]))
        for k in (1, 30, 90):
            rows, plan = search(db, vectors.centres[0], k, f"rowid IN ({ids})")
            check(plan.startswith(("graph", "exact lookup")), f"the plan is '{plan}'")
            check(len(rows) == k, f"{len(rows)} rows of {k} when {share} pass: {plan}")


def test_graph_vectors_of_one_code(path, rng):
    """Vectors that differ by less than an int8 code shows are told apart all the same."""
    db = open_graph(path)
    db.execute("INSERT INTO models(model, version, dims, metric) VALUES ('m', '1', 3, 'l2')")
    db.executemany("INSERT INTO embeddings(hash, model, version, vector) VALUES (?, 'm', '1', ?)",
                   [(hash_of(n), pack([1.0, rng.random() / 5, rng.random() / 5]))
                    for n in range(2000)])
    db.execute("SELECT ck_optimize()")
    check(value(db, "SELECT twins FROM _ck_graph") > 1000, "they have codes of their own")
    queries = [[1.0, rng.random() / 5, rng.random() / 5] for _ in range(20)]
    check_all(db, queries, "built")
    db.executemany("INSERT INTO embeddings(hash, model, version, vector) VALUES (?, 'm', '1', ?)",
                   [(hash_of(n), pack([1.0, rng.random() / 5, rng.random() / 5]))
                    for n in range(2000, 2500)])
    db.execute("SELECT ck_optimize()")
    check_all(db, queries, "added to")


def test_graph_far_queries(path, rng):
    """The query is far from everything, or all is far from zero: the codes of the one are coarse."""
    for metric in ("l2", "dot", "cosine"):
        for dims in (3, 24):
            db = open_graph(path + metric + str(dims))
            db.execute("INSERT INTO models(model, version, dims, metric) VALUES ('m', '1', ?, ?)",
                       (dims, metric))
            centre = [rng.gauss(0, 0.2) for _ in range(dims)]
            db.executemany("INSERT INTO embeddings(hash, model, version, vector) "
                           "VALUES (?, 'm', '1', ?)",
                           [(hash_of(n), pack([x + rng.gauss(0, 0.003) for x in centre]))
                            for n in range(1200)])
            db.execute("SELECT ck_optimize()")
            for _ in range(30):
                size, k = rng.choice([0.003, 0.3, 3, 30]), rng.choice([1, 5, 40, 300])
                query = [x + rng.gauss(0, size) for x in centre]
                rows, plan = search(db, query, k, f"ef = {EF_ALL}")
                true, _ = exact(db, query, k)
                check(rows == true, f"{metric}, {dims} dims, k {k}, {size} away: "
                      f"{len(set(true) - set(rows))} are lost: {plan}")


def test_graph_vectors_with_spikes(path, rng):
    """Codes of vectors with one large component are coarse; among others they are not lost."""
    def one(is_spiky):
        vector = [rng.gauss(0, 1) for _ in range(64)]
        if is_spiky:
            vector[rng.randrange(64)] += rng.choice([20, 60, -40])
        return vector
    for metric in ("dot", "l2", "cosine"):
        db = open_graph(path + metric)
        db.execute("INSERT INTO models(model, version, dims, metric) VALUES ('m', '1', 64, ?)",
                   (metric,))
        db.executemany("INSERT INTO embeddings(hash, model, version, vector) "
                       "VALUES (?, 'm', '1', ?)",
                       [(hash_of(n), pack(one(n % 3 == 0))) for n in range(1500)])
        db.execute("SELECT ck_optimize()")
        for turn in range(60):
            query, k = one(turn % 2), rng.choice([1, 10, 300, 1000])
            rows, plan = search(db, query, k, f"ef = {EF_ALL}")
            true, _ = exact(db, query, k)
            check(rows == true, f"{metric}, k {k}: {len(set(true) - set(rows))} are lost: {plan}")


def test_graph_that_does_not_fit(path, rng):
    """A graph of which a part would be read again by every search gives way to codes."""
    _, vectors, _ = make(path, rng, 6000)
    db = connect(path, plan="")
    queries = [vectors.one() for _ in range(40)]

    def last_plan(budget):
        db.execute("SELECT ck_config('cache_bytes', ?)", (budget,))
        for query in queries:
            rows, plan = search(db, query, 10)
            check_rows(rows, "knn")
        return plan

    def resident(part):
        return value(db, f"SELECT bytes FROM ck_cache WHERE part = '{part}'")

    check(last_plan(None).startswith("graph"), f"{last_plan(None)} of a graph that fits")
    whole = resident("graph")
    for budget in (whole // 2, whole // 3):
        check(last_plan(budget).startswith(("index scan", "probe")),
              f"{last_plan(budget)}, {whole} bytes")
        codes = resident("scan") + resident("cells")
        check(codes > 0, "no codes are kept")
        kept = codes + resident("graph")
        check(kept <= budget, f"{kept} bytes are kept, {budget} allowed")
    db.execute("SELECT rowid FROM knn(?, 10) WHERE ef = 3000", (pack(queries[0]),)).fetchall()
    check(last_plan(None).startswith("graph"), f"{last_plan(None)} of a graph that fits again")


def test_graph_one_vector(path, rng):
    """Thousands of embeddings of one vector are one node; then others come."""
    db = open_graph(path)
    vectors = Vectors(rng)
    one = vectors.one()
    db.executemany("INSERT INTO embeddings(hash, model, version, vector) VALUES (?, 'm', '1', ?)",
                   [(hash_of(n), pack(one)) for n in range(3000)])
    db.execute("SELECT ck_optimize()")
    check(shape(db)[1] == 1, f"{shape(db)[1]} nodes of one vector")
    check_all(db, [one, vectors.one()], "one vector")
    fill(db, vectors, 40, first=5000)
    db.executemany("INSERT INTO embeddings(hash, model, version, vector) VALUES (?, 'm', '1', ?)",
                   [(hash_of(n), pack(one)) for n in range(6000, 7000)])
    check_all(db, [one, vectors.one()], "more, in the tail")
    db.execute("SELECT ck_optimize()")
    check(shape(db)[1] == 41, f"{shape(db)[1]} nodes of 41 vectors")
    check_all(db, [one, vectors.one()], "added to")
    db.execute("DELETE FROM embeddings WHERE rowid <= 2900")
    check_all(db, [one, vectors.one()], "most of them deleted")
    db.execute("SELECT ck_optimize()")
    check_all(db, [one, vectors.one()], "consolidated")
    check_clean(db, "consolidated")


def test_graph_is_deterministic(path, rng):
    """The same embeddings give the same graph, byte for byte."""
    digests = set()
    state = rng.getstate()
    for name in ("1", "2"):
        rng.setstate(state)
        db, vectors, _ = make(path + name, rng, 1500)
        fill(db, vectors, 100, first=5000)
        db.execute("SELECT ck_optimize()")
        digest = hashlib.sha256()
        for row in db.execute("SELECT id, data FROM _ck_block_data ORDER BY id"):
            digest.update(repr(row).encode())
        row = db.execute("SELECT nodes, twins, levels, efforts, checksum FROM _ck_graph").fetchone()
        digest.update(repr(row).encode())
        digests.add(digest.hexdigest())
    check(len(digests) == 1, "two graphs")


def test_graph_nothing_to_build_of(path, rng):
    """Everything is deleted, or damaged, before it is coded."""
    db, vectors, known = make(path, rng, 1500)
    db.execute("UPDATE _ck_vector SET data = zeroblob(length(data))")
    db.execute("SELECT ck_repair('index')")
    check(doctor(db)[0] in ("ok", "error"), f"the doctor says {doctor(db)}")
    check(value(db, "SELECT ck_optimize()") == 0, "damaged vectors are in the index")
    db.execute("SELECT ck_repair('checksums')")
    check(value(db, "SELECT count(*) FROM embeddings") == 0, "damaged ones are left")
    db.execute("SELECT ck_optimize()")
    known = fill(db, vectors, 1500, first=5000)
    db.execute("SELECT ck_optimize()")
    check_all(db, list(known.values())[:20], "filled anew")


def test_graph_damaged_vectors(path, rng):
    """Vectors that do not read back are left out, built or added, and the rest is found."""
    db, vectors, known = make(path, rng, 1500)
    fill(db, vectors, 300, first=5000)
    for rebuilt in (False, True):
        db.execute("UPDATE _ck_vector SET data = zeroblob(length(data)) WHERE id % 60 = 7 AND "
                   "id > ?", (0 if rebuilt else 1500,))
        db.execute("SELECT ck_repair('index')" if rebuilt else "SELECT ck_optimize()")
        db.execute("SELECT ck_repair('checksums')")
        left = {n: v for n, v in known.items()
                if value(db, "SELECT 1 FROM embeddings WHERE hash = ?", hash_of(n))}
        check_all(db, list(left.values())[:20], f"rebuilt: {rebuilt}")


def test_graph_migrated(path, rng, options):
    """ck_repair, ck_reencode, VACUUM and a closed connection leave the same answers."""
    for metric, dims in (("l2", 3), ("dot", 130), ("cosine", 768))[:3 if options.full else 1]:
        file = path + metric
        db, vectors, known = make(file, rng, 1100, metric, dims)
        queries = list(known.values())[:5] + [vectors.one() for _ in range(3)]
        check_all(db, queries, f"{metric}, built")
        for sql in ("SELECT ck_reencode('m', '1', 'f16+zstd')", "VACUUM", "SELECT ck_optimize()",
                    "SELECT ck_repair('index')", "SELECT ck_reencode('m', '1', 'i8')",
                    "SELECT ck_repair('checksums')", "REINDEX"):
            db.execute(sql).fetchall()
            check_all(db, queries, f"{metric}, {sql}")
        db.close()
        db = open_graph(file)
        check_all(db, queries, f"{metric}, opened again")
        check_clean(db, metric)


def test_graph_beside_deleted_models(path, rng):
    """What was deleted of one model does not keep searches of another from its graph."""
    db, _, known = make(path, rng, 2000)
    vectors = Vectors(rng)
    fill(db, vectors, 6000, first=10000, model=("n", "1"))
    db.execute("SELECT ck_optimize()")
    db.execute("DELETE FROM embeddings WHERE model = 'n' AND rowid % 2 = 0")
    for query in list(known.values())[:10]:
        rows, plan = search(db, query, 10, "model = 'm'")
        check(plan.startswith("graph"), f"the plan is '{plan}'")
        check(rows == exact(db, query, 10, "model = 'm'")[0], "not the nearest")


def test_graph_many_replaced(path, rng, options):
    """Replaced embeddings stay in the tail, which every search scans: ck_optimize ends that."""
    if not options.full:
        raise Skip("only with --full")
    db = connect(path, plan="")  # as it is without CK_PLAN
    vectors = Vectors(rng, 3)
    fill(db, vectors, 48000)
    db.execute("SELECT ck_optimize()")
    check(shape(db)[0] > 0, "there is no graph")
    db.execute("BEGIN")
    db.executemany("INSERT OR REPLACE INTO embeddings(hash, model, version, vector) "
                   "VALUES (?, 'm', '1', ?)",
                   [(hash_of(n), pack(vectors.one())) for n in range(1, 9001)])
    db.execute("COMMIT")
    db.execute("SELECT ck_optimize()")
    left = value(db, "SELECT count(*) FROM _ck_tail")
    check(left <= 8192, f"{left} rows are in the tail")
    check(doctor(db)[0] == "ok", f"the doctor says {doctor(db)}")


def test_graph_leftovers(path, rng):
    """What builders that died have left goes with the next ck_optimize, even if that is all."""
    db, vectors, known = make(path, rng, 2000)
    fill(db, vectors, 150, first=5000)
    db.execute("SELECT ck_optimize()")  # so that codes and links are of several writes
    for turn, kind in enumerate(("nothing", "append", "build")):
        generation, _, side = shape(db)
        here = (1 << 20) + generation  # of model 1
        at = "SELECT id + {0}, {1} FROM {2} WHERE id >> 23 = {3} AND (id >> 20 & 7) IN ({4})"
        for move, planes in ((1 << 23, "1, 2, 3, 4, 5, 6, 7"), (5 << 23, "1, 4"), (1 << 10, "2, 3"),
                             ((1 << 20) * (-1 if side else 1), f"{4 + side}")):
            for table, columns in (("_ck_block_data", "data"),
                                   ("_ck_block", "stamp, checksum, n, first_id + 1000000, last_id, "
                                    "entry_checksum")):
                db.execute(f"INSERT INTO {table} " + at.format(move, columns, table, here, planes))
        db.execute("UPDATE _ck_index SET builder = 12345, builder_at = unixepoch()")
        db.execute("INSERT INTO ck_progress VALUES ('optimize', 1, 1, 1, 2)")
        n_left = len(orphans(db))
        check(n_left > 10, "there is nothing to remove")
        db.execute("SELECT ck_optimize()")
        check(len(orphans(db)) == n_left, "what another one builds was deleted")
        age_claims(db)
        work_on(db, vectors, rng, kind, 10000 * (1 + turn))
        check_all(db, list(known.values())[:3], f"{kind}, before")
        db.execute("SELECT ck_optimize()")
        check_all(db, list(known.values())[:3], f"{kind}, after")
        check_clean(db, kind)


# ---- Interrupts, progress, kills

def work_on(db, vectors, rng, kind, first):
    """Makes the next ck_optimize build a graph anew, or add to it. What was put, by number."""
    if kind == "nothing":
        return {}
    if kind == "build":
        db.execute("DELETE FROM embeddings WHERE rowid IN (SELECT rowid FROM embeddings "
                   "WHERE rowid % 3 = ?)", (rng.randrange(3),))
        return fill(db, vectors, N // 3, first=first)
    return fill(db, vectors, 150, first=first)


def some_vectors(db, rng, count=8):
    """Vectors of some embeddings."""
    ids = [row[0] for row in db.execute("SELECT rowid FROM embeddings")]
    return [memoryview(value(db, "SELECT vector FROM embeddings WHERE rowid = ?",
                             rng.choice(ids))).cast("f").tolist() for _ in range(count)]


def test_graph_interrupted(path, rng, options):
    """It ends at once, leaves the graph in use, and the next ck_optimize does it."""
    db, vectors, _ = make(path, rng)
    first, n_stopped = 10000, {"build": 0, "append": 0}
    n_turns, n_turns_max = (60, 60) if options.full else (8, 100)
    for turn in range(n_turns_max):
        if turn >= n_turns and min(n_stopped.values()) > 0:
            break
        kind = "build" if turn % 2 else "append"
        work_on(db, vectors, rng, kind, first)
        first += N
        before = shape(db)
        way, left = rng.choice(["interrupt", "progress", "thread"]), [rng.choice([1, 5, 30, 150])]
        timer = threading.Timer(rng.random() * (0.5 if kind == "build" else 0.1), db.interrupt)

        def count():
            left[0] -= 1
            if left[0] == 0 and way == "interrupt":
                db.interrupt()
            return int(left[0] <= 0 and way == "progress")
        if way == "thread":
            timer.start()
        else:
            db.set_progress_handler(count, 200)
        try:
            db.execute("SELECT ck_optimize()").fetchall()
        except sqlite3.OperationalError as error:
            check(str(error) == "interrupted", f"the error is '{error}'")
            check(not db.in_transaction, "a transaction is left")
            n_stopped[kind] += 1
        timer.cancel()
        if way == "thread" and timer.ident:
            timer.join()
        db.set_progress_handler(None, 200)
        after = shape(db)
        check(after[0] - before[0] in (0, 1), f"from {before} to {after}")
        what = f"{kind} stopped by {way}, {left[0]} left"
        check(doctor(db)[0] in ("ok", "info"), f"{what}: the doctor says {doctor(db)}")
        share = recall(db, some_vectors(db, rng), plan="graph")
        check(share >= 0.9, f"{what}: the recall is {share}")
        fill(db, vectors, 1, first=first - 1)
        db.execute("SELECT ck_optimize()")
        check_all(db, some_vectors(db, rng, 3), f"{what}, done again")
        check_clean(db, f"{what}, done again")
    check(min(n_stopped.values()) > 0, f"few were stopped: {n_stopped}")
    return f"stopped: {n_stopped}"


def test_graph_progress(path, rng, options):
    """A build of seconds shows how far it is to another connection, and goes on calling."""
    db, vectors, _ = make(path, rng, 1500, "cosine", 256)
    rows = [pack(vectors.one()) for _ in range(4000)]
    for number in range(16 if options.full else 3):
        db.execute("BEGIN")
        db.executemany("INSERT INTO embeddings(hash, model, version, vector) "
                       "VALUES (?, 'm', '1', ?)",
                       [(hash_of(10000 + 4000 * number + i), row[:4] + os.urandom(2) + row[6:])
                        for i, row in enumerate(rows)])
        db.execute("COMMIT")
    other = open_graph(path)
    # Of the processor's time, which passes only as far as others leave us any.
    seen, begin, gap, last = [], time.process_time(), 0.0, time.process_time()

    def look():
        nonlocal gap, last
        gap, last = max(gap, time.process_time() - last), time.process_time()
        row = other.execute("SELECT done, total FROM ck_progress WHERE task = 'optimize'").fetchone()
        if row and (not seen or seen[-1] != row):
            seen.append(row)
        return 0
    db.set_progress_handler(look, 50)
    db.execute("SELECT ck_optimize()").fetchall()
    takes = time.process_time() - begin
    db.set_progress_handler(None, 50)
    check(gap < max(0.5, takes / 5), f"{gap:.2f} s of {takes:.2f} without a call")
    check(len(seen) >= min(3, takes / 1.2), f"{len(seen)} states seen in {takes:.2f} s")
    shares = [done / total for done, total in seen]
    check(all(0 <= share <= 1 for share in shares), f"shares {shares}")
    check(shares == sorted(shares), f"it goes backwards: {seen}")
    check_clean(db, "afterwards")
    return f"{takes:.1f} s, {len(seen)} states seen, at most {gap * 1000:.0f} ms between calls"


def reader(path, seed, deadline):
    """Holds walks of everything against brute force, each pair in one transaction."""
    rng = random.Random(seed)
    db = open_graph(path)
    n_searches = n_walks = 0
    while time.monotonic() < deadline or n_walks < 6:
        check(time.monotonic() < deadline + LONG_S, f"{n_walks} of {n_searches} took the graph")
        db.execute("BEGIN")
        at = value(db, "SELECT max(rowid) FROM embeddings")
        query = value(db, "SELECT vector FROM embeddings WHERE rowid >= ? LIMIT 1",
                      rng.randrange(1, at))
        floats = memoryview(query).cast("f").tolist()
        k = rng.choice([1, 10, 300])
        rows, plan = search(db, floats, k, f"ef = {EF_ALL}")
        true, _ = exact(db, floats, k)
        db.execute("COMMIT")
        check(rows == true, f"{plan}: {rows[:3]} … instead of {true[:3]} …")
        n_searches += 1
        n_walks += plan.startswith("graph")
    check(n_walks > n_searches / 2, f"{n_walks} of {n_searches} took the graph")


def test_graph_readers_and_writers(path, rng, options):
    """Processes that search, write and build at once."""
    db, _, _ = make(path, rng, 6000)
    db.close()
    deadline = time.monotonic() + (30 if options.full else 2)
    seed = rng.randrange(1 << 30) * 2
    wait(start(reader, path, seed, deadline), start(reader, path, seed + 2, deadline),
         start(writer, path, seed, deadline, "graph"),
         start(writer, path, seed + 1, deadline, "graph"),
         start(builder, path, deadline, "graph"))
    db = open_graph(path)
    db.execute("SELECT ck_optimize()")
    check_all(db, some_vectors(db, rng, 3), "in the end")
    check_clean(db, "in the end")
    check(value(db, "PRAGMA integrity_check") == "ok", "the file is not sound")


def optimize(path):
    """The process of a builder."""
    db = open_graph(path)
    db.execute("SELECT ck_optimize()").fetchall()
    db.close()


def test_graph_killed(path, rng, options):
    """Builders that are killed leave the graph in use; the next one leaves nothing of them."""
    n_left = {"claims": 0, "blocks": 0}
    db, vectors, _ = make(path, rng, mode=rng.choice(["wal", "delete"]))
    first, takes = 10000, {"build": 0.6, "append": 0.15}
    db.close()
    for turn in range(120 if options.full else 6):
        kind = "build" if turn % 2 else "append"
        db = open_graph(path)
        work_on(db, vectors, rng, kind, first)
        first += N
        db.close()
        begin = time.monotonic()
        pid = start(optimize, path)
        if turn < 2:  # how long one takes
            os.waitpid(pid, 0)
            takes[kind] = max(0.02, time.monotonic() - begin)
            continue
        time.sleep(rng.random() * 1.1 * takes[kind])
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        db = open_graph(path)
        what = f"{kind} killed"
        check(value(db, "PRAGMA integrity_check") == "ok", "the file is not sound")
        n_left["blocks"] += bool(orphans(db))
        n_left["claims"] += value(db, "SELECT count(*) FROM _ck_index WHERE builder IS NOT NULL")
        check(doctor(db)[0] in ("ok", "info"), f"{what}: the doctor says {doctor(db)}")
        share = recall(db, some_vectors(db, rng), plan="graph")
        check(share >= 0.9, f"{what}: the recall is {share}")
        age_claims(db)
        check(doctor(db)[0] in ("ok", "info"), f"{what}, aged: the doctor says {doctor(db)}")
        db.execute("SELECT ck_optimize()")
        check_all(db, some_vectors(db, rng, 3), f"{what}, done again")
        check_clean(db, f"{what}, done again")
        db.close()
    return f"left {n_left}"
