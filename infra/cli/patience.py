"""What is followed goes on while a look at it fails: a few such looks are let pass."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from infra.cli.asking import ApiRefused
from infra.cli.refusal import Misuse, Refusal

LOOKS = 5


@dataclass
class Patience:
    """Lets looks fail, fewer than LOOKS in a row."""

    failed: int = 0

    def look[T](self, ask: Callable[[], T]) -> T | None:
        """Return what was seen, None for a failure that may pass; the error of any other, or of one too many."""
        try:
            found = ask()
        except Refusal as error:
            self.failed += 1
            if self.failed >= LOOKS or not _may_pass(error):
                raise
            return None
        self.failed = 0
        return found


def _may_pass(error: Refusal) -> bool:
    if isinstance(error, ApiRefused):
        status = error.problem.get("status")
        return isinstance(status, int) and (
            status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
        )
    return not isinstance(error, Misuse)
