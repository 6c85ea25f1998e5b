"""What is garbage, what the quota evicts, and how a collection behaves to others."""
import os
import struct
import tempfile
import time

from common import (CLOCK, DAY, HOUR, add, before_begin, check, collect, connect, create, doctor,
                    fill, stale, states, value)


def test_the_quota_evicts_least_recently_used():
    db = connect()
    fill(db, 100, 7200)
    add(db, "w")
    db.execute("INSERT INTO refs(workspace, path, hash)"
               " SELECT 'w', 'p' || rowid, hash FROM ck_embeddings WHERE rowid > 95")
    db.execute("UPDATE embeddings SET used_at = created_at - rowid WHERE refs > 0")
    check(db.execute("SELECT ck_config('max_bytes', 8 * 40)").fetchone()[0], 320)
    # A grace of years: nothing is garbage, but the quota holds.
    check(collect(db, 10 ** 9), 60)
    check(db.execute("SELECT count(*), max(CASE WHEN refs = 0 THEN rowid END) FROM embeddings")
          .fetchone(), (40, 35))
    check(db.execute("SELECT count(*) FROM ck_errors").fetchone()[0], 0)


def test_the_quota_passes_over_the_young():
    db = connect()
    fill(db, 100, 7200)
    db.execute("UPDATE embeddings SET created_at = unixepoch() WHERE rowid > 50")
    db.execute("SELECT ck_config('max_bytes', 8 * 60)")
    check(collect(db, 10 ** 9), 40)
    check(value(db, "SELECT count(*) FROM embeddings WHERE created_at = unixepoch()"), 50)


def test_the_quota_honours_grace_and_reports_once():
    db = connect()
    fill(db, 50, 10)
    db.execute("SELECT ck_config('max_bytes', 8)")
    check(collect(db, 10 ** 9), 0)
    check(collect(db, 10 ** 9), 0)
    check(db.execute("SELECT source, code, count FROM ck_errors").fetchall(), [("gc", "quota", 2)])
    db.execute("SELECT ck_config('max_bytes', NULL)")
    check(collect(db, 10 ** 9), 0)
    check(db.execute("SELECT count(*) FROM ck_errors").fetchone()[0], 0)
    check(collect(db, 0), 50)


def test_stamps_in_the_future_are_no_garbage():
    db = connect()
    fill(db, 3, 7200)
    db.execute("UPDATE embeddings SET created_at = unixepoch() + 1000 WHERE rowid = 1")
    db.execute("UPDATE embeddings SET used_at = unixepoch() + 1000 WHERE rowid = 2")
    db.execute("SELECT ck_config('max_bytes', 1)")
    check(collect(db, 0), 1)
    check([row[0] for row in db.execute("SELECT rowid FROM embeddings")], [1, 2])
    check(doctor(db, "clock")[1].split(" are ")[0], "2 rows")
    check(value(db, "SELECT ck_repair('clock')"), 2)
    check(doctor(db, "clock")[0], "ok")
    check(collect(db, 0), 2)


def test_a_clock_that_is_behind_collects_nothing():
    db, now = connect(), CLOCK.now
    fill(db, 2, 7200)
    add(db, "w", last_seen=now - 40 * DAY)
    CLOCK.now -= 1000 * DAY
    check(collect(db, 0), 0)
    check(states(db), {"w": "live"})
    CLOCK.now = now
    check(collect(db, 0), 2)
    check(states(db), {"w": "stale"})


def test_the_grace_period():
    db, now = connect(), CLOCK.now
    fill(db, 4, 7200)
    for rowid, created, used in ((1, HOUR, HOUR), (2, HOUR - 1, HOUR), (3, HOUR, HOUR - 1),
                                 (4, HOUR + 1, HOUR + 1)):
        db.execute("UPDATE embeddings SET created_at = ?, used_at = ? WHERE rowid = ?",
                   (now - created, now - used, rowid))
    check([row[0] for row in db.execute("SELECT e.rowid FROM ck_garbage AS g "
                                        "JOIN embeddings AS e USING (hash)")], [1, 4])
    check(value(db, "SELECT ck_gc()"), 2)
    check([row[0] for row in db.execute("SELECT rowid FROM embeddings")], [2, 3])


def test_what_freshens():
    db = connect()
    fill(db, 5, 0)
    add(db, "w")
    CLOCK.now += 2 * HOUR
    put = "embeddings(model, version, content, vector) VALUES ('m', '1', ?, '[1, 1]')"
    db.execute(f"INSERT OR IGNORE INTO {put}", ("0",))
    db.execute(f"INSERT OR REPLACE INTO {put}", ("1",))
    db.execute("SELECT ck_put('m', '1', '2', '[1, 1]')").fetchall()
    db.execute("INSERT INTO refs(workspace, path, hash) VALUES ('w', 'p', ck_hash('m', '1', '3'))")
    db.execute("DELETE FROM refs")
    check(collect(db), 1)
    check([row[0] for row in db.execute("SELECT rowid FROM embeddings")], [1, 2, 3, 4])
    # It never goes back, as when the clock does.
    ahead = CLOCK.now + DAY
    db.execute("UPDATE embeddings SET used_at = ?", (ahead,))
    db.execute(f"INSERT OR IGNORE INTO {put}", ("0",))
    db.execute(f"INSERT OR REPLACE INTO {put}", ("1",))
    db.execute("SELECT ck_put('m', '1', '2', '[1, 1]')").fetchall()
    db.execute("INSERT INTO refs(workspace, path, hash) VALUES ('w', 'p', ck_hash('m', '1', '3'))")
    check(value(db, "SELECT min(used_at) FROM embeddings"), ahead)


def test_every_batch_asks_again():
    with tempfile.TemporaryDirectory() as folder:
        for quota in (0, 1):
            db, other = create(folder)
            add(db, f"w{quota}")
            db.execute("BEGIN")
            fill(db, 20000, 7200)
            db.execute("COMMIT")
            db.execute("SELECT ck_config('max_bytes', ?)", (8 * 100 * quota,)).fetchall()

            def use():
                other.execute("INSERT INTO refs(workspace, path, hash) SELECT ?, 'p', hash "
                              "FROM ck_embeddings ORDER BY rowid DESC LIMIT 1", (f"w{quota}",))
                # The ref alone has to hold it.
                other.execute("UPDATE embeddings SET used_at = created_at - 1000000 "
                              "WHERE refs > 0")
                other.execute("UPDATE embeddings SET used_at = unixepoch() WHERE rowid IN "
                              "(SELECT max(rowid) - 1 FROM ck_embeddings)")
                other.execute("UPDATE embeddings SET created_at = unixepoch() WHERE rowid IN "
                              "(SELECT max(rowid) - 2 FROM ck_embeddings)")
            before_begin(db, 2, use)
            collect(db, 10 ** 9 if quota else HOUR)
            db.set_trace_callback(None)
            check(value(db, "SELECT refs FROM embeddings ORDER BY rowid DESC LIMIT 1"), 1)
            check(value(db, "SELECT count(*) FROM embeddings WHERE used_at = unixepoch()"), 1)
            check(value(db, "SELECT count(*) FROM embeddings WHERE created_at = unixepoch()"), 1)
            db.execute("DELETE FROM workspaces")
            collect(db, 0)


def test_free_pages_are_given_back():
    with tempfile.TemporaryDirectory() as folder:
        db = connect(os.path.join(folder, "v.db"))
        db.execute("PRAGMA auto_vacuum = incremental")
        db.execute("BEGIN")
        db.executemany("INSERT INTO embeddings(hash, model, version, vector) VALUES (?, 'm', '1', ?)",
                       [(os.urandom(32), struct.pack("<384f", *([i + 1.0] * 384)))
                        for i in range(2000)])
        db.execute("COMMIT")
        before = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute("UPDATE embeddings SET created_at = 1, used_at = 1")
        check(collect(db, 0), 2000)
        after = db.execute("PRAGMA page_count").fetchone()[0]
        if after > before / 4:
            raise AssertionError(f"{before} pages before, {after} after")


def test_progress_is_seen_by_others_and_goes():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.db")
        db, other = connect(path), connect(path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN")
        fill(db, 20000, 7200)
        db.execute("COMMIT")
        seen = []

        def look():
            seen.extend(other.execute("SELECT task, done, total FROM ck_progress").fetchall())
            return 0

        db.set_progress_handler(look, 20000)
        check(collect(db, 0), 20000)
        db.set_progress_handler(None, 0)
        if not any(task == "gc" and 0 < done < total for task, done, total in seen):
            raise AssertionError(f"saw {len(seen)} rows: {seen[:5]}")
        check(other.execute("SELECT count(*) FROM ck_progress").fetchone()[0], 0)


def test_batches_leave_the_lock_free():
    with tempfile.TemporaryDirectory() as folder:
        db, _ = create(folder)
        db.execute("BEGIN")
        fill(db, 30000, 7200)
        db.execute("COMMIT")
        times = []
        db.set_trace_callback(lambda sql: times.append((sql[3:9], time.monotonic())))
        collect(db, 0)
        db.set_trace_callback(None)
        begins = [at for what, at in times if what == "BEGIN "]
        ends = [at for what, at in times if what == "COMMIT"]
        held = sum(end - begin for begin, end in zip(begins, ends))
        free = sum(begin - end for begin, end in zip(begins[1:], ends))
        if len(begins) < 3 or free < held / 2:
            raise AssertionError(f"{len(begins)} batches, {held:.3f} s held, {free:.3f} s free")
