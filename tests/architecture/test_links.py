"""Every page of the project leads where it says: relative links exist, and so do the headings that they name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.template import REPOSITORY

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z]+:")


def _pages() -> list[str]:
    folders = [entry for entry in REPOSITORY.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    pages = [*REPOSITORY.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))]
    return sorted(str(page.relative_to(REPOSITORY)) for page in pages)


def _links(page: Path) -> Iterator[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return (link for link in LINK.findall(text) if not ELSEWHERE.match(link))


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _leads_nowhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page if not path else page.parent / path
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in _anchors(target)


def test_there_are_pages_to_check() -> None:
    assert "README.md" in _pages()


@pytest.mark.parametrize("name", _pages())
def test_every_relative_link_of_a_page_leads_somewhere(name: str) -> None:
    page = REPOSITORY / name

    assert [link for link in _links(page) if _leads_nowhere(page, link)] == []
