"""Are awkward answers of the web read right? `python -m bench.web_cases [--floor N] [--all]`.

Runs `assistant read --json` on the inputs of cases/web (beside the data of bench/data.py), which a
replayed internet serves on loopback: raw answers byte for byte, pages under their own address, and
a Chromium for what needs one. Lists what differs from the value that the cases' README names; with
--all also what is right. With --floor it exits 1 if fewer than N are right.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.data import DATA
from tests.internet.net import Internet, Reply, Request

CASES = DATA.parent / "cases" / "web"
SITE_TEXT = "oldest request comes first"
"""Stands in the page to which the raw answers lead."""
SITE = (
    "<!doctype html><html lang=en><head><title>Moorings</title></head><body><article>"
    "<h1>Moorings</h1>"
    + "<p>The harbour office keeps a register of every mooring and prints it each spring.</p>"
    f"<p>A mooring that has not been used for two winters is offered again, and the {SITE_TEXT}."
    "</p></article></body></html>"
)
DEBATABLE = frozenset({"wire-gzip-lie", "wire-ct-unknown", "wire-ct-json", "imgalt-num"})
"""Wishes of the cases' README: listed, and not counted."""
LONGEST_S = 500

_ROW = re.compile(
    r"^\* `(?P<name>[\w.-]+)` \((?P<kind>[^)]*)\) \|(?P<what>.*)\| expected: (?P<right>.*) \| got:",
    re.MULTILINE,
)
_VALUE = re.compile(r"(?:^|; )(?P<rule>has|not|text with) '(?P<text>(?:[^'\\]|\\.)*)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebCase:
    """One input, where it is served, and what must and must not be read."""

    name: str
    url: str
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    title: str
    needs_browser: bool

    def fault(self, found: dict[str, object]) -> str:
        """Return what is wrong with what was read, "" if nothing is."""
        text = f"# {found.get('title') or ''}\n{found.get('text') or ''}"
        if found.get("skipped"):
            return (
                ""
                if self.needs_browser and found["skipped"] != "!!"
                else f"{found['skipped']}: {found['detail']}"
            )
        lost = [value for value in self.wanted if squeezed(value) not in squeezed(text)]
        kept = [value for value in self.unwanted if squeezed(value) in squeezed(text)]
        named = [self.title] if self.title and found.get("title") != self.title else []
        parts = {"lost": lost, "kept": kept, "title is not": named}
        return "; ".join(f"{what} {values}" for what, values in parts.items() if values)


def squeezed(text: str) -> str:
    """Return the text with single spaces, but with its lines."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def unescaped(text: str) -> str:
    """Return a quoted value as it is meant: its line breaks are written as in Python."""
    return text.replace("\\n", "\n").replace("\\'", "'")


def read_cases() -> list[WebCase]:
    """Return the cases that the README describes, in its order."""
    found = []
    for row in _ROW.finditer((CASES / "README.md").read_text("utf-8")):
        name, kind, right = row["name"], row["kind"], row["right"]
        values = [(one["rule"], one["text"]) for one in _VALUE.finditer(right)]
        wanted = [unescaped(text)
                  for rule, text in values if rule != "not"]  # fmt: skip
        unwanted = [unescaped(text)
                    for rule, text in values if rule == "not"]  # fmt: skip
        stem = Path(name).stem
        if name.endswith(".http"):
            path = "/a" if "GET /a" in kind else "/"
            url = f"http://{stem}.test{'/a' if 'robots' in kind else path}"
        else:
            # The path tells them apart where two have one address.
            address = kind.rpartition("; ")[2]
            url = address.replace("site.example", f"{stem}.example")
        title = re.search(r"; title=([^;]+)", right)
        found.append(
            WebCase(
                name=name,
                url=url,
                wanted=tuple(wanted),
                unwanted=tuple(unwanted),
                title=title[1].strip() if title else "",
                needs_browser="needs_browser" in right,
            )
        )
    return found


def serve_raw(net: Internet, case: WebCase, host: str) -> None:
    """Let `host` send the raw answer of a case once, or as long as it leads elsewhere."""
    raw = Reply(raw=(CASES / case.name).read_bytes())
    asked: list[str] = []

    def answer(request: Request) -> Reply | None:
        is_target = request.url == case.url
        if case.name == "wire-rb-badhdr.http":
            return raw if request.path == "/robots.txt" else None
        if case.name == "wire-cookie-back.http" and is_target:
            return None if "seen=1" in request.headers.get("cookie", "") else raw
        if case.name == "wire-503-once.http" and is_target:
            asked.append(request.url)
            return raw if len(asked) == 1 else None
        return raw if is_target else None

    net.route(host, answer)
    net.page(f"http://{host}/check", status=302, location="/a", headers={"Set-Cookie": "seen=1"})
    for path in ("/a", "/site/"):
        net.page(f"http://{host}{path}", SITE)


def read_all(cases: list[WebCase]) -> dict[str, dict[str, object]]:
    """Return what `assistant read --json` makes of each case, by its name."""
    found = {}
    for case in cases:
        net = Internet()
        host = case.url.split("/")[2]
        if case.name.endswith(".http"):
            serve_raw(net, case, host)
        else:
            kind = {".xml": "application/rss+xml", ".json": "application/feed+json"}
            media_type = kind.get(Path(case.name).suffix, "text/html; charset=utf-8")
            net.page(case.url, (CASES / case.name).read_bytes(), content_type=media_type)
        with net.serve(), tempfile.TemporaryDirectory() as home:
            environment = net.env(ASSISTANT_HOME=home, LANG="en")
            command = [sys.executable, "-m", "assistant", "read", "--json", case.url]
            done = subprocess.run(
                command, env=environment, capture_output=True, check=False, timeout=LONGEST_S
            )
        lines = done.stdout.decode().splitlines()
        last = done.stderr.decode().strip()[-200:]
        found[case.name] = json.loads(lines[0]) if lines else {"skipped": "!!", "detail": last}
    return found


def main() -> int:
    """Return 0 if as many cases are right as the floor asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--floor", type=int, default=0, help="cases that must be right")
    parser.add_argument("--all", action="store_true", help="name what is right, too")
    parser.add_argument("--only", default="", help="names that begin so")
    options = parser.parse_args()
    if not CASES.exists():
        print(f"skipped, not here: {CASES}")
        return 0
    cases = [case for case in read_cases() if case.name.startswith(options.only)]
    right = counted = 0
    for name, found in read_all(cases).items():
        case = next(case for case in cases if case.name == name)
        fault = case.fault(found)
        is_wish = Path(name).stem in DEBATABLE
        counted += not is_wish
        right += not is_wish and not fault
        if fault or options.all:
            print(f"{'wish' if is_wish else 'miss' if fault else 'ok'}  {name}: {fault[:160]}")
    print(f"{right} of {counted} right, {len(cases) - counted} wishes not counted")
    return 0 if right >= options.floor else 1


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
