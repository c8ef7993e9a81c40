"""A chat format's marks, and the templates that servers are given, made from these marks alone.

Jinja is what transformers, vLLM and llama.cpp read, Go's text/template what Ollama reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from finetune.recipe import FormatName

THOUGHT_BEGINS = f"{THINK_OPEN}\n"
THOUGHT_ENDS = f"\n{THINK_CLOSE}\n\n"
NO_THOUGHT = THOUGHT_BEGINS + THOUGHT_ENDS
SYSTEM_ENDS = "\n\n"
"""Between a system message and the question that it is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFormat:
    """One way to write conversations. Marks are pairs: what is before and after a text.

    `controls` are the control tokens, `stops` the stop words of a server. `bos` opens every
    conversation ("" for none), `eos` ends every reply, `after_eos` is between a reply and what
    follows it. `opening` is what a prompt ends with, after the assistant's mark. A model that
    `thinks` learns to write it, too (Ollama's own template for R1 does not write it into the
    prompt); in the other formats it is a part of the prompt alone.

    `system_in_question`: a system message begins the first question, two line breaks before it, as
    models without a role for it were trained. `reply_lead` is what the model writes before each
    answer, and no part of it.
    """

    name: FormatName
    controls: tuple[str, ...]
    stops: tuple[str, ...]
    bos: str
    eos: str
    system: tuple[str, str]
    user: tuple[str, str]
    assistant: str
    after_eos: str
    opening: str
    thinks: bool
    system_in_question: bool = False
    reply_lead: str = ""

    @property
    def jinja(self) -> str:
        """The chat template of transformers, vLLM and llama.cpp.

        Its variable `enable_thinking` is that of Qwen3's template.
        """
        return "".join(jinja_lines(self))

    @property
    def ollama_template(self) -> str:
        """The TEMPLATE of an Ollama Modelfile, in Go's text/template."""
        lines = _GoLines()
        # BOS is left out: llama.cpp adds it by itself, and twice it would be other ids.
        if self.system_in_question:
            lines.put("$system := .System")
        else:
            lines.put("if .System", *self.system, value=".System").end()
        lines.put("range $i, $_ := .Messages")
        lines.put("$last := eq (len (slice $.Messages $i)) 1")
        if self.system_in_question:
            lines.put('if eq .Role "user"', self.user[0])
            # Emptied by the first question: an index would not do, for Ollama hands over system
            # messages among the others.
            lines.put("if $system", after=SYSTEM_ENDS, value="$system").put('$system = ""').end()
            lines.put(".Content", self.user[1])
        else:
            lines.put('if eq .Role "user"', *self.user, value=".Content")
        lines.put('else if eq .Role "assistant"', self.assistant)
        if self.thinks:
            lines.put("if $last", THOUGHT_BEGINS, THOUGHT_ENDS, value=".Thinking").end()
        elif self.opening:
            lines.put("if $last", self.opening).end()
        if self.reply_lead:
            lines.literal(self.reply_lead)
        lines.put(".Content").put("if not $last", self.eos + self.after_eos).end().end()
        # A last message of the assistant is a reply to be continued: no mark is written again.
        lines.put('if and $last (ne .Role "assistant")', self.assistant)
        if self.thinks:
            lines.put("if and $.IsThinkSet (not $.Think)", NO_THOUGHT)
            lines.put("else", self.opening).end()
        else:
            lines.literal(self.opening)
        return lines.end().end().text


def jinja_lines(fmt: ChatFormat) -> Iterator[str]:
    """Yield the Jinja template."""
    # Plain loops and tests only: llama.cpp has a Jinja of its own that knows no more. Each tag has
    # "-" on both sides, so that the line breaks between them, for people, are not written.
    # System messages are joined, wherever they stand: some clients send several.
    yield "{%- set ns = namespace(system='') -%}\n"
    yield "{%- for message in messages -%}{%- if message['role'] == 'system' -%}\n"
    yield "{%- set ns.system = ns.system + ('\\n\\n' if ns.system else '') + message['content'] -%}"
    yield "\n{%- endif -%}{%- endfor -%}\n"
    if fmt.bos:
        yield f"{{{{- {_quote(fmt.bos)} -}}}}\n"
    if not fmt.system_in_question:
        yield f"{{%- if ns.system -%}}{_jinja_between(fmt.system, 'ns.system')}{{%- endif -%}}\n"
    yield "{%- for message in messages -%}\n"
    yield "{%- if message['role'] == 'user' -%}\n"
    if fmt.system_in_question:
        system = _jinja_between((fmt.user[0], SYSTEM_ENDS), "ns.system")
        yield f"{{%- if ns.system -%}}{system}{{%- set ns.system = '' -%}}\n"
        yield f"{{%- else -%}}{{{{- {_quote(fmt.user[0])} -}}}}{{%- endif -%}}\n"
        yield _jinja_between(("", fmt.user[1]), "message['content']") + "\n"
    else:
        yield _jinja_between(fmt.user, "message['content']") + "\n"
    yield "{%- elif message['role'] == 'assistant' -%}\n"
    yield from jinja_reply(fmt)
    yield "{%- endif -%}\n{%- endfor -%}\n"
    yield "{%- if add_generation_prompt -%}\n"
    if fmt.assistant:
        yield f"{{{{- {_quote(fmt.assistant)} -}}}}\n"
    if fmt.thinks:
        yield "{%- if enable_thinking is defined and not enable_thinking -%}\n"
        yield f"{{{{- {_quote(NO_THOUGHT)} -}}}}\n"
        yield f"{{%- else -%}}\n{{{{- {_quote(fmt.opening)} -}}}}\n{{%- endif -%}}\n"
    elif fmt.opening:
        yield f"{{{{- {_quote_hidden(fmt.opening)} -}}}}\n"
    yield "{%- endif -%}"


def jinja_reply(fmt: ChatFormat) -> Iterator[str]:
    """Yield the lines for one reply; only the last one of a conversation keeps its thought."""
    marks = (fmt.assistant + fmt.reply_lead, fmt.eos + fmt.after_eos)
    if fmt.thinks:
        # The thought comes in a field (vLLM: reasoning_content, Ollama: thinking) or with its tags
        # in the content, as clients send back what they were sent.
        yield "{%- set answer = message['content'] or '' -%}\n"
        yield "{%- set thought = message['reasoning_content'] or message['thinking'] or '' -%}\n"
        yield f"{{%- if '{THINK_CLOSE}' in answer -%}}\n"
        yield f"{{%- set thought = answer.split('{THINK_CLOSE}')[0].split('{THINK_OPEN}')[-1]"
        yield ".strip('\\n') -%}\n"
        yield f"{{%- set answer = answer.split('{THINK_CLOSE}')[-1].lstrip('\\n') -%}}\n"
        yield "{%- endif -%}\n"
        whole = _jinja_between((marks[0] + THOUGHT_BEGINS, THOUGHT_ENDS), "thought")
        yield f"{{%- if loop.last -%}}{whole}\n"
        yield f"{{%- else -%}}{{{{- {_quote(marks[0])} -}}}}{{%- endif -%}}\n"
        yield _jinja_between(("", marks[1]), "answer") + "\n"
    elif fmt.opening:
        yield f"{{{{- {_quote(marks[0])} -}}}}\n"
        yield f"{{%- if loop.last -%}}{{{{- {_quote_hidden(fmt.opening)} -}}}}{{%- endif -%}}\n"
        yield _jinja_between(("", marks[1]), "message['content']") + "\n"
    else:
        yield _jinja_between(marks, "message['content']") + "\n"


def _jinja_between(marks: tuple[str, str], name: str) -> str:
    """Return a Jinja expression that writes the variable `name` between two marks."""
    before, after = (_quote(mark) if mark else "" for mark in marks)
    return "{{- " + " + ".join(part for part in (before, name, after) if part) + " -}}"


def _quote(text: str) -> str:
    """Return a Jinja string; our marks hold no quotes."""
    return "'" + text.replace("\n", "\\n") + "'"


def _quote_hidden(text: str) -> str:
    """Return a Jinja string in which no think tag can be found."""
    # Servers search the template's source: with both tags in it they take the model for one that
    # can think (Ollama server/images.go) and offer a switch that this one was never trained for.
    return _quote(text).replace("think>", "' + 'think>")


class _GoLines:
    """Writes a Go template in which the layout's line breaks never reach the output."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, action: str, before: str = "", after: str = "", *, value: str = "") -> "_GoLines":
        """Write `action`, then the literal `before`, the `value` and the literal `after`."""
        # A line break for people goes with the `{{-` behind it. White space that belongs to a mark
        # would go with it as well, so that the action is then glued to it.
        glued = not self.text or self.text[-1].isspace()
        self.text += f"{{{{ {action} }}}}" if glued else f"\n{{{{- {action} }}}}"
        self.text += before
        if value:
            self.text += f"{{{{ {value} }}}}" + after
        return self

    def literal(self, text: str) -> "_GoLines":
        """Write text that the template gives out as it is."""
        self.text += text
        return self

    def end(self) -> "_GoLines":
        """Close the last `if` or `range`."""
        return self.put("end")
