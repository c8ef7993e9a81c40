"""Robots rules read right: `python -m bench.robots [--floor 1.0] [CASES.json …]`.

Runs cases of google/robotstxt (`robots`, `agent`, `url`, `allowed`) against our verdict, and
urllib.robotparser beside it. Exits 1 when our share falls below the floor.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.robotparser import RobotFileParser

from bench.data import DATA
from ingest.web.robots_parser import robots_verdict

CASES = DATA / "robots" / "cases.json"


def urllib_allows(case: dict[str, Any]) -> bool:
    parser = RobotFileParser()
    parser.parse(case["robots"].splitlines())
    return parser.can_fetch(case["agent"], case["url"])


def run(cases: list[dict[str, Any]]) -> float:
    right = urllib_right = 0
    for case in cases:
        ours = robots_verdict(case["robots"], case["agent"], case["url"])
        urllib_right += urllib_allows(case) == case["allowed"]
        if ours.allowed == case["allowed"]:
            right += 1
            continue
        wanted = "allowed" if case["allowed"] else "disallowed"
        print(
            f"miss  {case['test']}: {case['agent']} {case['url']} should be {wanted}: {ours.rule}"
        )
        print("      " + case["robots"].replace("\n", "\n      ").rstrip())
    print(
        f"{len(cases)} cases  ours {right / len(cases):.3f}  urllib {urllib_right / len(cases):.3f}"
    )
    return right / len(cases)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, default=[CASES])
    parser.add_argument("--floor", type=float, default=0.0, help="share that must be right")
    options = parser.parse_args()
    missing = [str(file) for file in options.files if not file.exists()]
    if missing:
        print(f"skipped, not here: {', '.join(missing)}")
        return 0
    cases = [case for file in options.files for case in json.loads(file.read_text("utf-8"))]
    return 0 if run(cases) >= options.floor else 1


if __name__ == "__main__":
    sys.exit(main())
