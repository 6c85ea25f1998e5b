"""What must hold of a world once all have synced in peace."""
import json

from world import CLOCK, CONTENTS, DISPUTED, HUB, check, vector_of

ROUNDS = 4


def sync_all(world, remote="hub"):
    """Every store syncs. Returns how many items travelled, or were offered or listed."""
    moved = 0
    for name in world.names:
        db = world.connect(name)
        said = json.loads(db.execute("SELECT ck_sync(?)", (remote,)).fetchone()[0])
        world.say(f"{name}: {said}")
        check(said["unreachable"] == 0, f"{name}: {said}")
        moved += sum(said[key] for key in ("pushed", "push_exists", "push_rejected",
                                           "pulled", "pull_exists", "pull_rejected"))
        db.close()
    return moved


def tombstones(world, name):
    """The retired hashes of a store."""
    db = world.connect(name)
    rows = {row[0] for row in db.execute("SELECT hash FROM ck_tombstones")}
    db.close()
    return rows


def check_store(world, name):
    """The store itself: sound, no ref dangles, the right vectors."""
    db = world.connect(name)
    for row in db.execute("SELECT * FROM ck_doctor WHERE status = 'error'"):
        check(False, f"{name}: {row}")
    dangling = db.execute("SELECT count(*) FROM refs AS r WHERE NOT EXISTS "
                          "(SELECT 1 FROM embeddings AS e WHERE e.hash = r.hash)").fetchone()[0]
    check(dangling == 0, f"{name}: {dangling} refs dangle")
    for number in range(DISPUTED, CONTENTS):
        cosine = db.execute("SELECT vec_cosine(vector, ?) FROM embeddings "
                            "WHERE hash = ck_hash('m', '1', ?)",
                            (vector_of(number, name), f"c{number}")).fetchone()
        check(cosine is None or cosine[0] > 0.999, f"{name}: the vector of c{number} is another")
    left = db.execute("SELECT count(*) FROM ck_progress WHERE task = 'sync:hub'").fetchone()[0]
    check(left == 0, f"{name}: a row of ck_progress was left")
    db.close()


def check_reports(world):
    """The hub knows what each store refers to."""
    hub = world.connect(HUB)
    for name in world.names:
        db = world.connect(name)
        uuid = db.execute("SELECT store_uuid FROM _ck_meta").fetchone()[0]
        used = {row[0] for row in db.execute("SELECT hash FROM ck_referenced")}
        told = {row[0] for row in hub.execute(
            "SELECT hash FROM _ck_report JOIN ck_peers AS p ON p.id = peer WHERE p.store = ?",
            (uuid,))}
        check(told == used, f"{name} refers to {len(used)} hashes, the hub knows of {len(told)}")
        db.close()
    hub.close()


def named(hashes):
    """Some of them, for a message."""
    return " ".join(h.hex()[:16] for h in sorted(hashes)[:3])


def check_all(world):
    """Nothing is lost: what a store has, the hub has; what the hub has, the others have."""
    hub, retired = world.hashes(HUB), tombstones(world, HUB)
    check(not hub & retired, "the hub has what it has retired")
    for name in world.names:
        here = world.hashes(name)
        lost = here - hub - world.evicted[HUB]
        check(not lost, f"{name} has {len(lost)} that the hub lacks: {named(lost)}")
        missing = hub - here - world.evicted[name] - world.returned
        check(not missing, f"{name} lacks {len(missing)} that the hub has: {named(missing)}")
        kept = here & retired
        check(not kept, f"{name} has {len(kept)} that are retired in the hub")


def check_packs(world):
    """Who reads the directory now has what the stores have, and nothing that all have retired."""
    moved = [sync_all(world, "dir") for _ in range(ROUNDS)][-1]
    check(moved == 0, f"the last of {ROUNDS} rounds with the directory still moved {moved} items")
    world.names.append("reader")
    db = world.connect("reader")
    db.execute("SELECT ck_init()")
    world.evicted["reader"] = set()
    world.prepare(db, "reader")
    db.execute("SELECT ck_pull('dir')").fetchall()
    db.close()
    there = world.hashes("reader")
    stores = [name for name in world.names if name != "reader"]
    back = there.intersection(*(tombstones(world, name) for name in stores))
    check(not back, f"{len(back)} that all have retired are in the directory: {named(back)}")
    if not world.has_lost_packs:
        lost = set().union(*(world.hashes(name) for name in stores)) - there
        check(not lost, f"the directory lacks {len(lost)}: {named(lost)}")


def settle(world):
    """All sync in peace, and then everything must be right."""
    CLOCK.now += 10 * 86400  # what waits for another try is due
    if "dir" in world.remotes:
        check_packs(world)
    for _ in range(ROUNDS):
        moved = sync_all(world)
    check(moved == 0, f"the last of {ROUNDS} rounds still moved {moved} items")
    check_all(world)
    check_reports(world)
    for name in [*world.names, HUB]:
        check_store(world, name)
