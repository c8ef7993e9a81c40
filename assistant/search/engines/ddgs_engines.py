"""The other text engines of ddgs by name, as the installed ddgs has them: Mojeek, Brave and more.

ddgs knows their forms and reads their pages; what goes wrong is told apart here.
"""

import itertools
import re
from collections.abc import AsyncGenerator, Collection
from functools import partial
from typing import Any

import lxml.etree
from ddgs.base import BaseSearchEngine
from ddgs.engines import ENGINES
from ddgs.exceptions import DDGSException, TimeoutException

from assistant.search.ddgs_client import REGIONS, InstrumentedEngine, in_daemon_thread, lost
from assistant.search.result_pages import SILENT, EngineFailure, ResultRow, collect, one_line
from assistant.values import SearchHit
from ingest.foundation.messages import Language, Message

_WANTS_A_HUMAN = re.compile(
    r"captcha|automated (?:queries|requests)|unusual traffic|are you a robot|not a robot", re.I
)
"""Said by pages without results that want to see a human, whatever their status."""

_CAPTCHA = Message("it wants to see a human")
_UNREADABLE = Message("ddgs cannot read its page")


def engine_names() -> tuple[str, ...]:
    """Return the names of the text engines that the installed ddgs has and has not disabled."""
    return tuple(sorted(ENGINES.get("text", {})))


class DdgsEngine:
    """Asks one engine of ddgs, one page after the other, until there are enough hits."""

    def __init__(self, name: str, *, exclude: Collection[str] = ()) -> None:
        """Ask the engine that `engine_names` lists as `name`; leave out the sites in `exclude`."""
        self._engine: type[BaseSearchEngine[Any]] = ENGINES["text"][name]
        self._exclude = tuple(exclude)

    @property
    def name(self) -> str:
        return self._engine.__name__

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float
    ) -> list[SearchHit]:
        words = one_line(query)
        if not words or limit <= 0:
            return []
        return await collect(
            self._pages(words, REGIONS[language], timeout_s),
            engine=self.name,
            limit=limit,
            exclude=self._exclude,
            timeout_s=timeout_s,
        )

    async def _pages(
        self, words: str, region: str, timeout_s: float
    ) -> AsyncGenerator[list[ResultRow], None]:
        frank: Any = type(self.name, (InstrumentedEngine, self._engine), {})
        engine = await in_daemon_thread(partial(frank, timeout_s=timeout_s))
        for page in itertools.count(1):
            yield await in_daemon_thread(partial(read_page, engine, words, region, page))


def read_page(engine: InstrumentedEngine, words: str, region: str, page: int) -> list[ResultRow]:
    """Return the results of page 1, 2…, [] beyond the last, or raise `EngineFailure`."""
    try:
        results = engine.search(words, region=region, page=page) or []
    except TimeoutException as error:  # of the requests that an engine makes besides its form
        raise EngineFailure("timeout", SILENT) from error
    except DDGSException as error:
        raise lost(error.__cause__) from error
    except lxml.etree.ParserError:  # an empty page
        results = []
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise EngineFailure("failed", _UNREADABLE) from error  # ddgs trusts what comes
    if not results and _WANTS_A_HUMAN.search(engine.shown):
        raise EngineFailure("rate_limited", _CAPTCHA)
    return [
        ResultRow(title=result.title, href=result.href, snippet=result.body)
        for result in results
        if result.href and result.title
    ]
