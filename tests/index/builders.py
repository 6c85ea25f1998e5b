"""Who builds the index, and what else goes on meanwhile.

What happens in the middle of ck_optimize is brought about by a progress handler, which works with a
connection of its own, or by other processes: forked ones, so the parent has no connection open when
it forks.
"""
import os
import random
import signal
import sqlite3
import sys
import time
import traceback

from basics import check_found, replace, some
from store import (INDEX_MIN, LONG_S, Mismatch, Vectors, check, check_index, check_rows, connect,
                   create, exact, fill, hash_of, orphans, outline, pack, search, value)

CLAIM_S = 60  # store/merge.h: a claim older than this is worth nothing


def forget_index(db):
    """As if the store had been filled before there were indexes."""
    for table in ("_ck_index", "_ck_block", "_ck_block_data", "_ck_tail", "_ck_stale"):
        db.execute(f"DELETE FROM {table}")
    db.execute("UPDATE _ck_meta SET stamp = random()")


def age_claims(db):
    """Makes the claims of builders that died old enough."""
    db.execute("UPDATE _ck_index SET builder_at = builder_at - ?", (CLAIM_S + 1,))


def check_whole(db, what):
    """Nothing of a build under way, or of one that ended, is left."""
    check(not orphans(db), f"{what}: blocks nobody reads are left")
    claims = value(db, "SELECT count(*) FROM _ck_index WHERE builder IS NOT NULL")
    check(claims == 0, f"{what}: the index is still claimed")


def optimize_with(db, path, meanwhile, every=500):
    """ck_optimize, with meanwhile(another connection) called while it holds no lock, after blocks
    of the new generation were written, until it returns False."""
    other = connect(path, timeout=0)
    before = outline(other)[0]
    state = {"goes_on": True, "calls": 0}

    def look():
        if not state["goes_on"]:
            return 0
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return 0
        if value(other, "SELECT 1 FROM _ck_block WHERE id >> 23 = (1 << 20) + ?", before + 1):
            state["goes_on"] = meanwhile(other)
            state["calls"] += 1
        other.execute("COMMIT")
        return 0
    db.set_progress_handler(look, every)
    try:
        db.execute("SELECT ck_optimize()").fetchall()
    finally:
        db.set_progress_handler(None, every)
        other.close()
    check(state["calls"] > 0, "nothing could be done meanwhile")
    return state["calls"]


def delete_crowd(crowd):
    """Deletes them all, once."""
    def work(other):
        other.executemany("DELETE FROM embeddings WHERE hash = ?", [(hash_of(n),) for n in crowd])
        return False
    return work


def crowded(db, vectors, put=True):
    """Puts 2,500 embeddings that are near the first centre. The vectors, by number."""
    crowd = {n: vectors.near(vectors.centres[0], 0.01) for n in range(10000, 12500)}
    if put:
        db.executemany("INSERT OR REPLACE INTO embeddings(hash, model, version, vector) "
                       "VALUES (?, 'm', '1', ?)",
                       [(hash_of(n), pack(v)) for n, v in crowd.items()])
    return crowd


def test_deleted_during_the_first_build(path, rng):
    db, vectors, known = create(path, rng, 2 * INDEX_MIN)
    crowd = crowded(db, vectors)
    forget_index(db)
    optimize_with(db, path, delete_crowd(crowd))
    check_index(db, [vectors.centres[0], *some(rng, known, 4).values()])
    check_whole(db, "afterwards")


def test_deleted_from_the_tail_during_a_build(path, rng):
    db, vectors, known = create(path, rng, 2 * INDEX_MIN)
    db.execute("SELECT ck_optimize()")
    crowd = crowded(db, vectors)
    check(outline(db)[3] >= len(crowd), "they are not in the tail")
    optimize_with(db, path, delete_crowd(crowd))
    check_index(db, [vectors.centres[0], *some(rng, known, 4).values()])
    check_whole(db, "afterwards")


def test_replaced_and_deleted_during_a_build(path, rng):
    """They are stale before the build, and in the tail: deleting them sets no bit."""
    for models in (1, 2):
        db, vectors, known = create(path + str(models), rng, 2 * INDEX_MIN)
        if models == 2:  # another index: what is cleared is not all
            fill(db, vectors, 1600, first=50000, model=("n", "1"))
        crowded(db, vectors)
        db.execute("SELECT ck_optimize('m')")
        crowd = crowded(db, vectors)
        optimize_with(db, path + str(models), delete_crowd(crowd))
        for query in [vectors.centres[0], *some(rng, known, 4).values()]:
            rows, plan = search(db, query, 10, "model = 'm'")
            check(plan.startswith("index scan") and len(rows) == 10, f"{len(rows)} rows, {plan}")
        check_whole(db, "afterwards")


def test_builder_that_was_overtaken(path, rng):
    """A builder that slept until its claim was taken over stops, whatever became of the other."""
    for other_one in ("built", "died"):
        file = path + other_one
        db, vectors, known = create(file, rng, 4 * INDEX_MIN)
        db.execute("SELECT ck_optimize()")
        known.update(replace(db, vectors, rng.sample(sorted(known), 300)))
        generation = outline(db)[0]

        def overtake(other):
            age_claims(other)
            if other_one == "built":
                other.execute("SELECT ck_optimize()")
            else:  # it removed what it found, as leftovers, and ended there
                for table in ("_ck_block", "_ck_block_data"):
                    other.execute(f"DELETE FROM {table} WHERE id >> 23 = (1 << 20) + ?",
                                  (generation + 1,))
                other.execute("UPDATE _ck_index SET builder = 12345")
                age_claims(other)
            return False
        optimize_with(db, file, overtake)
        check_found(db, some(rng, known, 30), f"the other one {other_one}")
        check_index(db, some(rng, known).values())
        check(value(db, "SELECT status FROM ck_doctor WHERE \"check\" = 'index'") in ("ok", "info"),
              "the doctor finds something")
        age_claims(db)
        replace(db, vectors, [1])
        db.execute("SELECT ck_optimize()")
        check_whole(db, f"the other one {other_one}")


def test_model_deleted_during_its_build(path, rng):
    db, vectors, _ = create(path, rng, 2 * INDEX_MIN)

    def delete(other):
        other.execute("DELETE FROM embeddings")
        other.execute("DELETE FROM models")
        return False
    fill(db, vectors, 1, first=5000)
    optimize_with(db, path, delete)
    check(value(db, "SELECT count(*) FROM _ck_index") == 0, "an index of no model")
    check(value(db, "SELECT count(*) FROM _ck_block") == 0, "blocks of no model")


def test_everything_during_a_build(path, rng):
    db, vectors, known = create(path, rng, 4 * INDEX_MIN)
    for _ in range(4):
        fill(db, vectors, 3, first=max(known) + 10000)

        def work(other):
            known.update(fill(other, vectors, 7, first=max(known) + 1))
            known.update(replace(other, vectors, rng.sample(sorted(known), 9)))
            for number in rng.sample(sorted(known), 11):
                other.execute("DELETE FROM embeddings WHERE hash = ?", (hash_of(number),))
                del known[number]
            return rng.random() < 0.95
        optimize_with(db, path, work, every=rng.choice([100, 500, 3000]))
        check_found(db, some(rng, known, 30), "afterwards")
        check_index(db, some(rng, known).values())
        check_whole(db, "afterwards")
        known.update(fill(db, vectors, 2000, first=max(known) + 1))


def test_interrupted(path, rng):
    """It ends at once and leaves the old index."""
    db, vectors, known = create(path, rng, 4 * INDEX_MIN)
    db.execute("SELECT ck_optimize()")
    n_interrupted = 0
    for after in [1, 2, 3, 4, 8, 16, 40, 100, 200, 400, 800, 1600]:
        known.update(replace(db, vectors, rng.sample(sorted(known), 20)))
        generation = outline(db)[0]
        left = [after]

        def count():
            left[0] -= 1
            if left[0] == 0:
                db.interrupt()
            return 0
        within = rng.random() < 0.3
        if within:
            db.execute("BEGIN")
        db.set_progress_handler(count, 100)
        try:
            db.execute("SELECT ck_optimize()").fetchall()
        except sqlite3.OperationalError as error:
            check(str(error) == "interrupted", f"the error is '{error}'")
            n_interrupted += 1
            db.set_progress_handler(None, 100)
            # A write statement that is interrupted ends the transaction; else it is the caller's.
            check(within or not db.in_transaction,
                  f"interrupted after {after}: a transaction is left")
            if db.in_transaction:
                db.execute("COMMIT")
            # The flip may be done, and only old blocks be left.
            check(outline(db)[0] in (generation, generation + 1), "the generation is another one")
        db.set_progress_handler(None, 100)
        if db.in_transaction:
            db.execute("COMMIT")
        check_found(db, some(rng, known), f"interrupted after {after}")
        check_index(db, some(rng, known, 4).values())
        # What is left of the claim keeps only others waiting.
        known.update(replace(db, vectors, [1]))
        check(value(db, "SELECT ck_optimize()") == len(known), "it cannot be made good")
        check_whole(db, "made good")
    check(n_interrupted > 4, f"only {n_interrupted} were interrupted")


# ---- Other processes

def start(work, *arguments):
    """Forks a process that calls work(…) and ends with 0 unless it raises something."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work(*arguments)
        status = 0
    except Mismatch as failure:
        print(f"  {failure}", flush=True)
    except BaseException:  # pylint: disable=broad-except
        print("  " + traceback.format_exc().replace("\n", "\n  "), flush=True)
    finally:
        os._exit(status)


def wait(*pids):
    """Waits for processes to end well."""
    statuses = [os.waitpid(pid, 0)[1] for pid in pids]
    check(not any(statuses), f"processes ended with {statuses}")


def optimize(path):
    """The process of a builder."""
    db = connect(path)
    db.execute("SELECT ck_optimize()").fetchall()
    db.close()


def prepare(path, rng, count):
    """A store to be worked on by processes; closed again."""
    db, vectors, known = create(path, rng, count, rng.choice(["wal", "delete"]))
    db.close()
    return vectors, known


def test_two_builders(path, rng):
    vectors, known = prepare(path, rng, 8 * INDEX_MIN)
    for _ in range(5):
        db = connect(path)
        known.update(replace(db, vectors, rng.sample(sorted(known), 200)))
        generation = outline(db)[0]
        db.close()
        wait(*(start(optimize, path) for _ in range(3)))
        db = connect(path)
        check(outline(db)[0] > generation, "nobody built")
        check_whole(db, "afterwards")
        check_found(db, some(rng, known), "afterwards")
        check_index(db, some(rng, known, 4).values())
        db.close()


def test_killed_builder(path, rng, options):
    vectors, known = prepare(path, rng, 12 * INDEX_MIN)
    begin = time.monotonic()
    optimize(path)
    takes_s = max(0.05, time.monotonic() - begin)
    n_claimed = n_orphaned = 0
    for _ in range(100 if options.full else 6):
        db = connect(path)
        known.update(replace(db, vectors, rng.sample(sorted(known), 50)))
        db.close()
        pid = start(optimize, path)
        time.sleep(rng.random() * 1.2 * takes_s)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        db = connect(path)
        check(value(db, "PRAGMA integrity_check") == "ok", "the file is not sound")
        check_found(db, some(rng, known), "after the kill")
        n_orphaned += bool(orphans(db))
        claimed = value(db, "SELECT count(*) FROM _ck_index WHERE builder IS NOT NULL")
        n_claimed += claimed
        if claimed:
            check(value(db, "SELECT ck_optimize()") == 0, "two builders at a time")
            check_found(db, some(rng, known), "while it is claimed")
        age_claims(db)
        known.update(replace(db, vectors, [1]))
        check(value(db, "SELECT ck_optimize()") == len(known), "the next ck_optimize does not build")
        check_whole(db, "after the next ck_optimize")
        check_found(db, some(rng, known), "after the next ck_optimize")
        check(value(db, "SELECT count(*) FROM ck_progress") == 0, "its progress is left")
        check_index(db, some(rng, known, 4).values())
        db.close()
    return f"of the kills {n_claimed} left a claim, {n_orphaned} blocks"


def reader(path, seed, deadline):
    """Holds searches against the exact path, each pair in one transaction."""
    rng = random.Random(seed)
    db = connect(path)
    found = wanted = 0
    while time.monotonic() < deadline or wanted == 0:
        try:
            db.execute("BEGIN")
            at = value(db, "SELECT max(rowid) FROM embeddings")
            query = db.execute("SELECT vector FROM embeddings WHERE rowid >= ? LIMIT 1",
                               (rng.randrange(1, at),)).fetchone()[0]
            floats = memoryview(query).cast("f").tolist()
            rows, plan = search(db, floats, 10)
            true, _ = exact(db, floats, 10)
            db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise Mismatch(f"a reader got: {error}") from error
        check(plan.startswith("index scan"), f"the plan is '{plan}'")
        check_rows(rows, "a reader")
        check(len(rows) == 10, f"a reader got {len(rows)} rows")
        distances = {row[0]: row[2] for row in true}
        for row in rows:
            check(row[0] not in distances or distances[row[0]] == row[2], "a wrong distance")
            found += row[2] <= true[-1][2] + 1e-6
        wanted += 10
    check(found >= 0.98 * wanted, f"a reader's recall is {found / wanted:.3f}")


def writer(path, seed, deadline, plan="index"):
    """Puts, replaces and deletes; never meets SQLITE_BUSY."""
    rng = random.Random(seed)
    db = connect(path, plan=plan)
    known = {n: None for n in range(1, 6 * INDEX_MIN)} if seed % 2 else {}
    vectors, first = Vectors(rng), 10 ** 6 * (1 + seed % 2)
    last = first
    while time.monotonic() < deadline:
        try:
            db.execute("BEGIN IMMEDIATE")
            known.update(fill(db, vectors, 20, first=last))
            last += 20
            replace(db, vectors, rng.sample(sorted(known), 3))
            for number in rng.sample(sorted(known), 10):
                db.execute("DELETE FROM embeddings WHERE hash = ?", (hash_of(number),))
                del known[number]
            db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise Mismatch(f"a writer got: {error}") from error
        time.sleep(0.002)


def builder(path, deadline, plan="index"):
    """ck_optimize again and again."""
    db = connect(path, plan=plan)
    n_built = 0
    while time.monotonic() < deadline or n_built == 0:
        check(time.monotonic() < deadline + LONG_S, "nothing was built")
        try:
            n_built += value(db, "SELECT ck_optimize()") > 0
        except sqlite3.OperationalError as error:
            raise Mismatch(f"ck_optimize: {error}") from error
        time.sleep(0.01)


def test_readers_and_writers_meanwhile(path, rng, options):
    vectors, _ = prepare(path, rng, 6 * INDEX_MIN)
    db = connect(path)
    mode = value(db, "PRAGMA journal_mode")
    db.close()
    deadline = time.monotonic() + (30 if options.full else 3)
    seed = rng.randrange(1 << 30) * 2
    wait(start(reader, path, seed, deadline), start(reader, path, seed + 2, deadline),
         start(writer, path, seed, deadline), start(writer, path, seed + 1, deadline),
         start(builder, path, deadline))
    db = connect(path)
    db.execute("SELECT ck_optimize()")
    check_whole(db, "in the end")
    check(value(db, "PRAGMA integrity_check") == "ok", "the file is not sound")
    check_index(db, [vectors.one() for _ in range(20)])
    return f"journal mode {mode}"
