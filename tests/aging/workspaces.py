"""How workspaces age, and who they are."""
import json
import os
import sqlite3
import tempfile
import threading

from common import (CLOCK, DAY, HOST, HOUR, add, before_begin, check, collect, connect, create,
                    doctor, fill, stale, states, value, with_paths)


def test_idle_workspaces_age_one_step_a_run():
    db, now = connect(), CLOCK.now
    add(db, "month", last_seen=now - 30 * DAY)
    add(db, "month+", last_seen=now - 30 * DAY - 1)
    add(db, "quarter", last_seen=now - 90 * DAY)
    add(db, "quarter+", last_seen=now - 90 * DAY - 1)
    collect(db, 0)
    check(states(db), {"month": "live", "month+": "stale", "quarter": "stale", "quarter+": "stale"})
    collect(db, 0)
    collect(db, 0)
    check(states(db), {"month": "live", "month+": "stale", "quarter": "stale"})
    CLOCK.now += 1
    collect(db, 0)
    check(states(db), {"month": "stale", "month+": "stale"})


def test_a_stale_workspace_is_given_time():
    db = connect()
    add(db, "w", last_seen=1)
    collect(db)
    for seconds in (0, 1, HOUR - 2):
        CLOCK.now += seconds
        collect(db)
        collect(db, 10 ** 9)  # a longer grace period than the default one asks for no more time
        check(states(db), {"w": "stale"})
    collect(db, HOUR - 1)
    check(states(db), {})
    # Time begins anew with each time it becomes stale.
    add(db, "v", last_seen=1)
    collect(db)
    CLOCK.now += 2 * HOUR
    db.execute("UPDATE workspaces SET last_seen = unixepoch()")
    db.execute("UPDATE workspaces SET expires_at = 1")
    collect(db)
    collect(db)
    check(states(db), {"v": "stale"})
    CLOCK.now += HOUR
    collect(db, 10 ** 9)
    check(states(db), {})


def test_collectors_at_once_take_one_step():
    with tempfile.TemporaryDirectory() as folder:
        db, other = create(folder)
        add(db, "w", expires_at=1)
        db.execute("BEGIN IMMEDIATE")
        waits = threading.Event()
        before_begin(other, 1, waits.set)
        late = threading.Thread(target=collect, args=(other, 0))
        late.start()
        check(waits.wait(30), True)
        collect(db, 0)  # it began later and is done sooner
        check(states(db), {"w": "stale"})
        db.execute("COMMIT")
        late.join()
        check(states(db), {"w": "stale"})
        collect(other, 0)
        check(states(db), {})


def test_a_heartbeat_revives():
    db, now = connect(), CLOCK.now
    add(db, "w", last_seen=now - 31 * DAY)
    collect(db)
    check(states(db), {"w": "stale"})
    db.execute("UPDATE workspaces SET last_seen = ?", (now,))
    check(states(db), {"w": "live"})
    check(value(db, "SELECT stale_at IS NULL FROM _ck_workspace"), 1)
    db.execute("UPDATE workspaces SET expires_at = 1")
    collect(db)
    check(value(db, "SELECT stale_at FROM _ck_workspace"), now)
    db.execute("UPDATE workspaces SET expires_at = NULL")
    collect(db)
    check(db.execute("SELECT state, stale_at FROM _ck_workspace").fetchone(), ("live", None))


def test_expired_workspaces_go():
    db, now = connect(), CLOCK.now
    add(db, "ci", expires_at=now - 1)
    add(db, "later", expires_at=now + DAY)
    collect(db)
    check(states(db), {"ci": "stale", "later": "live"})
    db.execute("UPDATE workspaces SET expires_at = ? WHERE name = 'ci'", (now + DAY,))
    collect(db)
    check(states(db), {"ci": "live", "later": "live"})
    db.execute("UPDATE workspaces SET expires_at = ? WHERE name = 'ci'", (now,))
    collect(db, 0)
    collect(db, 0)
    check(states(db), {"later": "live"})


def test_pinned_workspaces_stay():
    db = connect()
    add(db, "w", last_seen=1, expires_at=1, pinned=1)
    add(db, "later", last_seen=1)
    collect(db, 0)
    db.execute("UPDATE workspaces SET pinned = 1")
    collect(db, 0)
    collect(db, 0)
    check(states(db), {"w": "live", "later": "live"})


def test_roots_that_are_gone():
    db, seen = connect(), CLOCK.now - DAY - 1
    with tempfile.TemporaryDirectory() as folder:
        for name in ("here", "mount", "mount/point", "full", "full/other"):
            os.mkdir(os.path.join(folder, name))
        with open(folder + "/file", "w", encoding="utf-8"):
            pass
        add(db, "here", root=folder + "/here", host=HOST, last_seen=seen)
        add(db, "gone", root=folder + "/gone", host=HOST, last_seen=seen)
        add(db, "gone/", root=folder + "/gone//", host=HOST, last_seen=seen)
        add(db, "gone too", root=folder + "/full/gone", host=HOST, last_seen=seen)
        # An unmounted disk is no deleted worktree: the parent is absent, or the empty folder a disk
        # is mounted on, or no folder.
        add(db, "unmounted", root=folder + "/media/tree", host=HOST, last_seen=seen)
        add(db, "mount point", root=folder + "/mount/point/tree", host=HOST, last_seen=seen)
        add(db, "file", root=folder + "/file/tree", host=HOST, last_seen=seen)
        add(db, "elsewhere", root=folder + "/gone", host=HOST + "x", last_seen=seen)
        add(db, "no host", root=folder + "/gone", last_seen=seen)
        add(db, "relative", root=os.path.relpath(folder + "/gone"), host=HOST, last_seen=seen)
        add(db, "long", root="/" + "x" * 4095, host=HOST, last_seen=seen)
        add(db, "just seen", root=folder + "/gone", host=HOST, last_seen=CLOCK.now - DAY)
        collect(db)
        check(stale(db), {"gone", "gone/", "gone too"})
        os.mkdir(os.path.join(folder, "gone"))
        os.rmdir(os.path.join(folder, "full/other"))
        CLOCK.now += HOUR
        db.execute("UPDATE workspaces SET last_seen = ? WHERE state = 'live'", (CLOCK.now,))
        collect(db)
        check(stale(db), set())
        check("gone too" in states(db), True)


def test_a_last_seen_in_the_future_counts_as_seen():
    db, now = connect(), CLOCK.now
    add(db, "w", last_seen=now + 1000 * DAY)
    collect(db)
    check(states(db), {"w": "live"})


def test_released_refs_stop_protecting():
    db = connect()
    add(db, "w", last_seen=1)
    db.execute("INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[1]')")
    db.execute("INSERT INTO refs(workspace, path, hash) SELECT 'w', 'p', hash FROM embeddings")
    check(collect(db, 0), 0)
    check(collect(db, 0), 1)
    check(db.execute("SELECT count(*) FROM refs").fetchone()[0], 0)


def test_changes_are_audited():
    db = connect()
    add(db, "w", last_seen=1)
    collect(db, 0)
    collect(db, 0)
    rows = [(action, json.loads(detail)["reason"])
            for action, detail in db.execute("SELECT action, detail FROM ck_audit")]
    check(rows, [("workspace stale", "not seen"), ("workspace released", "not seen")])


def test_a_clock_that_was_ahead():
    db, now = connect(), CLOCK.now
    CLOCK.now += 1000 * DAY
    add(db, "w")
    add(db, "stale", expires_at=1)
    fill(db, 1, 0)
    collect(db)
    CLOCK.now = now
    check(states(db), {"w": "live", "stale": "stale"})
    check(collect(db, 0), 0)
    check(states(db), {"w": "live", "stale": "stale"})  # not as long as its stamp is ahead
    check(doctor(db, "clock")[1].split(" are ")[0], "3 rows")
    check(value(db, "SELECT ck_repair('clock')"), 3)
    check(doctor(db, "clock")[0], "ok")
    db.execute("UPDATE _ck_workspace SET created_at = ?", (now + DAY,))
    check(doctor(db, "clock")[1].split(" are ")[0], "2 rows")
    check(value(db, "SELECT ck_repair('clock')"), 2)
    check(doctor(db, "clock")[0], "ok")
    check(collect(db, 0), 1)
    check(states(db), {"w": "live"})
    CLOCK.now += 30 * DAY + 1
    collect(db)
    check(states(db), {"w": "stale"})


def test_a_copied_tree_needs_a_uuid_of_its_own():
    db = connect()
    add(db, "one", uuid="u", root="/src/one", host=HOST)
    for other in ("copy", "one"):
        try:
            add(db, other, uuid="u", root="/src/copy")
            raise AssertionError("two workspaces have one uuid")
        except sqlite3.IntegrityError as error:
            if "workspaces: " not in str(error):
                raise
    db.execute("INSERT OR IGNORE INTO workspaces(name, uuid) VALUES ('copy', 'u')")
    check(states(db), {"one": "live"})
    add(db, "copy", root="/src/one", host=HOST)  # a root may be registered twice
    check(value(db, "SELECT count(DISTINCT uuid) FROM workspaces"), 2)
    db.execute("DELETE FROM workspaces WHERE name = 'one'")
    add(db, "again", uuid="u")


def test_a_moved_tree_keeps_its_identity():
    db, seen = with_paths(3), CLOCK.now - 2 * DAY
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/new")
        uuid = value(db, "SELECT uuid FROM workspaces")
        db.execute("UPDATE workspaces SET root = ?, host = ?, last_seen = ?",
                   (folder + "/old", HOST, seen))
        collect(db)
        check(states(db), {"w": "stale"})
        db.execute("UPDATE workspaces SET root = ?", (folder + "/new",))
        CLOCK.now += HOUR
        collect(db)
        check(db.execute("SELECT uuid, state, refs FROM workspaces").fetchone(), (uuid, "live", 3))
