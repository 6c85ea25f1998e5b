"""Where the results of ck and sqlite-vec 0.1.9 may differ, and why. README.md beside the functions
(ext/functions/README.md) shows the same table to users; the test checks that the names agree.

Each entry is a name and a test of (case, ours, theirs) that looks at the arguments, not only at the
results: what is wrong with them, or the exact value computed here. An outcome is ("error", message)
or (typeof, subtype, value).
"""
import math
import struct

from model import FLOAT_MAX, floats_of

EPSILON = 2.0 ** -24


def failed(outcome):
    """Whether the outcome is an error."""
    return outcome[0] == "error"


def _flaw(name):
    return lambda case, ours, theirs: failed(ours) and case.has_flaw(name)


def _is_zero(argument):
    return argument.numbers is not None and not any(argument.numbers)


def _zero_vector(case, ours, _theirs):
    return (failed(ours) and "zero vector" in ours[1] and
            case.function in ("vec_normalize", "vec_distance_cosine") and
            any(_is_zero(x) for x in case.vectors))


def _other_type(case, ours, _theirs):
    names = {"vec_f32": "f32", "vec_int8": "i8", "vec_bit": "bit"}
    return (failed(ours) and case.function in names and "expected a vector of" in ours[1] and
            "(" in case.vectors[0].sql and case.vectors[0].kind != names[case.function])


def _does_not_fit(case, ours, _theirs):
    if not failed(ours) or case.function not in ("vec_add", "vec_sub"):
        return False
    a, b = (x.numbers for x in case.vectors)
    sign = 1 if case.function == "vec_add" else -1
    if case.vectors[0].kind == "i8":
        return any(not -128 <= x + sign * y <= 127 for x, y in zip(a, b))
    return any(abs(x + sign * y) > FLOAT_MAX for x, y in zip(a, b))


def exact(case):
    """(value, terms): the exact result of a distance and the sum of absolute terms that the error
    of its float32 sums is measured by."""
    a, b = case.vectors[0].numbers, case.vectors[-1].numbers
    if case.function == "vec_distance_l2":
        value = math.sqrt(math.fsum((x - y) ** 2 for x, y in zip(a, b)))
        return value, value
    if case.function == "vec_distance_l1":
        value = math.fsum(abs(x - y) for x, y in zip(a, b))
        return value, value
    norms = [math.sqrt(math.fsum(x * x for x in v)) for v in (a, b)]
    cosine = math.fsum(x * y for x, y in zip(a, b)) / (norms[0] * norms[1])
    terms = math.fsum(abs(x * y) for x, y in zip(a, b)) / (norms[0] * norms[1])
    return 1 - cosine, terms + abs(cosine) + 1


def _near_exact(case, outcome, n_roundings):
    """Whether a number or a normalised vector is as near to the exact one as sums are whose terms
    are rounded so many times."""
    if failed(outcome) or outcome[2] is None:
        return False
    bound = n_roundings * EPSILON
    if case.function == "vec_normalize":
        numbers = case.vectors[0].numbers
        norm = math.sqrt(math.fsum(x * x for x in numbers))
        return all(abs(x - y / norm) <= bound * abs(y / norm) + 2.0 ** -149
                   for x, y in zip(floats_of(outcome[2]), numbers))
    value, terms = exact(case)
    return abs(outcome[2] - value) <= bound * terms + 2.0 ** -149


def _ours_is_near(case, outcome):
    """ext/vector/kernels.h: n/16 + 10 roundings; 2 for what is done with the sums."""
    return _near_exact(case, outcome, len(case.vectors[0].numbers) / 16 + 12)


def _theirs_is_near(case, outcome):
    """One component after the other."""
    return _near_exact(case, outcome, len(case.vectors[0].numbers) + 4)


SUMS = ("vec_distance_l2", "vec_distance_l1", "vec_distance_cosine", "vec_normalize")


def is_wide(case):
    """Whether a square of the arguments, or of their difference, leaves float32's normal range."""
    numbers = [x for v in case.vectors for x in v.numbers]
    if len(case.vectors) == 2:
        numbers += [x - y for x, y in zip(*(v.numbers for v in case.vectors))]
    return any(x != 0 and not 1e-19 < abs(x) < 1e17 for x in numbers)


def has_exact_sums(case):
    """Whether all sums are integers that float32 holds, so that their order cannot matter."""
    return all(x == int(x) for v in case.vectors for x in v.numbers) and all(
        sum(x * x for x in v.numbers) < 2 ** 22 for v in case.vectors)


def _is_sum(case, ours, theirs):
    return (not failed(ours) and not failed(theirs) and case.function in SUMS and
            all(v.numbers for v in case.vectors))


def _wide(case, ours, theirs):
    return _is_sum(case, ours, theirs) and is_wide(case) and _ours_is_near(case, ours)


def _rounding(case, ours, theirs):
    if not _is_sum(case, ours, theirs) or is_wide(case):
        return False
    if has_exact_sums(case) and case.function != "vec_normalize":
        # Only the two square roots of a cosine are rounded, in double.
        return case.function == "vec_distance_cosine" and abs(ours[2] - theirs[2]) < 5e-16
    return _ours_is_near(case, ours) and _theirs_is_near(case, theirs)


def _tiny(case, ours, theirs):
    return failed(theirs) and not failed(ours) and case.has_flaw("tiny")


def _text_as_bits(case, ours, theirs):
    return failed(theirs) and case.has_flaw("text as bits")


def _whole(case, ours, theirs):
    return failed(theirs) and case.has_flaw("whole")


def _double_rounding(case, ours, theirs):
    if failed(ours) or failed(theirs) or not case.has_flaw("double rounding"):
        return False
    if case.function != "vec_f32":
        return True
    return ours[2] == struct.pack(f"<{len(ours[2]) // 4}f", *case.vectors[0].numbers)


def _slice_index(case, ours, _theirs):
    return failed(ours) and case.function == "vec_slice" and any(
        x is None or isinstance(x, (bytes, str)) or x != int(x) or not 0 <= x <= 2 ** 31 - 1
        for x in case.others)


def _bit_order(case, ours, theirs):
    if case.function != "vec_each" or case.vectors[0].kind != "bit" or failed(ours):
        return False
    turn = lambda bits: [bits[i // 8 * 8 + 7 - i % 8] for i in range(len(bits))]
    listed = [int(x) for x in ours[2].split(",")]
    return listed == case.vectors[0].numbers and turn(listed) == [
        int(x) for x in theirs[2].split(",")]


DIFFERENCES = {
    "strict JSON": _flaw("JSON"),
    "JSON length": _flaw("JSON bytes"),
    "dimensions": _flaw("dims"),
    "NaN and infinity": lambda *c: _flaw("not finite")(*c) or _flaw("range")(*c),
    "zero vectors": _zero_vector,
    "blobs of another type": _other_type,
    "results that do not fit": _does_not_fit,
    "slice indices": _slice_index,
    "large and small components": _wide,
    "order of summation": _rounding,
    "rounding of decimals": _double_rounding,
    "tiny decimals": _tiny,
    "whole numbers as int8": _whole,
    "JSON as bits": _text_as_bits,
    "bits of vec_each": _bit_order,
}


def explain(case, ours, theirs):
    """The name of the difference that accounts for these outcomes, or None."""
    for name, applies in DIFFERENCES.items():
        if applies(case, ours, theirs):
            return name
    return None
