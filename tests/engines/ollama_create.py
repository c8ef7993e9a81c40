"""The half of Ollama's API that makes models: blobs, create, and what the made ones then say.

    with CreatingOllama(answer="Land at once.") as server:
        ...
        server.created["drone-r1:latest"].body["template"]

Strict where Ollama is: a blob must have its digest, a body only keys that /api/create knows, a file
must have been uploaded and be GGUF, parameters must be known ones. Prompts are rendered with the
Jinja template inside the uploaded GGUF. Texts follow Ollama 0.33 (server/create.go, routes.go).
"""

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import jinja2

from tests.engines.ollama_server import CREATED, Handler, OllamaServer, full_name
from tests.engines.replies import Json, message

KNOWN = {
    "model", "stream", "quantize", "from", "files", "adapters", "template", "license", "system",
    "parameters", "messages", "info", "renderer", "parser", "requires",
}  # fmt: skip
PARAMETERS = {"stop": list, "num_ctx": int, "temperature": float, "top_p": float, "seed": int}
QUANTIZATIONS = {"Q8_0", "Q4_K_S", "Q4_K_M", "F16", "BF16"}


@dataclass(frozen=True, kw_only=True)
class Created:
    """A model that somebody made, with the body that asked for it and its GGUF's metadata."""

    body: Json
    fields: Json


@dataclass(kw_only=True)
class CreatingOllama(OllamaServer):
    """A server on which models can be made."""

    version: str = "0.33.0"
    refusal: str = ""
    """What /api/create says instead of "success"."""
    renders: bool = True
    """Whether it knows `_debug_render_only`."""
    template_kept: bool = True
    """Whether it serves the model with the TEMPLATE that it was given."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: int = 0
    created: dict[str, Created] = field(default_factory=dict)

    @property
    def handler(self) -> type[Handler]:
        return CreatingHandler


class CreatingHandler(Handler):
    """Answers what has to do with made models; all else as before."""

    fake: CreatingOllama

    def do_HEAD(self) -> None:  # noqa: N802  the base's name
        if self.path.startswith("/api/blobs/"):
            self.send_whole(200 if self.path.rpartition("/")[2] in self.fake.blobs else 404, b"")
        else:
            super().do_HEAD()

    def do_POST(self) -> None:  # noqa: N802  the base's name
        if not self.path.startswith("/api/blobs/"):
            super().do_POST()
            return
        body = self._body()
        digest = self.path.rpartition("/")[2]
        if digest != f"sha256:{hashlib.sha256(body).hexdigest()}":
            self.send_json(400, {"error": "digest mismatch"})
            return
        self.fake.blobs[digest] = body
        self.fake.uploads += 1
        self.send_whole(201, b"")

    def _body(self) -> bytes:
        """Return what was sent, in chunks or in one piece."""
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _route(self, path: str, body: Json, failure: Any) -> None:
        made = self.fake.created.get(full_name(str(body.get("model") or "")))
        if path == "/api/version":
            self.send_json(200, {"version": self.fake.version})
        elif path == "/api/create":
            self._create(body)
        elif path == "/api/show" and made:
            self.send_json(200, self._shown_made(made))
        elif path == "/api/chat" and made and body.get("_debug_render_only") and self.fake.renders:
            self.send_json(200, {"model": body["model"], "_debug_info": self._rendered(made, body)})
        elif path == "/api/chat" and made and body.get("stream") is False:
            self.send_json(200, self._replied(body))
        else:
            super()._route(path, body, failure)

    def _create(self, body: Json) -> None:
        if complaint := self._complaint(body):
            self.send_json(400, {"error": complaint})
            return
        if self.fake.refusal:
            self._lines([{"status": "parsing GGUF"}, {"error": self.fake.refusal}])
            return
        name = full_name(body["model"])
        digest = next(iter(body["files"].values()))
        self.fake.created[name] = Created(body=body, fields=_fields(self.fake.blobs[digest]))
        self.fake.models.append(name)
        steps = ["parsing GGUF", "using existing layer", "writing manifest", "success"]
        self._lines([{"status": status} for status in steps])

    def _complaint(self, body: Json) -> str:
        """Return what Ollama would say against a body, "" if it is well-formed."""
        if unknown := set(body) - KNOWN:
            return f"unknown field {sorted(unknown)[0]}"
        if not body.get("files"):
            return "neither 'from' or 'files' was specified"
        for digest in body["files"].values():
            if not self.fake.blobs.get(digest, b"").startswith(b"GGUF"):
                return f"blob {digest} is not there, or no GGUF"
        quantize = body.get("quantize")
        if quantize is not None and quantize.upper() not in QUANTIZATIONS:
            return f"unsupported quantization type {quantize}"
        for name, value in body.get("parameters", {}).items():
            if name not in PARAMETERS or not isinstance(value, PARAMETERS[name]):
                return f"invalid option '{name}'"
        return ""

    def _shown_made(self, made: Created) -> Json:
        template = str(made.body["template"]) if self.fake.template_kept else "{{ .Prompt }}"
        thinks = ".Thinking" in template or "</think>" in str(
            made.fields["tokenizer.chat_template"]
        )
        lines = [
            f'{name:<30} "{one}"' if isinstance(one, str) else f"{name:<30} {one:g}"
            for name, value in made.body["parameters"].items()
            for one in (value if isinstance(value, list) else [value])
        ]
        return {
            "template": template,
            "parameters": "\n".join(lines),
            "capabilities": ["completion", *(["thinking"] if thinks and self.fake.capable else [])],
            "model_info": {"general.architecture": made.fields["general.architecture"]},
        }

    def _replied(self, body: Json) -> Json:
        thinking, text = self.fake.reply(body["messages"])
        ending = {"done": True, "done_reason": self.fake.done_reason, "created_at": CREATED}
        return {"model": body["model"], "message": message(thinking, text), **ending}

    def _rendered(self, made: Created, body: Json) -> Json:
        messages = body["messages"]
        if messages[0]["role"] != "system" and made.body.get("system"):
            messages = [{"role": "system", "content": made.body["system"]}, *messages]
        template = jinja2.Environment(autoescape=False).from_string(
            made.fields["tokenizer.chat_template"]
        )
        think = body.get("think", True)
        text = template.render(messages=messages, add_generation_prompt=True, enable_thinking=think)
        number = made.fields.get("tokenizer.ggml.bos_token_id")
        bos = "" if number is None else made.fields["tokenizer.ggml.tokens"][number]
        return {"rendered_template": text.removeprefix(bos)}


def _fields(blob: bytes) -> Json:
    """Return the metadata of a GGUF file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        path.write_bytes(blob)
        reader = gguf.GGUFReader(path)
        return {name: field.contents() for name, field in reader.fields.items()}
