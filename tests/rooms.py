"""Which function of the product leads to which, read from its text: for truths about the whole house."""

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path


class Rooms:
    """The plain functions of `followup`, by room and name: those of a package of services go by the package, as its callers write them.

    Calls of functions by their name and through an imported module are followed; calls of methods are not.
    """

    def __init__(self, root: Path):
        self.functions: dict[str, ast.FunctionDef] = {}
        self.imports: dict[str, dict[str, str]] = {}
        for file in (root / "followup").rglob("*.py"):
            module = ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            tree = ast.parse(file.read_text())
            known = {
                each.asname or each.name: f"{node.module}.{each.name}"
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom)
                for each in node.names
            }
            for node in tree.body:
                if isinstance(node, ast.FunctionDef):
                    name = f"{_room(module)}.{node.name}"
                    self.functions[name], self.imports[name] = node, known

    @cached_property
    def transactions(self) -> list[str]:
        """Functions that are a transaction, or hold one."""
        return [
            name
            for name, function in self.functions.items()
            if any(isinstance(node, ast.Attribute) and node.attr == "atomic" for node in ast.walk(function))
        ]

    def leads_to(self, ends: set[str], name: str) -> bool:
        seen, ahead = {name}, [name]
        while ahead:
            called = self._called[ahead.pop()] - seen
            if called & ends:
                return True
            seen |= called
            ahead += called & self.functions.keys()
        return False

    @cached_property
    def _called(self) -> dict[str, set[str]]:
        return {name: set(self._calls(name)) for name in self.functions}

    def _calls(self, name: str) -> Iterator[str]:
        known, room = self.imports[name], name.rpartition(".")[0]
        for node in ast.walk(self.functions[name]):
            match getattr(node, "func", None):
                case ast.Name(id=called):
                    head, _, called = known.get(called, f"{room}.{called}").rpartition(".")
                    yield f"{_room(head)}.{called}"
                case ast.Attribute(value=ast.Name(id=module), attr=called) if module in known:
                    yield f"{known[module]}.{called}"


def _room(module: str) -> str:
    head, _, _ = module.rpartition(".")
    return head if head.endswith(".services") else module
