"""A SearXNG server on the replayed internet: /search?q=&format=json&language=&pageno=."""

import json
from urllib.parse import parse_qsl, urlsplit

from tests.internet.duckduckgo import Index
from tests.internet.net import Internet, Reply, Request

HOST = "searx.test"
PER_PAGE = 10

NO_JSON = Reply(status=403, body="<title>403 Forbidden</title>")
HTML = Reply(body="<!DOCTYPE html><html><body><article class='result'>…</article></body></html>")
LIMITED = Reply(status=429, body="Too Many Requests", headers={"Retry-After": "600"})


class SearXNGSite:
    """Answers searches out of `index`, or with `trouble` if there is one."""

    def __init__(self, index: Index) -> None:
        self.trouble: Reply | None = None
        self.asked: list[dict[str, str]] = []
        """The parameters of every search."""
        self.unresponsive: list[list[str]] = []
        self._index = index

    def install(self, net: Internet, host: str = HOST) -> "SearXNGSite":
        """Take the host's place on `net`."""
        net.route(host, self)
        return self

    def __call__(self, request: Request) -> Reply:
        asked = dict(parse_qsl(urlsplit(request.path).query))
        self.asked.append(asked)
        if self.trouble is not None:
            return self.trouble
        start = (int(asked["pageno"]) - 1) * PER_PAGE
        reply = {
            "query": asked["q"],
            "number_of_results": 0,
            "results": [
                {"url": one.url, "title": one.title, "content": one.snippet, "engine": "bing"}
                for one in list(self._index(asked["q"]))[start : start + PER_PAGE]
            ],
            "answers": [],
            "unresponsive_engines": self.unresponsive,
        }
        return Reply(body=json.dumps(reply), content_type="application/json")
