"""ck cache stats, gc, export, import; ck optimize."""
import json
import os


def test_cache_stats(box):
    main = box.workspace()
    box.fill(main, 10, refs=4)
    stats = box.json("cache", "stats", cwd=main)
    assert (stats["embeddings"], stats["bytes"]) == (10, 320)
    assert (stats["live_embeddings"], stats["live_bytes"], stats["refs"]) == (4, 128, 4)
    assert stats["file_bytes"] > 0 and stats["max_bytes"] == 0
    assert stats["models"][0]["model"] == "m" and stats["models"][0]["count"] == 10
    text = box.ck("cache", "stats", cwd=main)
    assert "10, 320 B" in text and "4, 128 B, by 4 refs of 1 workspace\n" in text
    assert box.json("cache", "stats", "--store", main / "../base/.ck/embeddings.db") == stats


def test_cache_stats_of_an_empty_store(box):
    main = box.workspace()
    assert box.json("cache", "stats", cwd=main)["models"] == []
    assert "0, 0 B" in box.ck("cache", "stats", cwd=main)


def test_cache_gc(box):
    main = box.workspace()
    box.fill(main, 10, age=7200, refs=4)
    box.fill(main, 3, "young")
    plan = box.json("cache", "gc", "--dry-run", cwd=main)
    assert (plan["embeddings"], plan["bytes"], plan["evicted"]) == (6, 192, 0), plan
    assert box.json("cache", "stats", cwd=main)["embeddings"] == 13
    assert box.json("cache", "gc", "-n", "--grace", "3h", cwd=main)["embeddings"] == 0
    assert box.json("cache", "gc", "-n", "--grace", "0", cwd=main)["embeddings"] == 9
    done = box.json("cache", "gc", cwd=main)
    assert (done["embeddings"], done["bytes"], done["bytes_left"]) == (6, 192, 7 * 32), done
    assert "Deleted 3 embeddings, 96 B; 128 B are left." in box.ck(
        "cache", "gc", "--grace", "0", cwd=main)
    assert box.json("cache", "stats", cwd=main)["embeddings"] == 4


def test_cache_gc_limit(box):
    main = box.workspace()
    box.fill(main, 10, age=7200)
    box.fill(main, 10, "older", age=9000)
    plan = box.json("cache", "gc", "-n", "--grace", "1d", "--max-bytes", "400", cwd=main)
    assert (plan["embeddings"], plan["evicted"]) == (8, 8), plan
    done = box.json("cache", "gc", "--grace", "1d", "--max-bytes", "400", cwd=main)
    assert (done["embeddings"], done["bytes_left"], done["max_bytes"]) == (8, 384, 400), done
    left = box.sql("SELECT count(*) AS n FROM embeddings WHERE used_at < unixepoch() - 8000", cwd=main)
    assert left == [{"n": 2}]  # the least recently used went first
    assert "limit" in box.ck("cache", "stats", cwd=main)
    box.fill(main, 50, "young", refs=50)
    box.ck("cache", "gc", cwd=main)
    assert "above the limit of 400 B" in box.stderr
    box.ck("cache", "gc", "--max-bytes", "0", cwd=main)
    assert box.json("cache", "stats", cwd=main)["max_bytes"] == 0


def test_cache_gc_wrong_input(box):
    main = box.workspace()
    box.fails(2, "--grace must be a time such as 90, 30m, 1h or 2d, got '1x'", "cache", "gc",
              "--grace", "1x", cwd=main)
    box.fails(2, "--grace must be", "cache", "gc", "--grace=-1", cwd=main)
    box.fails(2, "--max-bytes must be a size such as", "cache", "gc", "--max-bytes=2X", cwd=main)
    box.fails(2, "--max-bytes needs a value: SIZE", "cache", "gc", "--max-bytes", cwd=main)
    box.fails(2, "--dry-run takes no value, got 'yes'", "cache", "gc", "--dry-run=yes", cwd=main)
    box.fails(2, "unknown option '--drop'", "cache", "gc", "--drop", cwd=main)
    box.fails(2, "unknown option '-z'", "cache", "gc", "-nz", cwd=main)
    box.fails(2, "--color must be auto|always|never, got 'al'", "cache", "gc", "--color=al", cwd=main)
    box.fails(3, "belongs to no workspace", "cache", "gc")
    box.fails(3, "there is no store at", "cache", "gc", "--store", "no.db")
    error = json.loads(box.run("cache", "gc", "--json").stderr)
    assert error["exit"] == 3 and "ck init" in error["hint"]


def test_cache_stats_of_no_database(box):
    (box.path / "text.db").write_text("this is no database, " * 100)
    box.fails(3, "file is not a database", "cache", "stats", "--store", "text.db")
    assert "ck doctor" in box.stderr


def test_export_import(box):
    main, other = box.workspace(), box.workspace("other", "base2")
    box.fill(main, 30, refs=10)
    done = box.json("cache", "export", "../a.pack", cwd=main)
    assert done["embeddings"] == 30 and done["bytes"] == os.path.getsize(box.path / "a.pack")
    assert not [name for name in os.listdir(box.path) if ".new-" in name]
    assert box.json("cache", "import", "../a.pack", cwd=other) == {
        "embeddings": 30, "new": 30, "bytes": done["bytes"]}
    assert box.json("cache", "import", "../a.pack", cwd=other)["new"] == 0
    vectors = "SELECT hash, model, version, vector FROM embeddings ORDER BY hash"
    assert box.sql(vectors, cwd=main) == box.sql(vectors, cwd=other)
    # Only what came later, and only what a workspace uses.
    box.fill(main, 5, "new")
    later = box.json("cache", "export", "--since", done["last_seq"], "../b.pack", cwd=main)
    assert later["embeddings"] == 5
    assert box.json("cache", "export", "--workspace", "main", "../c.pack", cwd=main)["embeddings"] == 10
    # Packs may stand one behind the other.
    whole = b"".join((box.path / name).read_bytes() for name in ("a.pack", "b.pack", "c.pack"))
    done = box.run("cache", "import", "-", "--json", cwd=other, input=whole)
    assert json.loads(done.stdout)["new"] == 5, done
    assert "Imported 10 embeddings, 0 of them new." in box.ck("cache", "import", "../c.pack", cwd=other)
    done = box.run("cache", "export", "-", cwd=main, input=b"")
    assert done.stdout[:4] == b"CKF\1"


def test_export_of_many_frames(box):
    main, other = box.workspace(), box.workspace("other", "base2")
    box.ck("sql", """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1200)
        INSERT INTO embeddings(hash, model, version, vector)
        SELECT ck_hash('b', '1', '' || i), 'b', '1',
               vec_dequantize_i8(vec_int8(randomblob(3000)), 127.0) FROM n""", cwd=main)
    done = box.json("cache", "export", "../a.pack", cwd=main)
    assert done["embeddings"] == 1200 and done["bytes"] > 8 << 20, done
    assert box.json("cache", "import", "../a.pack", cwd=other)["new"] == 1200
    # A file that was cut short: whole frames are taken, then it is said where it ends.
    data = (box.path / "a.pack").read_bytes()
    (box.path / "cut.pack").write_bytes(data[:-1000])
    third = box.workspace("third", "base3")
    box.fails(3, "the file ends within a frame", "cache", "import", "../cut.pack", cwd=third)
    assert "All before that was imported." in box.stderr
    n = box.json("cache", "stats", cwd=third)["embeddings"]
    assert 0 < n < 1200
    assert box.json("cache", "import", "../a.pack", cwd=third)["new"] == 1200 - n


def test_import_wrong_input(box):
    main = box.workspace()
    box.fill(main, 30)
    box.ck("cache", "export", "../a.pack", cwd=main)
    good = (box.path / "a.pack").read_bytes()
    for data, message in ((b"no pack", "byte 0: this is no pack"), (good[:20], "ends within a frame"),
                          (good[:200], "ends within a frame"),
                          (good + b"x", f"byte {len(good)}: this is no pack"),
                          (good[:100] + bytes([good[100] ^ 255]) + good[101:], "checksum"),
                          (good[:20] + b"\xff\xff\xff\xff" + good[24:], "this is no pack")):
        (box.path / "bad.pack").write_bytes(data)
        box.fails(3, message, "cache", "import", "../bad.pack", cwd=main)
    box.fails(3, "cannot read 'none'", "cache", "import", "none", cwd=main)
    box.fails(3, "cannot write", "cache", "export", "no/folder/x", cwd=main)
    box.fails(3, "there is no workspace 'x'", "cache", "export", "--workspace", "x", "../x", cwd=main)
    assert not (box.path / "x").exists()
    box.fails(2, "--since must be 0..", "cache", "export", "--since", "-1", "../x", cwd=main)
    (box.path / "empty").write_text("")
    assert box.json("cache", "import", "../empty", cwd=main)["embeddings"] == 0


def test_import_of_another_model_of_the_name(box):
    main, other = box.workspace(), box.workspace("other", "base2")
    box.fill(main, 3)
    box.ck("cache", "export", "../a.pack", cwd=main)
    box.ck("sql", "INSERT INTO models(model, version, dims) VALUES ('m', '1', 16)", cwd=other)
    box.fails(3, "has 8 dims, model 'm' version '1' has 16", "cache", "import", "../a.pack", cwd=other)


def test_optimize(box):
    main = box.workspace()
    assert "Nothing to do" in box.ck("optimize", cwd=main)
    box.fill(main, 6000)
    assert box.json("optimize", cwd=main) == {"embeddings": 6000}
    plan = box.sql("SELECT plan FROM knn(ck_embed('text 7', 8), 1)", cwd=main)[0]["plan"]
    assert "scan" in plan or "graph" in plan
    assert box.json("optimize", "m", cwd=main)["embeddings"] in (0, 6000)
    box.fails(3, "nope", "optimize", "nope", cwd=main)
