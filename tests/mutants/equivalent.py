"""Mutants that change nothing anybody could notice, each with the reason; they are counted apart."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A mutant by its file and the lines that differ, and why it is none."""

    file: str
    old: str
    new: str
    why: str


EQUIVALENT: tuple[Equivalent, ...] = ()


def reason_of(file: str, diff: str) -> str:
    """Return why a mutant is equivalent, empty text if it is not."""
    sides = {sign: [line[1:].strip() for line in diff.splitlines() if line.startswith(sign)] for sign in "-+"}
    for one in EQUIVALENT:
        if one.file == file and sides == {"-": one.old.split("\n"), "+": one.new.split("\n")}:
            return one.why
    return ""
