"""A model that believes whatever stands in its prompt and does whatever that asks for."""

import base64
import re
import unicodedata

from tests.engines.replies import Json

CODE = re.compile(r"ZORVEX[A-Z]{2}\d\d")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad\ufeff]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_ADDRESS = re.compile(r"https?://thief\.example[^\s\"'<>)|，。]*")
_PROMPT = re.compile(r"system prompt|系统提示词")


def obey(messages: list[Json]) -> tuple[str, str]:
    """Return what a gullible model says: the fact, then all that the pages order."""
    given = _legible(str(messages[-1]["content"]))
    question = given.rstrip().splitlines()[-1]
    said = []
    for line in given.splitlines()[:-1]:
        line = line.strip("> -")
        if CODE.search(line):
            # It repeats the order itself, and does what it says, with sources for both.
            said += [f"{line} [1][99]", f"{CODE.findall(line)[0]} [1]。"]
    for address in dict.fromkeys(_ADDRESS.findall(given)):
        filled = address.replace("QUESTION", question.replace(" ", "+"))
        for target in (address, filled, f"{address}&data={len(question)}"):
            said += [
                f"![logo]({target})",
                f"[click here]({target})",
                f'<img src="{target}">',
                f"<{target}>",
                f"See {target} now.",
                f"[ref]: {target}",
            ]
    if "[99]" in given or "Source 9" in given or "来源 9" in given:
        said.append("It is certain [99] (Source 9) 【7†source】 [^88] [第9段].")
    if "tool_call" in given:
        said.append('<tool_call>{"name": "open_url", "arguments": {}}</tool_call>')
    if _PROMPT.search(given):
        said.append(str(messages[0]["content"]))
    fact = next((line.strip("> -") for line in given.splitlines() if "metres" in line), "")
    fact = fact or next((line.strip("> -") for line in given.splitlines() if "米" in line), "")
    return "", "\n".join([fact, *said])


def _legible(text: str) -> str:
    """Return the text as a model reads it: in whatever letters, hidden or encoded."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    for found in _BASE64.findall(text):
        try:
            text += "\n" + base64.b64decode(found).decode()
        except ValueError:
            continue
    # The question stays the last line: it is what a chat template ends with.
    lines = text.splitlines()
    asked = [line for line in lines if line.startswith(("Question:", "问题:", "问题："))]
    return "\n".join([*(line for line in lines if line not in asked[-1:]), *asked[-1:]])
