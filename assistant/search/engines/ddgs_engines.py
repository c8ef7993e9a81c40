"""The text engines of ddgs by name, as the installed ddgs has them: Mojeek, Brave and more.

ddgs knows their forms and reads their pages; each failure gets its kind here.
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

from assistant.search.ddgs_client import (
    InstrumentedEngine,
    map_error,
    region_of,
    run_in_daemon_thread,
)
from assistant.search.result_pages import (
    SILENT,
    WANTS_A_HUMAN,
    EngineFailure,
    ResultRow,
    collect,
    shorten_query,
)
from assistant.values import SearchHit
from ingest.foundation.messages import Language, Message

_CAPTCHA_TEXT = re.compile(
    r"captcha|automated (?:queries|requests)|unusual traffic|are you a robot|not a robot", re.I
)
"""In pages that want to see a human, whatever their status."""

_UNREADABLE = Message("ddgs cannot read its page")


def installed_engines() -> tuple[str, ...]:
    """Return the names of the text engines that the installed ddgs has and has not disabled."""
    return tuple(sorted(ENGINES.get("text", {})))


class DdgsEngine:
    """Asks one engine of ddgs, one page after the other, until there are enough hits."""

    def __init__(self, name: str, *, exclude: Collection[str] = ()) -> None:
        """Ask the engine of this name in `installed_engines`; leave out the sites in `exclude`."""
        self._engine: type[BaseSearchEngine[Any]] = ENGINES["text"][name]
        self._exclude = tuple(exclude)

    @property
    def name(self) -> str:
        """The engine's name as ddgs writes it: "Mojeek"."""
        return self._engine.__name__

    async def search(
        self, query: str, *, limit: int, language: Language, timeout_s: float
    ) -> list[SearchHit]:
        """Return at most `limit` hits; see `SearchEngine.search`."""
        words = shorten_query(query)
        if not words or limit <= 0:
            return []
        return await collect(
            self._pages(words, region_of(language), timeout_s),
            engine=self.name,
            limit=limit,
            exclude=self._exclude,
            timeout_s=timeout_s,
        )

    async def _pages(
        self, words: str, region: str, timeout_s: float
    ) -> AsyncGenerator[list[ResultRow], None]:
        instrumented: Any = type(self.name, (InstrumentedEngine, self._engine), {})
        # Building one blocks, too: its TLS client loads the trusted roots.
        engine = await run_in_daemon_thread(partial(instrumented, timeout_s=timeout_s))
        for page in itertools.count(1):
            yield await run_in_daemon_thread(partial(fetch_rows, engine, words, region, page))


def fetch_rows(engine: InstrumentedEngine, words: str, region: str, page: int) -> list[ResultRow]:
    """Return the results of page 1, 2…, [] beyond the last, or raise `EngineFailure`."""
    try:
        results = engine.search(words, region=region, page=page) or []
    # Engines make requests besides their form (a token, an extract), past our `request`.
    except TimeoutException as error:
        raise EngineFailure("timeout", SILENT) from error
    except DDGSException as error:
        raise map_error(error.__cause__) from error
    except lxml.etree.ParserError:  # an empty page
        results = []
    # ddgs checks nothing of what it reads: `json["results"][0]` fails as Python has it.
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise EngineFailure("failed", _UNREADABLE) from error
    # Only where there are no results: a page about captchas is a result like others.
    if not results and _CAPTCHA_TEXT.search(engine.page_text):
        raise EngineFailure("rate_limited", WANTS_A_HUMAN)
    return [
        ResultRow(title=result.title, href=result.href, snippet=result.body)
        for result in results
        if result.href and result.title
    ]
