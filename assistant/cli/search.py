"""`assistant search`: the hits of a web search, for people or as lines of JSON."""

import dataclasses
import json
from contextlib import closing

import click

from assistant.bootstrap import build_search
from assistant.errors import QuestionError
from assistant.search.notices import fallback_notice, source_notice
from assistant.settings import load_settings
from ingest.bootstrap import open_cache
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.messages import Language, Message
from ingest.report import printable


async def print_results(query: str, *, limit: int | None, as_json: bool, language: Language) -> int:
    """Search once, write each hit to stdout, and return 1 if there is none."""
    if not query:
        hint = Message('search for something: assistant search "…"')
        raise QuestionError(Message("the query is empty"), hint=hint)
    settings = load_settings({"search": {"limit": limit}} if limit else {})
    with closing(open_cache(settings)) as cache:
        engine = build_search(settings, cache=cache)
        reply = await engine.search(query, limit=settings.search.limit, language=language)
    hits = reply.hits
    for hit in hits:
        if as_json:
            print_json(json.dumps(dataclasses.asdict(hit), ensure_ascii=False))
        else:
            click.echo(printable(f"{hit.rank}. {hit.title}\n   {hit.url}\n   {hit.snippet}"))
    if not hits:
        click.echo(Message("no results").localize(language), err=True)
    click.echo((fallback_notice(reply) or source_notice(reply)).localize(language), err=True)
    return 0 if hits else 1
