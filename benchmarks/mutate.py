"""Mutants of each solution, against the checks: each must be rejected, or argued to be right.

    python benchmarks/mutate.py [--exercise 04]

A mutant is the solution with one thing changed in its syntax tree: a comparison, a constant, a dropped statement, a
negated test, `and` for `or`, `max` for `min`, an argument list without its last argument. A mutant that loses no point
is listed; those that are right all the same are in tests/answers/equivalent_mutants.txt, each with its reason.
"""

from __future__ import annotations

import argparse
import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path

from paxoskit.grading.properties import MODULES, exercise, judge_property
from paxoskit.grading.subject import LocalSubject

TOP = Path(__file__).parents[1]
ARGUED = TOP / "tests" / "answers" / "equivalent_mutants.txt"

COMPARISONS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE], ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is], ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Yield mutants of a module: what was changed, in words, and the text."""
    nodes = list(ast.walk(ast.parse(source)))
    places = {id(node): place for place, node in enumerate(nodes)}
    parents = {places[id(child)]: place for place, node in enumerate(nodes) for child in ast.iter_child_nodes(node)}
    for place, node in enumerate(nodes):
        for variant in _variants(node):
            twin = ast.parse(source)
            there = list(ast.walk(twin))
            said = _mutate(there[place], there[parents[place]] if place in parents else None, variant)
            if said:
                yield said, ast.unparse(ast.fix_missing_locations(twin))


def _variants(node: ast.AST) -> tuple[int, ...]:
    """Return which changes may apply to a node at all."""
    if isinstance(node, ast.Compare):
        return (0, 1)
    if isinstance(node, ast.stmt):
        return (0, 3)
    return (0,) if isinstance(node, ast.Constant | ast.IfExp | ast.BoolOp | ast.Name | ast.BinOp) else ()


def _mutate(node: ast.AST, parent: ast.AST | None, variant: int) -> str:
    """Change a node in place; return what was done, or nothing if this variant does not apply."""
    line = getattr(node, "lineno", 0)
    before = ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else ""
    if isinstance(node, ast.Compare):
        swaps = COMPARISONS.get(type(node.ops[0]), [])
        if variant < len(swaps):
            node.ops[0] = swaps[variant]()
            return f"line {line}: `{before}` becomes `{ast.unparse(node)}`"
    elif isinstance(node, ast.Constant) and variant == 0 and type(node.value) in (int, bool, float):
        if isinstance(parent, ast.Expr):
            return ""
        node.value = not node.value if type(node.value) is bool else node.value + 1
        return f"line {line}: `{before}` becomes `{ast.unparse(node)}` in `{_text(parent)}`"
    elif isinstance(node, ast.If | ast.IfExp | ast.While) and variant == 0:
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return f"line {line}: the test `{ast.unparse(node.test.operand)}` is negated"
    elif isinstance(node, ast.BoolOp) and variant == 0:
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return f"line {line}: `{before}` becomes `{ast.unparse(node)}`"
    elif isinstance(node, ast.Name) and variant == 0 and node.id in ("max", "min", "any", "all"):
        node.id = {"max": "min", "min": "max", "any": "all", "all": "any"}[node.id]
        return f"line {line}: {before} becomes {node.id} in `{_text(parent)}`"
    elif isinstance(node, ast.BinOp) and variant == 0 and isinstance(node.op, ast.Add | ast.Sub):
        node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        return f"line {line}: `{before}` becomes `{ast.unparse(node)}`"
    if isinstance(node, ast.stmt) and variant == 3 and _may_go(node, parent):
        for field in ("body", "orelse"):
            block = getattr(parent, field, [])
            if isinstance(block, list) and node in block:
                block[block.index(node)] = ast.Pass()
                return f"line {line}: `{before.splitlines()[0][:70]}` is dropped"
    return ""


def _text(node: ast.AST | None) -> str:
    return ast.unparse(node)[:60] if node is not None else ""


def _may_go(node: ast.stmt, parent: ast.AST | None) -> bool:
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    stays = isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef | ast.Pass)
    return not stays and not docstring


def survives(exercise_id: str, text: str, folder: Path) -> bool:
    """Say whether a mutant has every build point."""
    one = exercise(exercise_id)
    file = folder / one.file
    file.write_text(text, encoding="utf-8")
    subject = LocalSubject(file)
    return all(judge_property(prop, subject, 0, one.roles).points == prop.points for prop in one.properties)


def argued() -> dict[tuple[str, str], str]:
    """Return the mutants that are right all the same, by exercise and change, with the reason."""
    lines = ARGUED.read_text(encoding="utf-8").splitlines() if ARGUED.is_file() else []
    parts = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    return {(exercise_id, change): reason for exercise_id, change, reason in parts}


def main() -> None:
    """Judge every mutant of the chosen exercises, and print the figures and the survivors."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--exercise", default="", help="the number of one exercise; all of them without it")
    chosen = options.parse_args()
    known = argued()
    for exercise_id in MODULES:
        if not exercise_id.startswith(chosen.exercise):
            continue
        source = (TOP / "solutions" / exercise_id / exercise(exercise_id).file).read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            made = list(mutants(source))
            alive = [said for said, text in made if survives(exercise_id, text, Path(folder))]
        new = [said for said in alive if (exercise_id, said) not in known]
        print(f"{exercise_id}: {len(made)} mutants, {len(made) - len(alive)} rejected, "
              f"{len(alive) - len(new)} argued equivalent, {len(new)} to look at")  # fmt: skip
        for said in new:
            print(f"    {said}")


if __name__ == "__main__":
    main()
