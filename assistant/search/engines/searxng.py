"""SearXNG, a metasearch server of one's own, by its JSON API.

https://docs.searxng.org/dev/search_api.html: GET /search?q=&format=json&language=&pageno=.
The format is switched off where `search.formats` of its settings.yml does not name it; the server
then answers 403. Its address may be private: the user has named it.
"""

import itertools
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from assistant.search.json_api import NOT_JSON, ApiRequest, JsonEngine, result_objects, result_row
from assistant.search.result_pages import EngineFailure, ResultRow
from ingest.foundation.about import PRODUCT
from ingest.foundation.messages import Language, Message

_ENABLE_JSON = Message(
    "enable it in the server's settings.yml, then restart it: search.formats: [html, json]"
)


class SearXNG(JsonEngine):
    """Asks one SearXNG server."""

    path = "/search"

    def __init__(
        self, *, url: str, exclude: Collection[str] = (), user_agent: str = PRODUCT
    ) -> None:
        """Ask the server at `url`, "http://" if left out; leave out the sites in `exclude`."""
        super().__init__(
            url=url if "://" in url else f"http://{url}",
            url_setting="search.searxng_url",
            exclude=exclude,
            user_agent=user_agent,
        )
        # Without name and password, which a URL may carry in front of "@".
        self.name = f"SearXNG ({urlsplit(self._url).netloc.rpartition('@')[2]})"

    def requests(self, query: str, language: Language) -> Iterator[ApiRequest]:
        """Yield the request for page 1, 2… without end; the last page is followed by empty ones."""
        for page in itertools.count(1):
            yield ApiRequest(
                params={"q": query, "format": "json", "language": language, "pageno": str(page)}
            )

    def parse_rows(self, reply: Any) -> list[ResultRow]:
        """Return the rows of a reply; without any, raise if the engines behind it were silent."""
        rows = [
            result_row(url=one.get("url"), title=one.get("title"), snippet=one.get("content"))
            for one in result_objects(reply["results"], required="url")
        ]
        silent = reply.get("unresponsive_engines")
        if not rows and silent and isinstance(silent, list):
            # Pairs of name and reason, e.g. ["google", "CAPTCHA"].
            names = (str(pair[0] if isinstance(pair, list) and pair else pair) for pair in silent)
            detail = Message("no answer from its engines: {names}", names=", ".join(names))
            raise EngineFailure("failed", detail)
        return rows

    def explain_status(self, status: int, body: bytes) -> EngineFailure:
        """Return what a status other than 200 means: by 403 it says that JSON is switched off."""
        return self.explain_format() if status == 403 else super().explain_status(status, body)

    def explain_format(self) -> EngineFailure:
        """Return how JSON is switched on: without it, the server answers with its HTML page."""
        return EngineFailure("misconfigured", NOT_JSON, hint=_ENABLE_JSON)
