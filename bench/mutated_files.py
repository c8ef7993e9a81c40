"""A thousand damaged documents through the reader pool: none may end the run.

    python -m bench.mutated_files            # 1,000 files
    python -m bench.mutated_files --floor    # exits 1 if a figure misses its floor
    python -m bench.mutated_files --kinds .ics .vcf --seed 7   # these alone

Of each kind one whole file is made (Word, PowerPoint, mail, PDF, Excel, EPUB, OpenDocument, RTF, a
calendar, cards, saved pages, a notebook, subtitles, LaTeX) and mutated: some bytes changed, a cut,
or a part of the zip file dropped, cut or given a bad tag. Each mutant is read as `ingest` reads a
local file. Counted are what comes out (a document or one listed error a file), whatever else does,
and the memory of this process and of its readers.
"""

import argparse
import asyncio
import io
import json
import plistlib
import random
import resource
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest.errors import IngestError
from ingest.extract.worker_pool import ReaderPool
from tests import file_samples

FILES = 1_000
MOST_MEGABYTES = 400
TEXT = "The harbour authority reviewed every mooring contract; 港口管理局审查了每份合同。"


def whole_files() -> Mapping[str, bytes]:
    """Return a whole file of each kind, by its suffix."""
    lines = [
        f"Sentence {number} says that the fee of berth {number} is due." for number in range(60)
    ]
    word = file_samples.docx(TEXT, *lines)
    mail = file_samples.eml("Berths", "\n".join(lines)).decode()
    attached = (
        "Subject: Fwd\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"
        f"Content-Type: message/rfc822\n\n{mail}\n--x--\n"
    )
    page = f"<title>Berths</title><h1>Berths</h1><p>{'</p><p>'.join(lines)}</p>"
    resource = {"WebResourceMIMEType": "text/html", "WebResourceData": page.encode()}
    events = "".join(
        f"BEGIN:VEVENT\r\nSUMMARY:{line}\r\nDTSTART:20250612T0930{number:02}Z\r\n"
        "RRULE:FREQ=WEEKLY;BYDAY=MO,-1FR\r\nEND:VEVENT\r\n"
        for number, line in enumerate(lines)
    )
    cards = "".join(
        f"BEGIN:VCARD\r\nN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:=C0=EE;=C3=F4\r\nNOTE:{line}\r\n"
        f"TEL;CELL:1380013800{number}\r\nEND:VCARD\r\n"
        for number, line in enumerate(lines)
    )
    cells = [{"cell_type": "code", "source": [line], "outputs": [{"text": line}]} for line in lines]
    table = " \\\\\n".join(f"{number} & {line}" for number, line in enumerate(lines))
    return {
        ".odt": file_samples.odt(TEXT, *lines),
        ".rtf": (rb"{\rtf1\ansi\ansicpg936 " + "\\par ".join(lines).encode() + b"}"),
        ".ics": f"BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n".encode(),
        ".vcf": cards.encode(),
        ".mhtml": (
            "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\n"
            f"Content-Type: text/html\n\n{page}\n--x--\n"
        ).encode(),
        ".webarchive": plistlib.dumps({"WebMainResource": resource}, fmt=plistlib.FMT_BINARY),
        ".ipynb": json.dumps({"cells": cells}).encode(),
        ".vtt": (
            "WEBVTT\n\n" + "\n\n".join(f"00:01.000 --> 00:04.000\n<v A>{line}" for line in lines)
        ).encode(),
        ".tex": (
            f"\\documentclass{{a}}\\begin{{document}}\\section{{x}}{TEXT}\n"
            f"\\begin{{tabular}}{{ll}}{table}\\end{{tabular}}\\end{{document}}"
        ).encode(),
        ".docx": word,
        ".pptx": file_samples.pptx("Berths", "\n".join(lines)),
        ".eml": attached.encode(),
        ".pdf": file_samples.pdf(*lines[:40]),
        ".xlsx": file_samples.xlsx(*lines),
        ".epub": file_samples.epub("Berths", " ".join(lines)),
    }


def mutate(body: bytes, chance: random.Random) -> bytes:
    """Return a damaged copy of a file."""
    way = chance.choice(["bytes", "bytes", "cut", "part"])
    if way == "part" and body.startswith(b"PK"):
        return _without_part(body, chance)
    if way == "cut":
        return body[: chance.randrange(1, len(body))]
    damaged = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def _without_part(body: bytes, chance: random.Random) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as whole, zipfile.ZipFile(written, "w") as damaged:
        victim = chance.choice(whole.namelist())
        for name in whole.namelist():
            content = whole.read(name)
            if name == victim:
                way = chance.choice(["drop", "cut", "tag"])
                if way == "drop":
                    continue
                place = chance.randrange(len(content) + 1)
                content = content[:place] + (b"" if way == "cut" else b"<bad>" + content[place:])
            damaged.writestr(name, content)
    return written.getvalue()


async def read_all(count: int, *, seed: int, suffixes: Sequence[str] = ()) -> Counter[str]:
    """Return how many mutants of these kinds ended in each way, of all kinds if none is named.

    "escaped" is what may not happen.
    """
    chance = random.Random(seed)
    kinds = {name: body for name, body in whole_files().items() if name in suffixes or not suffixes}
    ends: Counter[str] = Counter()
    pool = ReaderPool(timeout_s=30)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(count):
                suffix = list(kinds)[number % len(kinds)]
                path = Path(folder, f"mutant{suffix}")
                path.write_bytes(mutate(kinds[suffix], chance))
                try:
                    await pool.read_file(path)
                    ends["read"] += 1
                except IngestError as error:
                    ends[f"listed: {error.reason}"] += 1
                except Exception as error:  # noqa: BLE001  that is what is measured
                    ends[f"escaped: {type(error).__name__}"] += 1
    finally:
        await pool.close()
    return ends


def main() -> int:
    """Print how the mutants ended; return 1 with --floor if one ended the run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--kinds", nargs="*", default=(), metavar="SUFFIX")
    arguments = parser.parse_args()
    ends = asyncio.run(read_all(arguments.files, seed=arguments.seed, suffixes=arguments.kinds))
    for end, count in ends.most_common():
        print(f"{count:5} {end}")
    escaped = sum(count for end, count in ends.items() if end.startswith("escaped"))
    usages = {
        who: resource.getrusage(who).ru_maxrss // 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    }
    own, reader = usages.values()
    events = sum(ends.values())
    print(f"{escaped} ended the run (floor 0); {events} events for {arguments.files} files")
    print(f"memory {own} MB here, {reader} MB in the largest reader (floor {MOST_MEGABYTES} MB)")
    holds = not escaped and max(own, reader) <= MOST_MEGABYTES
    return int(arguments.floor and not holds)


if __name__ == "__main__":
    sys.exit(main())
