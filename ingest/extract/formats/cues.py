"""What is said in films and songs: .srt, .vtt, .ass and .lrc files, without their times."""

import html
import re
from collections.abc import Iterable, Set

from ingest.text.cjk import CJK

_SRT_TIME = re.compile(r"(?m)^(?:\d+[ \t]*\n)?(?:\d+:)?\d\d:\d\d[.,]\d+[ \t]*-->.*\n?")
_CUE_TAG = re.compile(r"<[^<>\n]{1,60}>|\{\\[^{}\n]{1,80}\}")
_ENTITY = re.compile(r"&(?:[A-Za-z]\w{1,10}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_VTT_NO_CUE = re.compile(r"WEBVTT|NOTE(?=[ \t\n]|$)|(?:STYLE|REGION)[ \t]*(?=\n|$)")
"""How a block begins that is not spoken; behind an empty line, and without times ([WebVTT] 4.1)."""
_VTT_VOICE = re.compile(r"<v(?:\.[\w.-]*)?[ \t]+([^<>\n]{1,60})>")
_VTT_ID = re.compile(r"(?m)^[^\n]*\n(?=(?:\d+:)?\d\d:\d\d[.,]\d+[ \t]*-->)")
_NAMED = re.compile(rf"((?:[A-Z]|[{CJK}])(?:[^\W\d_]|[ .'’·-]){{0,23}})(?::\s|：)\s*(?=\S)")
_SPEAKER = re.compile(r"[-–—]\s*\S|\[[^\[\]]{1,24}\]|[（(][^（()）]{1,24}[)）]")
"""How a line begins with which another one speaks: "Alice: Where?", "- No.", "[Bob]"."""
_ASS_LINE = re.compile(r"(?m)^Dialogue:[ \t]*((?:[^,\n]*,){9})(.*)$")
_LRC_TIME = re.compile(r"\[\d{1,3}:\d\d(?:[.:]\d{1,3})?\]")
_LRC_WORD_TIME = re.compile(r"<\d{1,3}:\d\d(?:[.:]\d{1,3})?>")
_LRC_FIELD = re.compile(r"(?m)^\[(ti|ar|al|by|offset|re|ve|length):([^\]\n]*)\][ \t]*\n?")


def has_cues(text: str) -> bool:
    """Return whether a text is one of subtitles, whatever it is called."""
    return len(_SRT_TIME.findall(text)) > 1


def render_cues(text: str) -> str:
    """Return what is said, a paragraph each time when another one speaks.

    A sentence goes on over several cues, so that their ends say nothing.
    """
    if found := _ASS_LINE.findall(text):
        names = [fields.split(",")[4].strip() for fields, _ in found]
        lines = [re.sub(r"\\[Nnh]", " ", line) for _, line in found]
        return _paragraphs(
            (f"{name}: {line}" if name else line for name, line in zip(names, lines, strict=True)),
            {*names},
        )
    if _LRC_TIME.search(text) and not has_cues(text):
        fields = dict(_LRC_FIELD.findall(text))
        head = [fields[key].strip() for key in ("ti", "ar", "al") if fields.get(key, "").strip()]
        words = _LRC_WORD_TIME.sub("", text)
        sung = [
            " ".join(line.split())
            for line in _LRC_TIME.sub("", _LRC_FIELD.sub("", words)).splitlines()
        ]
        return _unescape("\n".join(filter(None, [*head, *sung])))
    if text.startswith("WEBVTT"):
        blocks = re.split(r"\n(?:[ \t]*\n)+", text)
        spoken = [each for each in blocks if "-->" in each or not _VTT_NO_CUE.match(each)]
        text = _VTT_ID.sub("", re.sub(r"\AWEBVTT.*", "", "\n\n".join(spoken)))
    voices = {" ".join(_unescape(voice).split()) for voice in _VTT_VOICE.findall(text)}
    text = _VTT_VOICE.sub(r"\1: ", text)
    return _paragraphs(_CUE_TAG.sub("", _SRT_TIME.sub("\n", text)).splitlines(), voices)


def _unescape(text: str) -> str:
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def _paragraphs(lines: Iterable[str], voices: Set[str]) -> str:
    """Return lines as paragraphs, one each time when another one speaks.

    A label that the file does not mark as a voice may say what a line is about, "Time: 8": it
    stays, however often it comes.
    """
    speaker, paragraphs = "", list[str]()
    for line in lines:
        # What an entity stands for is no tag: the tags go first.
        spoken = " ".join(_unescape(_CUE_TAG.sub("", line)).split())
        if not spoken:
            continue
        named = _NAMED.match(spoken)
        if named and named[1] == speaker and speaker in voices:
            paragraphs[-1] += f" {spoken[named.end() :]}"  # goes on speaking
        elif named or _SPEAKER.match(spoken) or not paragraphs:
            paragraphs.append(spoken)
            speaker = named[1] if named else ""
        else:
            paragraphs[-1] += f" {spoken}"
    return "\n\n".join(paragraphs)
