"""Command lines and config files that nobody means: a clear error, never a crash."""
import random

import common

JUNK = ["", "-", "--", "---", "-C", "--json=", "--grace", "=", "%s%n", "x" * 5000, "\u0001", "ü", "'", "../..",
        "--store=/dev/null", "--color=x", "--max-bytes=99999999999999999999", "--grace=9223372036854775807w",
        "-nnn", "-qqh", "--since=-1", "--workspace", "main", "/", "file:", "http:"]


def exits_well(box, *arguments, **more):
    done = box.run(*arguments, errors="replace", **more)  # what is exported is no text
    assert done.returncode in (0, 1, 2, 3, 4, 5), (arguments, done)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, (arguments, done)
    assert (done.returncode in (0, 1)) or done.stderr or done.stdout, arguments


def test_random_arguments(box):
    main = box.workspace()
    box.fill(main, 5, refs=3)
    commands = [command["name"].split() for command in box.json("help")]
    rng = random.Random(common.seed)
    for _ in range(60):
        words = rng.choice(commands) + rng.choices(JUNK, k=rng.randrange(4))
        if rng.random() < 0.3:
            rng.shuffle(words)
        exits_well(box, *words, cwd=box.folder("main/a"), input="")


def test_random_config(box):
    main = box.workspace()
    parts = [b'base = "../base"', b"\n", b"#", b"=", b'"', b"'", b"\\", b"base", b"model = 'm'", b"[", b"\0",
             b"\xff", b" ", b"\t", b"1", b"true", b"\r", b'"\\"', b"\\q", b"x" * 300]
    rng = random.Random(common.seed)
    for _ in range(60):
        (main / ".ck/config.toml").write_bytes(b"".join(rng.choices(parts, k=rng.randrange(8))))
        exits_well(box, "cache", "stats", cwd=main)
