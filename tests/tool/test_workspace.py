"""ck workspace: list, show, pin, unpin, remove."""
import os


def test_workspace_list(box):
    main, other = box.workspace("main"), box.workspace("other")
    box.fill(main, 5, refs=4)
    rows = {row["name"]: row for row in box.json("workspace", "list", cwd=other)}
    assert rows["main"]["refs"] == 4 and rows["main"]["embeddings"] == 4
    assert rows["main"]["bytes"] == 4 * 32 and rows["other"]["refs"] == 0
    table = box.ck("workspace", "list", cwd=main).splitlines()
    assert table[0].split()[:3] == ["name", "state", "pinned"] and len(table) == 3
    assert "expires" not in table[0]  # nothing is in that column


def test_workspace_list_empty(box):
    box.workspace("main")
    box.ck("workspace", "remove", "main", "-C", "main")
    assert box.json("workspace", "list", "-C", "base") == []
    assert box.ck("workspace", "list", "-C", "base") == ""
    assert "no workspaces" in box.stderr


def test_workspace_list_without_those_of_the_store(box):
    main = box.workspace()
    box.ck("sql", "INSERT INTO workspaces(name, uuid) VALUES ('mirror', 'mirror'), ('probe', 'probe')",
           cwd=main)
    assert [w["name"] for w in box.json("workspace", "list", cwd=main)] == ["main"]
    assert box.json("cache", "stats", cwd=main)["workspaces"] == 1


def test_workspace_show(box):
    main, other = box.workspace("main"), box.workspace("other")
    box.fill(main, 5, refs=4)
    box.fill(other, 2, refs=2)
    shown = box.json("workspace", "show", cwd=main)
    assert (shown["exclusive_bytes"], shown["shared_bytes"]) == (2 * 32, 2 * 32), shown
    assert shown["models"] == [{"model": "m", "version": "1", "refs": 4}]
    for what in ("main", shown["uuid"], str(main), "../main"):
        assert box.json("workspace", "show", what, cwd=other) == shown
    text = box.ck("workspace", "show", "main", cwd=other)
    assert "exclusive bytes 64 B" in text and "m 1, 4 refs" in text


def test_workspace_pin(box):
    main = box.workspace("main")
    box.workspace("other")
    box.ck("workspace", "pin", cwd=main)
    assert [w["pinned"] for w in box.json("workspace", "list", cwd=main)] == [1, 0]
    box.ck("workspace", "pin", "other", "main", cwd=main)
    assert [w["pinned"] for w in box.json("workspace", "list", cwd=main)] == [1, 1]
    assert box.json("workspace", "unpin", "other", cwd=main) == ["other"]
    assert [w["pinned"] for w in box.json("workspace", "list", cwd=main)] == [1, 0]


def test_workspace_remove(box):
    main, other = box.workspace("main"), box.workspace("other")
    box.fill(main, 5, refs=5, age=7200)
    assert box.json("workspace", "remove", "main", cwd=other) == ["main"]
    assert [w["name"] for w in box.json("workspace", "list", cwd=other)] == ["other"]
    assert not (main / ".ck/workspace").exists() and (main / ".ck/config.toml").exists()
    assert box.json("cache", "stats", cwd=main)["live_embeddings"] == 0
    # It may come back, as a new one.
    assert box.json("init", cwd=main)["new_workspace"]


def test_workspace_remove_spares_a_copy(box):
    main = box.workspace("main")
    os.rename(main, box.path / "kept")
    other = box.workspace("main")  # another tree where the first one was
    uuid = (other / ".ck/workspace").read_text()
    box.ck("workspace", "remove", "main", cwd=other)
    assert (other / ".ck/workspace").read_text() == uuid
    assert [w["name"] for w in box.json("workspace", "list", cwd=other)] == ["main-2"]


def test_workspace_wrong_input(box):
    main = box.workspace("main")
    box.fails(3, "there is no workspace 'x'", "workspace", "show", "x", cwd=main)
    assert "There are: main" in box.stderr
    box.fails(3, "there is no workspace 'x'", "workspace", "remove", "x", cwd=main)
    box.fails(2, "it needs NAME", "workspace", "remove", cwd=main)
    box.fails(3, "belongs to no workspace", "workspace", "show")
    box.fails(2, "there is no command 'workspace nope'", "workspace", "nope", cwd=main)
    assert "workspace list" in box.ck("workspace", exit=2, cwd=main)


def test_empty_arguments_mean_nothing(box):
    """Such as an unset variable of a script: never the workspace around, never the whole tree."""
    main = box.workspace("main")
    box.fill(main, 2, refs=2)
    for words in (("workspace", "remove"), ("workspace", "show"), ("workspace", "pin"),
                  ("workspace", "unpin"), ("index",), ("search",), ("cache", "push"),
                  ("cache", "remote", "remove"), ("cache", "import")):
        box.fails(2, f"argument 1 of '{' '.join(words)}' must not be empty", *words, "", cwd=main)
    box.fails(2, "argument 2 of 'workspace remove' must not be empty", "workspace", "remove", "main",
              "", cwd=main)
    assert box.json("workspace", "show", cwd=main)["refs"] == 2
