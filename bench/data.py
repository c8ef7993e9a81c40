"""Where the data lies that the benches read and that is not part of this repository."""

import os
from pathlib import Path

DATA = Path(os.environ.get("QIUZHENG_BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
"""Holds articles/, retrieval/ and robots/. Without it the benches that read it are left out."""
