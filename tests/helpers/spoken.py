"""What the sources say to a person: every English sentence or part of one that a file writes, with its holes filled.

Found in the syntax tree, so that a new detector's sentences are seen without running it. A hole is filled with what the
same file puts there, if that is text, else with a number.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

from trainwatch.reports.languages.sentences import is_prose

MOST_FILLINGS = 48
"""Ways to fill the holes of one template that are tried."""

MOST_DEPTH = 4
"""Names and functions that are followed from one to the next."""

NUMBER = "7"

WRITTEN_BY = {
    "epoch_name": "epoch 7",
    "last_place": "epoch 7, step 7",
    "size": "7 KiB",
    "rate": "7 KiB per epoch",
    "sentence": "7.",
}
"""What functions of other files write."""

NOT_READ = ("compile", "match", "fullmatch", "search", "findall", "sub", "guard", "TypeVar", "filterwarnings")
"""Calls whose text nobody reads on the page."""

CITED = ("sources", "source", "title")
"""Fields that name files, papers and threads; ``title`` is that of the list of checks."""


class Spoken(NamedTuple):
    """A template as it is written, where, and the texts that it makes."""

    file: Path
    line: int
    template: str
    texts: tuple[str, ...]


def spoken(file: Path) -> list[Spoken]:
    """Return what one source file says; errors, patterns and documentation left out."""
    return list(_File(file).spoken())


class _File:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.tree = ast.parse(file.read_text(encoding="utf-8"))
        self.functions = {n.name: n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)}

    def spoken(self) -> Iterator[Spoken]:
        seen: set[str] = set()
        for scope, node in self._strings(self.tree, self.tree):
            template = _template(node)
            if template in seen or not is_prose(template.replace("{…}", NUMBER)):
                continue
            seen.add(template)
            texts = (t.strip() for t in islice(self._texts(node, scope, 0), MOST_FILLINGS))
            yield Spoken(self.file, node.lineno, template, tuple(t for t in dict.fromkeys(texts) if t))

    def _strings(self, node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.AST, ast.JoinedStr | ast.Constant]]:
        """Yield strings, each with the function that holds it; strings within f-strings as well."""
        documents = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        unread = isinstance(node, ast.Call) and _name(node.func) in NOT_READ
        cites = (isinstance(node, ast.keyword) and node.arg in CITED[:2]) or (
            isinstance(node, ast.AnnAssign) and _name(node.target) in CITED
        )
        if documents or unread or cites or isinstance(node, ast.Raise):
            return
        if isinstance(node, ast.FunctionDef):
            scope = node
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield scope, node
        parts = (
            [v for v in node.values if isinstance(v, ast.FormattedValue)] if isinstance(node, ast.JoinedStr) else None
        )
        for child in ast.iter_child_nodes(node) if parts is None else parts:
            yield from self._strings(child, scope)

    def _texts(self, node: ast.AST, scope: ast.AST, depth: int) -> Iterator[str]:
        """Yield the texts that an expression may be, a number where it is none."""
        if isinstance(node, ast.Constant):
            yield node.value if isinstance(node.value, str) else NUMBER
        elif isinstance(node, ast.JoinedStr):
            parts = [list(dict.fromkeys(islice(self._texts(v, scope, depth), MOST_FILLINGS))) for v in node.values]
            yield from ("".join(p) for p in product(*parts))
        elif isinstance(node, ast.FormattedValue):
            yield from self._texts(node.value, scope, depth)
        elif isinstance(node, ast.IfExp):
            yield from self._texts(node.body, scope, depth)
            yield from self._texts(node.orelse, scope, depth)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                yield from self._texts(value, scope, depth)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _is_text(node):
            ends = list(islice(self._texts(node.right, scope, depth), MOST_FILLINGS))
            yield from (a + b for a, b in product(self._texts(node.left, scope, depth), ends))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and _is_text(node.left):
            yield from (*self._texts(node.left, scope, depth), "")
        else:
            found = self._values(node, scope) if depth < MOST_DEPTH else []
            texts = [t for v, s in found if self._speaks(v) for t in self._texts(v, s, depth + 1)]
            yield from texts or [WRITTEN_BY.get(_name(node.func), NUMBER) if isinstance(node, ast.Call) else NUMBER]

    def _speaks(self, node: ast.AST) -> bool:
        return _is_text(node) or (
            isinstance(node, ast.Call) and (_name(node.func) in self.functions or _name(node.func) in WRITTEN_BY)
        )

    def _values(self, node: ast.AST, scope: ast.AST) -> list[tuple[ast.AST, ast.AST]]:
        """Return what a name was given, what a table holds, or what a function of this file returns, with the scope of each."""
        if isinstance(node, ast.Subscript):
            tables = (
                [node.value] if isinstance(node.value, ast.Dict) else [v for v, _ in self._values(node.value, scope)]
            )
            return [(v, scope) for t in tables if isinstance(t, ast.Dict) for v in t.values]
        if isinstance(node, ast.Call):
            function = self.functions.get(_name(node.func))
            returns = [n.value for n in ast.walk(function) if isinstance(n, ast.Return)] if function else []
            return [(v, function) for v in returns if v is not None and function is not None]
        found = []
        for part in ast.walk(scope) if isinstance(node, ast.Name) else ():
            for target in part.targets if isinstance(part, ast.Assign) else ():
                if _name(target) == _name(node):
                    found.append((part.value, scope))  # type: ignore[attr-defined]
        return found


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _template(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(str(v.value) if isinstance(v, ast.Constant) else "{…}" for v in node.values)


def _is_text(node: ast.AST) -> bool:
    if isinstance(node, ast.IfExp):
        return _is_text(node.body) or _is_text(node.orelse)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mult) and (_is_text(node.left) or _is_text(node.right))
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
