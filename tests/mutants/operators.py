"""Small changes to a module, made by rule: each is what a slip of the hand would write.

Not changed: annotations, decorators, docstrings, text, and what is only logged.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.Mod: ast.Add,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "type_params", "bases"}
SKIPPED_CALLS = ("logger.", "log_decision", "Logger", "TypeVar", "TypeAdapter", "WithJsonSchema")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a source: the text `source[start:end]` becomes `new`; `lines` is the statement it is part of."""

    rule: str
    start: int
    end: int
    new: str
    lines: tuple[int, int]

    def applied(self, source: str) -> str:
        """Return the source with the change made."""
        return source[: self.start] + self.new + source[self.end :]


def changes(source: str) -> list[Change]:
    """Return every change that the rules make of a source, in its order, none of which leaves it as it was."""
    tree = ast.parse(source)
    found = dict.fromkeys(_Walk(source).through(tree))
    plain = ast.dump(tree)
    return [change for change in found if ast.dump(ast.parse(change.applied(source))) != plain]


class _Walk:
    def __init__(self, source: str) -> None:
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = source.splitlines(keepends=True)

    def through(self, node: ast.AST, statement: tuple[int, int] = (1, 1)) -> Iterator[Change]:
        if isinstance(node, ast.stmt):
            if _is_skipped(node):
                return
            statement = _own_lines(node)
        for rule, nodes in _mutations(node):
            start, end = self._span(nodes[0])
            new = ast.unparse(nodes[1])
            yield Change(rule, start, end, new if isinstance(node, ast.stmt) else f"({new})", statement)
        for name, value in ast.iter_fields(node):
            if name in SKIPPED_FIELDS:
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _is_text(child):
                    yield from self.through(child, statement)

    def _span(self, node: ast.AST) -> tuple[int, int]:
        place = cast("ast.expr", node)
        assert place.end_lineno is not None
        assert place.end_col_offset is not None
        return self._offset(place.lineno, place.col_offset), self._offset(
            place.end_lineno, place.end_col_offset
        )

    def _offset(self, line: int, column: int) -> int:
        # columns count bytes
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())


def _own_lines(node: ast.stmt) -> tuple[int, int]:
    """Return the lines of a statement without those of the statements in it."""
    last = node.end_lineno or node.lineno
    inner = [child.lineno for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return node.lineno, min([last, *(line - 1 for line in inner)]) if inner else last


def _is_skipped(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass | ast.Assert):
        return True
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases):
        return True
    return isinstance(node, ast.Expr) and (_is_text(node.value) or _is_quiet(node.value))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_quiet(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith(SKIPPED_CALLS)


Pair = tuple[ast.AST, ast.AST]


def _mutations(node: ast.AST) -> Iterator[tuple[str, Pair]]:
    rule = RULES.get(type(node))
    if rule is not None and not _is_quiet(node):
        for name, new in rule(node):
            yield name, (node, new)


def _compare(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    assert isinstance(node, ast.Compare)
    for index, operator in enumerate(node.ops):
        other = COMPARED[type(operator)]()
        operators = [*node.ops[:index], other, *node.ops[index + 1 :]]
        yield "comparison", ast.Compare(node.left, operators, node.comparators)


def _both(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    assert isinstance(node, ast.BoolOp)
    yield "and/or", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)


def _not(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    assert isinstance(node, ast.UnaryOp)
    if isinstance(node.op, ast.Not):
        yield "not dropped", node.operand


def _count(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    assert isinstance(node, ast.BinOp)
    other = COUNTED.get(type(node.op))
    # a union of types is no sum
    if other is not None and not _is_text(node.left) and not _is_union(node):
        yield "arithmetic", ast.BinOp(node.left, other(), node.right)


def _is_union(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.BitOr) and not any(
        isinstance(part, ast.Dict | ast.Set | ast.Call | ast.DictComp | ast.SetComp)
        for part in (node.left, node.right)
    )


def _constant(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    assert isinstance(node, ast.Constant)
    if isinstance(node.value, bool):
        yield "flag", ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield "number", ast.Constant(node.value + 1)
        yield "number", ast.Constant(node.value - 1)


def _call(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    assert isinstance(node, ast.Call)
    if isinstance(node.func, ast.Name) and node.func.id in CALLED:
        yield "min/max/any/all", ast.Call(ast.Name(CALLED[node.func.id]), node.args, node.keywords)
    for index in range(len(node.keywords)):
        rest = [*node.keywords[:index], *node.keywords[index + 1 :]]
        yield "argument dropped", ast.Call(node.func, node.args, rest)


def _condition(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    assert isinstance(node, ast.IfExp)
    if not isinstance(node.test, ast.Compare | ast.UnaryOp | ast.BoolOp):
        yield "condition", ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)


def _dropped(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    yield "statement dropped", ast.Pass()


def _return(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    assert isinstance(node, ast.Return)
    # nobody tells None from False
    if node.value is not None and not (
        isinstance(node.value, ast.Constant) and node.value.value in {None, False}
    ):
        yield "None returned", ast.Return(ast.Constant(None))


RULES: dict[type[ast.AST], Callable[[ast.AST], Iterator[tuple[str, ast.AST]]]] = {
    ast.Compare: _compare,
    ast.BoolOp: _both,
    ast.UnaryOp: _not,
    ast.BinOp: _count,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.IfExp: _condition,
    ast.Expr: _dropped,
    ast.AugAssign: _dropped,
    ast.Raise: _dropped,
    ast.Break: _dropped,
    ast.Continue: _dropped,
    ast.Return: _return,
}
