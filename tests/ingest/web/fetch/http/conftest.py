"""A fetcher for each test; the internet is that of the folder above."""

from collections.abc import AsyncIterator

import pytest

from tests.http_kit import Kit
from tests.internet.net import Internet


@pytest.fixture
async def kit(net: Internet) -> AsyncIterator[Kit]:
    kit = Kit()
    yield kit
    await kit.close()


@pytest.fixture
async def hasty(net: Internet) -> AsyncIterator[Kit]:
    kit = Kit(timeout_s=2.0)
    yield kit
    await kit.close()
