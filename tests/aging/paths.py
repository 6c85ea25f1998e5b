"""Interned paths that no ref uses."""
import json

from common import add, add_paths, check, collect, doctor, value, with_paths


def n_paths(db):
    return value(db, "SELECT value FROM ck_stats WHERE name = 'paths'")


def test_unused_paths_go():
    db = with_paths(10)
    add(db, "v")
    add_paths(db, "v", 8, 12)
    db.execute("DELETE FROM refs WHERE path IN ('file 1', 'file 8')")
    db.execute("INSERT OR IGNORE INTO refs(workspace, path, hash) SELECT 'v', 'file 8', hash "
               "FROM ck_embeddings")
    collect(db)
    check(n_paths(db), 11)
    check(json.loads(value(db, "SELECT detail FROM ck_audit WHERE action = 'gc'"))["paths_dropped"],
          1)
    db.execute("DELETE FROM workspaces WHERE name = 'w'")
    db.execute("BEGIN")
    collect(db)
    check(n_paths(db), 5)
    db.execute("ROLLBACK")
    check(n_paths(db), 11)
    collect(db)
    check([row[0] for row in db.execute("SELECT path FROM refs ORDER BY path")],
          ["file 10", "file 11", "file 12", "file 8", "file 9"])
    check(doctor(db, "paths"), ("ok", None))


def test_the_paths_of_a_large_release_go_at_once():
    db = with_paths(30000)
    add(db, "v")
    add_paths(db, "v", 29001, 31000)
    db.execute("DELETE FROM workspaces WHERE name = 'w'")
    check(value(db, "SELECT count(*) FROM _ck_ref"), 32000)
    collect(db)
    check(n_paths(db), 2000)
    check(doctor(db, "refs"), ("ok", None))
    check(json.loads(value(db, "SELECT detail FROM ck_audit WHERE action = 'gc'"))["refs_swept"],
          30000)


def test_a_release_is_followed_to_all_its_paths():
    db = with_paths(30000)
    add(db, "v")
    add_paths(db, "v", 1, 29999)
    add_paths(db, "v", 30001, 30001)
    db.execute("DELETE FROM workspaces WHERE name = 'v'")
    collect(db)
    check(n_paths(db), 30000)


def test_a_run_goes_on_while_it_finds_some():
    db = with_paths(30000)
    db.execute("DELETE FROM refs WHERE CAST(substr(path, 6) AS INTEGER) % 2000 = 1")
    collect(db)
    check(n_paths(db), 30000 - 15)


def test_paths_are_looked_at_in_turn():
    db = with_paths(30000)
    instructions = [0]

    def count():
        instructions[0] += 1
    written = value(db, "SELECT total_changes()")
    db.execute("BEGIN")  # one batch: a machine that is busy would have it note its progress
    db.set_progress_handler(count, 100)
    collect(db)
    db.set_progress_handler(None, 0)
    db.execute("COMMIT")
    if instructions[0] * 100 > 30000 * 8:
        raise AssertionError(f"looked at all paths: {instructions[0]}00 instructions")
    check(value(db, "SELECT total_changes()"), written)
    db.execute("DELETE FROM refs WHERE path IN ('file 1', 'file 10000', 'file 20000', 'file 30000')")
    for _ in range(30000 // 4096 + 1):
        collect(db)
    check(n_paths(db), 29996)
