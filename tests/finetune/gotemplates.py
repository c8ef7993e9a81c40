"""Go's own text/template, which executes the TEMPLATE of an Ollama model."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a template makes of messages, and the tags that Ollama would find around a thought."""

    text: str
    open: str
    close: str


@dataclass(frozen=True, slots=True)
class GoTemplates:
    """The compiled renderer."""

    program: Path

    def render(
        self, template: str, cases: Sequence[tuple[Sequence[dict[str, str]], bool | None]]
    ) -> list[Rendered]:
        """Return one text for each conversation and its `think`, None for one that is not set."""
        asked = [
            {"Template": template, "Messages": messages, "Think": think}
            for messages, think in cases
        ]
        done = subprocess.run(
            [self.program], input=json.dumps(asked).encode(), stdout=subprocess.PIPE, check=True
        )
        return [Rendered(**one) for one in json.loads(done.stdout)]


def build_go_templates(folder: Path) -> GoTemplates:
    """Compile the renderer into `folder`; nothing is downloaded."""
    go = shutil.which("go")
    assert go is not None, "apt-get install golang-go"
    program = folder / "render"
    surroundings = {
        **os.environ,
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(folder / "path"),
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOFLAGS": "",
    }
    sources = [str(path) for path in sorted(SOURCES.glob("*.go"))]
    subprocess.run([go, "build", "-o", program, *sources], check=True, env=surroundings)
    return GoTemplates(program)
