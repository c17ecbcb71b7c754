"""One module's text replaced as it is imported: the file on disk stays as it is, so nobody else meets the mutant."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType


class _Replaced(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.get_filename(fullname), "exec", dont_inherit=True)


class Overlay(MetaPathFinder):
    """Finds one module with other text than its file has; `is_used` tells whether anybody imported it."""

    def __init__(self, module: str, source: str) -> None:
        self._module = module
        self._source = source
        self.is_used = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's spec with the other text, None for every other module."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self._module else None
        if spec is None or spec.origin is None:
            return None
        self.is_used = True
        spec.loader = _Replaced(fullname, spec.origin, self._source)
        return spec

    def install(self) -> None:
        """Take the first place among the finders; the module must not have been imported."""
        if self._module in sys.modules:
            raise RuntimeError(f"{self._module} is imported already")
        sys.meta_path.insert(0, self)
