"""Closes what the tests of the page open."""

from collections.abc import Iterator

import pytest

from tests.ui.page_in_memory import OPENED


@pytest.fixture(autouse=True)
def close_services() -> Iterator[None]:
    """Close the services of the test, so that no task of theirs is left to the garbage collector.

    Collected inside `ast.parse`, a pending task fails an innocent test of the sources: "AST
    constructor recursion depth mismatch" (CPython 3.11).
    """
    yield
    while OPENED:
        OPENED.pop().close()
