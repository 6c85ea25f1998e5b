"""The index step by step: each test builds one situation. They get (path, rng)."""
from store import (INDEX_MIN, PACK_MIN, Vectors, check, check_index, connect, create, exact, fill,
                   hash_of, orphans, outline, pack, search, value)

REPLACE = "INSERT OR REPLACE INTO embeddings(hash, model, version, vector) VALUES (?, 'm', '1', ?)"


def replace(db, vectors, numbers):
    """Gives embeddings new vectors. These, by number."""
    new = {n: vectors.one() for n in numbers}
    db.executemany(REPLACE, [(hash_of(n), pack(v)) for n, v in new.items()])
    return new


def check_found(db, known, what):
    """Each vector finds its own embedding first."""
    for number, vector in known.items():
        rows, plan = search(db, vector, 1)
        check(plan.startswith("index scan"), f"{what}: the plan is '{plan}'")
        check(rows and rows[0][1] == hash_of(number) and abs(rows[0][2]) < 1e-5,
              f"{what}: embedding {number} does not find itself")


def some(rng, known, count=12):
    """Some of the embeddings."""
    return {n: known[n] for n in rng.sample(sorted(known), count)}


def test_begins_by_itself(path, rng):
    db, vectors, known = create(path, rng, INDEX_MIN - 1)
    check(search(db, known[1])[1].startswith("exact"), "an index of a small model")
    known.update(fill(db, vectors, 600, first=INDEX_MIN))
    check_found(db, some(rng, known), "after the index began")
    check_index(db, some(rng, known).values())


def test_packs_the_tail(path, rng):
    db, vectors, known = create(path, rng, 2 * INDEX_MIN)
    before = outline(db)
    known.update(fill(db, vectors, PACK_MIN + 600, first=2 * INDEX_MIN + 1))
    after = outline(db)
    check(after[1] > before[1] and after[3] < PACK_MIN, f"nothing was packed: {after}")
    check_found(db, some(rng, known), "after packing")
    check_index(db, some(rng, known).values())


def test_packs_replaced_ones(path, rng):
    db, vectors, known = create(path, rng, 2 * INDEX_MIN)
    known.update(replace(db, vectors, range(1, 1000)))
    fresh = some(rng, {n: known[n] for n in range(1, 1000)})
    check_found(db, fresh, "replaced, in the tail")
    known.update(fill(db, vectors, PACK_MIN + 600, first=2 * INDEX_MIN + 1))
    check(outline(db)[3] < PACK_MIN, "nothing was packed")
    check_found(db, fresh, "replaced, after packing")
    known.update(replace(db, vectors, range(500, 1500)))
    check_found(db, some(rng, {n: known[n] for n in range(1, 1500)}), "replaced again")
    db.execute("SELECT ck_optimize()")
    check_found(db, some(rng, known), "after ck_optimize")
    check(outline(db)[3:] == (0, 0), f"tail or stale bits are left: {outline(db)}")


def test_rolled_back_optimize(path, rng):
    """What a put learned of an index that was rolled back is forgotten."""
    db = connect(path)
    vectors, far = Vectors(rng), Vectors(rng)
    far.shift = [50.0 + x for x in far.shift]  # the next mean has nothing of the first
    db.execute("INSERT INTO models(model, version, dims, metric) VALUES ('m', '1', ?, 'l2')",
               (vectors.dims,))
    known = fill(db, vectors, 4 * INDEX_MIN)
    db.execute("SELECT ck_optimize()")
    queries = list(some(rng, known).values())
    check_index(db, queries)
    db.execute("BEGIN")
    fill(db, far, 4000, first=100000)
    db.execute("SELECT ck_optimize()")
    fill(db, far, 1, first=200000)
    db.execute("ROLLBACK")
    check_index(db, queries)
    check_found(db, some(rng, known), "after the ROLLBACK")


def test_optimize_rolled_back_to(path, rng):
    db, vectors, known = create(path, rng, 2 * INDEX_MIN)
    queries = list(some(rng, known).values())
    db.execute("BEGIN")
    known.update(replace(db, vectors, range(1, 200)))
    db.execute("SAVEPOINT s")
    more = fill(db, vectors, 50, first=5000)
    db.execute("SELECT ck_optimize()")
    check_found(db, some(rng, more), "in the transaction")
    db.execute("ROLLBACK TO s")
    check_found(db, some(rng, {n: known[n] for n in range(1, 200)}), "after ROLLBACK TO")
    check_index(db, queries)
    for vector in list(more.values())[:5]:
        rows, _ = search(db, vector, 3)
        check(rows == exact(db, vector, 3)[0], "a row that was rolled back is found")
    db.execute("SELECT ck_optimize()")
    db.execute("COMMIT")
    check_index(db, queries)
    check(not orphans(db), "blocks nobody reads")


def test_leftovers_of_a_dead_builder(path, rng):
    """Blocks of the generation that comes next, left by somebody who died building it."""
    db, vectors, known = create(path, rng, 6 * INDEX_MIN)
    db.execute("SELECT ck_optimize()")
    generation = outline(db)[0]
    for move in (1, 7, (1 << 20) - 1 - generation):
        db.execute("INSERT INTO _ck_block SELECT id + (? << 23), stamp, checksum, n, first_id, "
                   "last_id, entry_checksum FROM _ck_block WHERE id >> 23 = (1 << 20) + ?", (move, generation))
        db.execute("INSERT INTO _ck_block_data SELECT id + (? << 23), data FROM _ck_block_data "
                   "WHERE id >> 23 = (1 << 20) + ?", (move, generation))
    check(orphans(db), "there are no leftovers to remove")
    db.execute("DELETE FROM embeddings WHERE rowid > ?", (4 * INDEX_MIN,))
    db.execute("SELECT ck_optimize()")
    check(not orphans(db), "leftovers are left")
    check(outline(db)[2] == 4 * INDEX_MIN, f"blocks of another builder are read: {outline(db)}")
    check_index(db, [known[n] for n in range(1, 13)])


def test_deleted_ones_make_room(path, rng):
    """However many of the nearest are deleted, k rows come."""
    db, vectors, known = create(path, rng, 2 * INDEX_MIN)
    crowd = {n: vectors.near(vectors.centres[0], 0.01) for n in range(10000, 12500)}
    for way in ("blocks", "tail"):
        db.executemany("INSERT INTO embeddings(hash, model, version, vector) "
                       "VALUES (?, 'm', '1', ?)", [(hash_of(n), pack(v)) for n, v in crowd.items()])
        if way == "blocks":
            db.execute("SELECT ck_optimize()")
            check_index(db, [vectors.centres[0]])
        db.executemany("DELETE FROM embeddings WHERE hash = ?", [(hash_of(n),) for n in crowd])
        check_index(db, [vectors.centres[0], *some(rng, known, 4).values()])


def test_small_cache(path, rng):
    """With no memory to keep anything in, answers are the same."""
    db, _, known = create(path, rng, 6 * INDEX_MIN)
    db.execute("SELECT ck_optimize()")
    for budget in (0, 1, 60000, 200000, None):
        db.execute("SELECT ck_config('cache_bytes', ?)", (budget,))
        for _ in range(2):
            check_index(db, some(rng, known, 5).values())


def test_shrinks_with_its_model(path, rng):
    """Whatever is deleted, the index is no larger than what is left, and grows again."""
    db, vectors, known = create(path, rng, 6 * INDEX_MIN)
    check(value(db, "SELECT ck_optimize()") == len(known), "it is not built")
    n_blocks = value(db, "SELECT count(*) FROM _ck_block_data")
    for n_left, collect in ((INDEX_MIN // 2, "SELECT ck_optimize()"), (9, "SELECT ck_gc(0)"),
                            (0, "SELECT ck_gc(0)")):
        db.execute("DELETE FROM embeddings WHERE rowid NOT IN "
                   "(SELECT rowid FROM embeddings LIMIT ?)", (n_left,))
        if n_left < 10:  # all that is left is referred to
            db.execute("INSERT OR IGNORE INTO workspaces(name) VALUES ('w')")
            db.execute("INSERT OR REPLACE INTO refs(workspace, path, chunk, hash) "
                       "SELECT 'w', 'p', rowid, hash FROM embeddings")
        db.execute(collect)
        rows, plan = search(db, vectors.one(), 5)
        check(len(rows) == min(n_left, 5), f"{len(rows)} rows of {n_left} by {plan}")
        n_now = value(db, "SELECT count(*) FROM _ck_block_data")
        check(n_now <= min(n_left, 1) < n_blocks, f"{n_now} of {n_blocks} blocks for {n_left}")
        check(not orphans(db), "blocks that nobody reads are left")
        db.execute("DELETE FROM refs")
    known = fill(db, vectors, 3 * INDEX_MIN, first=10 ** 6)
    check(value(db, "SELECT ck_optimize()") == len(known), "it is not built again")
    check_found(db, some(rng, known), "grown again")


def test_model_comes_and_goes(path, rng):
    db, vectors, _ = create(path, rng, INDEX_MIN)
    for _ in range(3):
        fill(db, vectors, 1600, first=50000, model=("n", "1"))
        check(search(db, vectors.one(), 5, "model = 'n'")[1].startswith("index scan"), "no index")
        db.execute("DELETE FROM embeddings WHERE model = 'n'")
        db.execute("DELETE FROM models WHERE model = 'n'")
        check(not orphans(db), "blocks of a model that is gone")
        check(value(db, "SELECT count(*) FROM _ck_index WHERE model > 1") == 0, "its index is left")


def test_large_numbers(path, rng):
    """Vectors at the end of what is accepted are found like others."""
    db = connect(path)
    vectors = Vectors(rng)
    for metric, scale in (("l2", 4e17), ("dot", 4e17), ("cosine", 4e17), ("cosine", 1e-18)):
        model = (metric, str(scale))
        db.execute("INSERT INTO models(model, version, dims, metric) VALUES (?, ?, ?, ?)",
                   (*model, vectors.dims, metric))
        first = 10000 * (value(db, "SELECT count(*) FROM models") + 1)
        rows = [[x * scale for x in vectors.one()] for _ in range(1600)]
        db.executemany("INSERT INTO embeddings(hash, model, version, vector) VALUES (?, ?, ?, ?)",
                       [(hash_of(first + n), *model, pack(v)) for n, v in enumerate(rows)])
        found = wanted = 0
        for query in rng.sample(rows, 5):
            where = "model = ? AND version = ?"
            got, plan = search(db, query, 10, where, model)
            true, _ = exact(db, query, 10, where, model)
            check(plan.startswith("index scan"), f"{model}: the plan is '{plan}'")
            check(len(got) == 10, f"{model}: {len(got)} rows of 10")
            found += len({row[0] for row in got} & {row[0] for row in true})
            wanted += 10
        check(found >= 0.9 * wanted, f"{model}: recall {found / wanted:.2f}")
