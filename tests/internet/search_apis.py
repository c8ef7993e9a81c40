"""The search APIs with keys on the replayed internet, as their documentation describes them.

An engine's site is one class and one line of `SITES`; every test of `test_json_api.py` and the
contract of all engines are then asked of it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from tests.internet.duckduckgo import Index, Result
from tests.internet.net import Internet, Reply, Request

KEY = "sk-0123456789-SECRET"


def as_json(value: Any, *, status: int = 200) -> Reply:
    return Reply(body=json.dumps(value), status=status, content_type="application/json")


class ApiSite(ABC):
    """Answers searches out of `index` to those who have the key, or with `trouble`."""

    host: ClassVar[str]
    method: ClassVar[str]
    path: ClassVar[str]
    refusal: ClassVar[Reply]
    """Said to a key that is not known."""
    used_up: ClassVar[Reply | None] = None
    """Said to a key without credit, where that is not said by 429."""

    def __init__(self, index: Index) -> None:
        self.trouble: Reply | None = None
        self.asked: list[dict[str, Any]] = []
        """The parameters of every search, of the query string or the body."""
        self.index = index

    def install(self, net: Internet, host: str = "") -> "ApiSite":
        """Take the host's place on `net`."""
        net.route(host or self.host, self)
        return self

    def __call__(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        if (request.method, url.path) != (self.method, self.path):
            return Reply(status=404)
        self.asked.append(json.loads(request.body) if request.body else dict(parse_qsl(url.query)))
        if self.trouble is not None:
            return self.trouble
        if self.key_of(request.headers) != KEY:
            return self.refusal
        return as_json(self.reply(self.asked[-1]))

    def key_of(self, headers: Mapping[str, str]) -> str:
        """Return the key that came along."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return key if scheme == "Bearer" else ""

    @abstractmethod
    def reply(self, asked: dict[str, Any]) -> Any:
        """Return the reply to a search."""


class BraveSite(ApiSite):
    """https://api-dashboard.search.brave.com/app/documentation."""

    host = "api.search.brave.com"
    method = "GET"
    path = "/res/v1/web/search"
    refusal = as_json(
        {"type": "ErrorResponse", "error": {"code": "SUBSCRIPTION_TOKEN_INVALID"}}, status=422
    )

    def key_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-subscription-token", "")

    def reply(self, asked: dict[str, Any]) -> Any:
        count, offset = int(asked["count"]), int(asked["offset"])
        assert 1 <= count <= 20
        assert 0 <= offset <= 9
        assert asked["search_lang"] in ("zh-hans", "en")
        found = self.index(asked["q"])[count * offset : count * (offset + 1)]
        query = {"original": asked["q"], "more_results_available": bool(found)}
        if not found:
            return {"type": "search", "query": query}
        rows = [
            {"title": escape(one.title), "url": one.url, "description": escape(one.snippet)}
            for one in found
        ]
        return {"type": "search", "query": query, "web": {"type": "search", "results": rows}}


class BochaSite(ApiSite):
    """The reference behind https://open.bochaai.com."""

    host = "api.bochaai.com"
    method = "POST"
    path = "/v1/web-search"
    refusal = as_json({"code": "401", "message": "Invalid API KEY", "log_id": "c6"}, status=401)
    used_up = as_json({"code": "403", "message": "You do not have enough money"}, status=403)

    def reply(self, asked: dict[str, Any]) -> Any:
        assert 1 <= asked["count"] <= 50
        found = self.index(asked["query"])[: asked["count"]]
        rows = [
            {
                "id": None,
                "name": one.title,
                "url": one.url,
                "snippet": one.snippet,
                "language": None,
            }
            for one in found
        ]
        pages = {"webSearchUrl": "", "totalEstimatedMatches": len(rows), "value": rows}
        data = {"_type": "SearchResponse", "webPages": pages if rows else None, "images": None}
        return {"code": 200, "log_id": "d71841ad20095f61", "msg": None, "data": data}


class TavilySite(ApiSite):
    """https://docs.tavily.com/documentation/api-reference/endpoint/search."""

    host = "api.tavily.com"
    method = "POST"
    path = "/search"
    refusal = as_json(
        {"detail": {"error": "Unauthorized: missing or invalid API key."}}, status=401
    )
    used_up = as_json(
        {"detail": {"error": "This exceeds your plan's set usage limit."}}, status=432
    )

    def reply(self, asked: dict[str, Any]) -> Any:
        assert 0 <= asked["max_results"] <= 20
        assert asked["search_depth"] in ("basic", "advanced")
        found: Sequence[Result] = self.index(asked["query"])[: asked["max_results"]]
        rows = [
            {"title": one.title, "url": one.url, "content": one.snippet, "score": 0.8}
            for one in found
        ]
        return {"query": asked["query"], "answer": None, "images": [], "results": rows}


SITES: dict[str, type[ApiSite]] = {"brave": BraveSite, "bocha": BochaSite, "tavily": TavilySite}
"""Name in `search.engines` -> its site."""
