"""`assistant doctor`: each part, its state, and its fix: mostly one exact command."""

import asyncio
import itertools
import json
import shutil
import urllib.request
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import click

from assistant.bootstrap import PROBE_TIMEOUT_S, build_reranker, build_search, ollama_at
from assistant.cli.health import HealthCheck, State, part_name
from assistant.cli.vectors import check_vectors
from assistant.errors import ModelError, RerankError, SearchError
from assistant.search.notices import fallback_notice
from assistant.search.result_pages import HINTS
from assistant.settings import ModelSettings, Settings
from ingest.bootstrap import open_store
from ingest.bulk.progress import pad_to_width
from ingest.encoder_setup import encoder_in_force, encoder_worth
from ingest.errors import FetchError
from ingest.foundation.command_line.cli_runner import print_json
from ingest.foundation.errors import QiuzhengError, SettingsError
from ingest.foundation.messages import (
    NO_MESSAGE,
    SEMICOLON,
    Language,
    Message,
    enumerate_names,
    join_messages,
    printable,
)
from ingest.foundation.server_urls import hide_userinfo
from ingest.index.split import current_chunking
from ingest.model_servers.ollama import with_tag
from ingest.report import count_chunks, count_documents, describe_outdated
from ingest.web.fetch.browser_check import check_browser
from ingest.web.fetch.chromium import OTHER_BROWSER, find_browser
from ingest.web.fetch.upstream_proxy import DEFAULT_PORTS

PART_COLUMNS = 17
"""Columns of a terminal for the name of a part."""
LOW_DISK_BYTES = 500_000_000
"""A thousand pages take about 50 MB; the built-in encoder takes 180."""

PROXY_S = 2.0
"""Seconds that a proxy may take to accept a connection."""

_PROXIED = frozenset({"http", "https", "all"})

_MARKS: Final[dict[State, tuple[str, str]]] = {
    "ok": ("✓", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✗", "red"),
}


_NETWORK = Message("check the network and HTTPS_PROXY")
_FIX_PROXY = Message(
    "start it, or: export HTTP_PROXY=http://host:port HTTPS_PROXY=http://host:port; without "
    "a proxy: unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy"
)
_EMPTY = Message(
    "the engine may be turning us away for a while: try again in a few minutes; or "
    "search.exclude and search.region leave nothing over"
)


async def examine(settings: Settings) -> list[HealthCheck]:
    """Look at every part, side by side, and return what was found."""
    # The index first: whether a search that fails is fatal depends on what it holds.
    index, documents, space = await check_stored_index(settings)
    groups = await asyncio.gather(
        check_models(settings),
        check_encoders(settings, space=space),
        check_chromium(settings),
        check_search(settings, documents=documents),
        asyncio.to_thread(check_disk, settings),
        check_proxies(),
        asyncio.to_thread(check_reranker, settings),
    )
    return [check for group in (*groups[:4], [index], *groups[4:]) for check in group]


def report(checks: list[HealthCheck], *, language: Language, as_json: bool) -> None:
    """Write the findings to stdout, for people or for pipes."""
    if as_json:
        rows = [
            {
                "part": check.part,
                "state": check.state,
                "found": check.found.localize(language),
                "mend": check.fix.localize(language),  # the key that scripts know
            }
            for check in checks
        ]
        print_json(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for check in checks:
        mark, colour = _MARKS[check.state]
        click.secho(f"{mark} ", fg=colour, nl=False)
        part = pad_to_width(part_name(check.part).localize(language), PART_COLUMNS)
        click.echo(printable(f"{part}{check.found.localize(language)}"))
        if check.fix:
            click.secho(printable(f"    {check.fix.localize(language)}"), dim=True)


async def check_models(settings: Settings) -> list[HealthCheck]:
    """Return the chat model, the embedding model, and each Ollama that is to serve them."""
    model, embed = settings.model, settings.embed
    checks: list[HealthCheck] = []
    wanted: dict[str, list[tuple[str, str]]] = {}
    if model.asks_ollama:
        wanted[model.host] = [("chat model", model.name)]
    else:
        found = Message("quotes from the pages (model.provider)")
        if model.provider != "extractive":
            host = hide_userinfo(model.host)
            found = Message("{provider} API at {host}", provider=model.provider, host=host)
        checks.append(HealthCheck(part="chat model", state="ok", found=found))
    if embed.provider == "ollama" or (embed.provider == "auto" and model.asks_ollama):
        wanted.setdefault(embed.host, []).append(("embed model", embed.model))
    groups = await asyncio.gather(*(check_ollama(model, *each) for each in wanted.items()))
    return [*checks, *itertools.chain.from_iterable(groups)]


async def check_ollama(
    settings: ModelSettings, host: str, wanted: Sequence[tuple[str, str]]
) -> list[HealthCheck]:
    """Return the Ollama at `host` and whether it has the models wanted: (part, name)."""
    server = ollama_at(settings.model_copy(update={"host": host}), timeout_s=PROBE_TIMEOUT_S)
    try:
        installed = await server.installed()
    except ModelError as error:
        start = Message.verbatim("ollama serve") if error.kind == "unreachable" else error.hint
        return [HealthCheck(part="ollama", state="warn", found=error.message, fix=start)]
    finally:
        await server.close()
    checks = [HealthCheck(part="ollama", state="ok", found=Message("at {host}", host=host))]
    for part, name in wanted:
        if with_tag(name) in installed:
            checks.append(HealthCheck(part=part, state="ok", found=Message.verbatim(name)))
        else:
            found = Message("{name} is not pulled", name=name)
            fix = Message.verbatim(f"ollama pull {name}")
            checks.append(HealthCheck(part=part, state="warn", found=found, fix=fix))
    return checks


async def check_encoders(settings: Settings, *, space: str) -> list[HealthCheck]:
    """Return whether the built-in encoder is there, and what comes of the one in force."""
    name = await asyncio.to_thread(encoder_in_force, settings, space=space)
    if name:
        shares = encoder_worth(settings, name).items()
        measured = enumerate_names(f"{pair} {share:.2f}" for pair, share in shares)
        found = Message.verbatim(name)
        if measured:
            found = Message("{name} (right on our sample: {shares})", name=name, shares=measured)
        builtin = HealthCheck(part="encoder", state="ok", found=found)
    elif settings.embed.provider in ("ollama", "none"):
        return await check_vectors(settings)  # `setup` fetches none for them either
    else:
        builtin = HealthCheck(
            part="encoder",
            state="warn",
            found=Message(
                "the built-in encoder has no weights: without Ollama, words alone find passages"
            ),
            fix=Message.verbatim("assistant setup"),
        )
    return [builtin, *await check_vectors(settings)]


def check_reranker(settings: Settings) -> list[HealthCheck]:
    """Load the cross-encoder, if one is named: that its files are there says little."""
    reranker = build_reranker(settings.answer)
    if reranker is None:
        return []
    try:
        reranker.preload()
    except RerankError as error:
        return [HealthCheck(part="reranker", state="warn", found=error.message, fix=error.hint)]
    found = Message(
        "{name}, {budget} ms a question", name=reranker.name, budget=settings.answer.reranker_budget
    )
    return [HealthCheck(part="reranker", state="ok", found=found)]


async def check_chromium(settings: Settings) -> list[HealthCheck]:
    """Open a page of our own in Chromium: that a file is there says nothing of what it can do."""
    crawl = settings.crawl
    if crawl.browser == "never":
        off = Message("switched off (crawl.browser)")
        return [HealthCheck(part="browser", state="ok", found=off)]
    path = crawl.browser_path or find_browser()
    if path is None:
        found = Message("no {what}: pages made by scripts are skipped", what="Chromium")
        fix = Message.verbatim("apt-get install chromium")
        return [HealthCheck(part="browser", state="warn", found=found, fix=fix)]
    try:
        await check_browser(path, user_agent=crawl.user_agent)
    except FetchError as error:
        found = Message("no page opens in {path}: {detail}", path=path, detail=error.message)
        fix = error.hint or OTHER_BROWSER
        return [HealthCheck(part="browser", state="warn", found=found, fix=fix)]
    return [HealthCheck(part="browser", state="ok", found=Message.verbatim(path))]


async def check_search(settings: Settings, *, documents: int) -> list[HealthCheck]:
    """Ask the engine one harmless question. Without it, an empty index cannot answer anything."""
    without: State = "warn" if documents else "fail"
    try:
        engine = build_search(settings)
        reply = await engine.search("weather", limit=1, language="en")
    except SettingsError as error:
        return [HealthCheck(part="search", state=without, found=error.message, fix=error.hint)]
    except SearchError as error:
        # The hint of a search sends people here; an engine's own (a key, a server) is better.
        fix = _NETWORK if error.hint == HINTS["unreachable"] else error.hint
        return [HealthCheck(part="search", state=without, found=error.message, fix=fix)]
    name = reply.engine
    if not reply.hits:
        empty = Message("{name} answers, but finds nothing", name=name)
        return [HealthCheck(part="search", state="warn", found=empty, fix=_EMPTY)]
    if other := fallback_notice(reply):
        return [HealthCheck(part="search", state="warn", found=other)]
    return [HealthCheck(part="search", state="ok", found=Message("{name} answers", name=name))]


async def check_stored_index(settings: Settings) -> tuple[HealthCheck, int, str]:
    """Return the state of the index, how many documents it holds, and of which vector space."""
    try:
        async with open_store(settings) as store:
            stats = await store.stats()
            chunk = settings.chunk
            outdated = await store.count_outdated(
                current_chunking(size=chunk.size, overlap=chunk.overlap)
            )
    except QiuzhengError as error:
        return HealthCheck(part="index", state="fail", found=error.message, fix=error.hint), 0, ""
    where = settings.index.path
    rest = NO_MESSAGE
    if stats.embedded < stats.chunks:
        rest = Message(" (the rest is found by words)")
    found = Message(
        "{pages}, {chunks}, {embedded} with vectors{rest}, in {folder}",
        pages=count_documents(stats.documents),
        chunks=count_chunks(stats.chunks),
        embedded=stats.embedded,
        rest=rest,
        folder=where,
    )
    if outdated:
        found = join_messages([found, describe_outdated(outdated)], SEMICOLON)
    return HealthCheck(part="index", state="ok", found=found), stats.documents, stats.space


def check_disk(settings: Settings) -> list[HealthCheck]:
    """Return how much space is free on the disk of the index."""
    folder = settings.index.path
    # Before the first use the folder is not there yet; its disk is that of the nearest parent.
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = Message("{free:.1f} GB free", free=free / 1000000000.0)
    return [HealthCheck(part="disk", state="ok" if free > LOW_DISK_BYTES else "warn", found=found)]


async def check_proxies() -> list[HealthCheck]:
    """Return whether the proxies of the environment answer, each tried once."""
    proxies = urllib.request.getproxies()
    named = ", ".join(
        f"{scheme} {_without_password(url)}"
        for scheme, url in sorted(proxies.items())
        if scheme in _PROXIED
    )
    found = Message.verbatim(named) if named else Message("none")
    if named and proxies.get("no"):
        found = Message("{proxies}; none for {hosts}", proxies=named, hosts=proxies["no"])
    tried = sorted({url for scheme, url in proxies.items() if scheme in _PROXIED})
    wrong = [check for check in await asyncio.gather(*map(check_proxy, tried)) if check is not None]
    return wrong or [HealthCheck(part="proxy", state="ok", found=found)]


async def check_proxy(proxy: str) -> HealthCheck | None:
    """Return what is wrong with a proxy, None if a connection to it can be made."""
    address = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    named = _without_password(proxy)
    if address.scheme not in DEFAULT_PORTS or not address.hostname:
        known = ", ".join(f"{scheme}://" for scheme in DEFAULT_PORTS)
        found = Message("{named} is none of {known}", named=named, known=known)
        return HealthCheck(part="proxy", state="warn", found=found, fix=_FIX_PROXY)
    try:
        # A connection is enough: a request through it would tell a third party that we are here.
        async with asyncio.timeout(PROXY_S):
            _, writer = await asyncio.open_connection(
                address.hostname, address.port or DEFAULT_PORTS[address.scheme]
            )
    except (OSError, ValueError):  # TimeoutError among them; a port that is none
        found = Message("{named} does not answer", named=named)
        return HealthCheck(part="proxy", state="warn", found=found, fix=_FIX_PROXY)
    writer.close()
    return None


def _without_password(proxy: str) -> str:
    return proxy.rpartition("@")[2]  # user:password stands before the last @
