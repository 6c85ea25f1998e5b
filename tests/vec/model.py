"""Arguments of the vec_* functions with what they mean, and random ones.

An Argument is an SQL expression with parameters and, computed here and not by either extension,
the vector it stands for and what is wrong with it. The oracle for JSON is Python's json module, for
float32 exact arithmetic on fractions.
"""
import functools
import json
import math
import re
import struct
from fractions import Fraction

FLOAT_MAX = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
DIMS_MAX = 65536
JSON_MAX_BYTES = 10_000_000
DIMS = [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 63, 64, 65, 100, 128, 200, 256, 384, 768,
        1000, 1536]


@functools.lru_cache(100000)
def nearest_f32(number):
    """The float32 nearest to a Fraction, ties to even, or None beyond the range."""
    if abs(number) >= Fraction(FLOAT_MAX) + Fraction(2) ** 103:
        return None
    guess = max(-FLOAT_MAX, min(FLOAT_MAX, float(number)))
    bits = struct.unpack("<I", struct.pack("<f", guess))[0]
    best = None
    for near in (bits - 1, bits, bits + 1):
        value = struct.unpack("<f", struct.pack("<I", near & 0xffffffff))[0]
        if not math.isfinite(value):
            continue
        key = (abs(Fraction(value) - number), near & 1)
        if best is None or key < best[0]:
            best = (key, value)
    return best[1]


def floats_of(blob):
    """The float32 numbers of a blob."""
    return list(struct.unpack(f"<{len(blob) // 4}f", blob))


def _refuse(constant):
    raise ValueError(constant)


class _Literal(str):
    """A JSON number as it is written."""


def json_numbers(text):
    """The numbers of a strict JSON array, as they are written, or None."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_Literal, parse_int=_Literal)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, list) or not all(isinstance(x, _Literal) for x in value):
        return None
    return value


@functools.lru_cache(100000)
def fraction_of(literal):
    """A JSON number as a Fraction; absurd exponents are cut where nothing depends on them."""
    mantissa, _, exponent = literal.lower().partition("e")
    exponent = max(-5000, min(5000, int(exponent or 0)))
    return Fraction(mantissa) * Fraction(10) ** exponent


class Argument:
    """An SQL expression, its vector (kind 'f32', 'i8', 'bit' or None; numbers or None), flaws."""

    def __init__(self, sql, *params):
        self.sql, self.params = sql, params
        self.kind, self.numbers, self.flaws = None, None, set()

    def __repr__(self):
        params = [p if len(p := repr(x)) < 300 else p[:300] + "…" for x in self.params]
        return f"{self.sql} with {', '.join(params)}"

    def check(self):
        """Notes the flaws that numbers themselves have."""
        if any(not math.isfinite(x) for x in self.numbers):
            self.flaws.add("not finite")
        if len(self.numbers) > DIMS_MAX:
            self.flaws.add("dims")
        return self


def other(sql, *params):
    """Something that is no vector to anybody."""
    return Argument(sql, *params)


def blob(data):
    """A bare blob: float32."""
    argument = Argument("?", data)
    if len(data) > 0 and len(data) % 4 == 0:
        argument.kind, argument.numbers = "f32", floats_of(data)
        argument.check()
    return argument


def text(source, kind="f32"):
    """JSON text read as a kind."""
    argument = Argument("?", source)
    literals = json_numbers(source)
    if len(source.encode()) > JSON_MAX_BYTES:
        argument.flaws.add("JSON bytes")
    if literals is None:
        argument.flaws.add("JSON")
        return argument
    if not literals:
        return argument
    fractions = [fraction_of(x) for x in literals]
    argument.kind = kind
    if kind == "f32":
        if any(x != 0 and abs(x) < Fraction(1, 2 ** 1075) for x in fractions):
            argument.flaws.add("tiny")
        if any(nearest_f32(x) is None for x in fractions):
            argument.flaws.add("range")
            return argument
        argument.numbers = [nearest_f32(x) for x in fractions]
        doubles = [struct.unpack("<f", struct.pack("<f", max(-FLOAT_MAX, min(FLOAT_MAX, float(x)))))
                   for x in fractions]
        if [x[0] for x in doubles] != argument.numbers:
            argument.flaws.add("double rounding")
    else:
        if any(re.search("[.eE]", x) for x in literals):
            argument.flaws.add("whole")
        low, high = (-128, 127) if kind == "i8" else (0, 1)
        if any(x.denominator != 1 or not low <= x <= high for x in fractions):
            argument.kind = None
            return argument
        argument.numbers = [int(x) for x in fractions]
    return argument.check()


def typed(name, inner):
    """A constructor, vec_f32, vec_int8 or vec_bit, around a bare blob or text."""
    argument = Argument(f"{name}({inner.sql})", *inner.params)
    data = inner.params[0]
    if isinstance(data, str):
        if name == "vec_bit":
            argument.flaws.add("text as bits")
            argument.flaws |= text(data, "bit").flaws
            return argument
        of = text(data, "i8" if name == "vec_int8" else "f32")
        argument.kind, argument.numbers, argument.flaws = of.kind, of.numbers, of.flaws
        return argument
    if name == "vec_f32":
        argument.kind, argument.numbers, argument.flaws = inner.kind, inner.numbers, inner.flaws
        return argument
    if not data:
        return argument
    argument.kind = "i8" if name == "vec_int8" else "bit"
    argument.numbers = list(struct.unpack(f"<{len(data)}b", data)) if argument.kind == "i8" else [
        byte >> i & 1 for byte in data for i in range(8)]
    return argument.check()


def random_numbers(rng, n):
    """n numbers that float32 represents, of one character."""
    shape = rng.random()
    if shape < 0.45:
        numbers = [rng.gauss(0, 1) for _ in range(n)]
    elif shape < 0.70:
        numbers = [float(rng.randint(-8, 8)) for _ in range(n)]
    elif shape < 0.76:
        numbers = [0.0] * n
    elif shape < 0.82:
        numbers = [rng.gauss(0, 1) * 10 ** rng.uniform(15, 38) for _ in range(n)]
    elif shape < 0.88:
        numbers = [rng.gauss(0, 1) * 10 ** rng.uniform(-46, -15) for _ in range(n)]
    elif shape < 0.94:
        numbers = [rng.choice([0.0, -0.0, 1.0, -1.0, 1e-3, 255.0]) for _ in range(n)]
    else:
        numbers = [rng.gauss(0, 1) for _ in range(n)]
        numbers[rng.randrange(n)] = rng.choice([math.nan, math.inf, -math.inf, FLOAT_MAX, 1e-45])
    clipped = [x if not math.isfinite(x) else max(-FLOAT_MAX, min(FLOAT_MAX, x)) for x in numbers]
    return floats_of(struct.pack(f"<{n}f", *clipped))


def random_vector(rng, kind, n):
    """A vector of a kind, mostly sound."""
    if kind == "i8":
        bound = rng.choice([5, 60, 127])
        codes = [rng.choice([0, rng.randint(-bound - (bound == 127), bound)]) for _ in range(n)]
        if rng.random() < 0.3:
            return typed("vec_int8", text(json.dumps(codes)))
        return typed("vec_int8", blob(struct.pack(f"<{n}b", *codes)))
    if kind == "bit":
        return typed("vec_bit", blob(rng.randbytes((n + 7) // 8)))
    numbers = random_numbers(rng, n)
    how = rng.random()
    if how < 0.5 or not all(map(math.isfinite, numbers)):
        argument = blob(struct.pack(f"<{n}f", *numbers))
    elif how < 0.6:
        argument = text("[" + ", ".join(f"{x:.9g}" for x in numbers) + "]")
    elif how < 0.7:
        argument = text("[" + ",".join(f"{x:.{rng.randint(1, 25)}g}" for x in numbers) + "]")
    elif how < 0.75:
        argument = text("[" + ",".join(str(int(rng.gauss(0, 9))) for _ in numbers) + "]")
    else:
        return typed("vec_f32", blob(struct.pack(f"<{n}f", *numbers)))
    return typed("vec_f32", argument) if rng.random() < 0.3 else argument
