"""A mutant of a solution loses a point, or a file says why it is right: a sample of what benchmarks/mutate.py does."""

import importlib.util
from functools import cache
from pathlib import Path
from random import Random

import pytest

from paxoskit.grading.properties import MODULES, exercise

TOP = Path(__file__).parents[2]

spec = importlib.util.spec_from_file_location("mutate", TOP / "benchmarks" / "mutate.py")
mutate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mutate)


@cache
def all_mutants(exercise_id):
    """Return the mutants of a solution."""
    source = (TOP / "solutions" / exercise_id / exercise(exercise_id).file).read_text(encoding="utf-8")
    return list(mutate.mutants(source))


@pytest.mark.parametrize("exercise_id", MODULES)
def test_a_sample_of_mutants_is_rejected(exercise_id, tmp_path):
    argued = mutate.argued()
    wrong = [(said, text) for said, text in all_mutants(exercise_id) if (exercise_id, said) not in argued]
    sample = Random(f"mutants of {exercise_id}").sample(wrong, min(2, len(wrong)))
    assert [said for said, text in sample if mutate.survives(exercise_id, text, tmp_path)] == []


def test_every_argued_mutant_is_made():
    made = {(exercise_id, said) for exercise_id in MODULES for said, _ in all_mutants(exercise_id)}
    assert set(mutate.argued()) - made == set()
    assert all(len(reason) > 20 for reason in mutate.argued().values())


def test_a_mutant_differs_from_its_solution():
    source = "def f(a, b):\n    if a < b and a:\n        return 1\n    return max(a, b)\n"
    changes = [said for said, _ in mutate.mutants(source)]
    assert "line 2: `a < b` becomes `a <= b`" in changes
    assert "line 2: the test `a < b and a` is negated" in changes
    assert "line 4: `return max(a, b)` is dropped" in changes
    assert len({text for _, text in mutate.mutants(source)}) == len(changes)
