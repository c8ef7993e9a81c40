"""`assistant`: ask, chat, search, read, index, doctor, setup and ui, from the terminal.

Only click is imported up here, so that `--help` starts at once; each command imports what it needs.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assistant.cli.command_base import LANGUAGE, message_language, run_async, settings_or_exit
from assistant.cli.evaluate import evaluate_command
from assistant.cli.index.commands import index
from assistant.cli.snapshot_commands import explain, feedback, forget, history, replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assistant.settings import Settings
    from ingest.foundation.messages import Language
    from ingest.web.tiered_fetcher import FetcherChoice

CRAWL_LOG = click.Path(dir_okay=False, path_type=Path)


def _settings(overrides: "Mapping[str, Mapping[str, Any]]") -> "Settings":
    from assistant.settings import load_settings

    return load_settings(overrides)


@click.group(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "color": False if os.environ.get("NO_COLOR") else None,  # https://no-color.org
    }
)
@click.version_option(package_name="qiuzheng", prog_name="assistant")
def main() -> None:
    """Ask questions; get answers with sources, from the web and your own index, on your machine.

    \b
    assistant ask "无人机夜间飞行需要什么条件？" --web
    assistant ask "What does RFC 9309 say about redirects?" --web
    assistant chat --web
    assistant doctor
    """


@main.command()
@click.argument("question")
@click.option("--web/--no-web", default=False, help="Search the web first (default: index only).")
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON, on stdout.")
@click.option("--model", metavar="NAME", help="Chat model, e.g. deepseek-r1:1.5b.")
@click.option("--top-k", type=click.IntRange(1, 30), metavar="N", help="Passages to answer from.")
@click.option(
    "--show-thinking/--hide-thinking",
    default=None,
    help="Show the model's thinking on stderr (default: when stderr is a terminal).",
)
@click.option("--lang", type=LANGUAGE, help="Language of answer and messages.")
@click.option(
    "--deadline",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds for searching and reading; then answer from what is here.",
)
@click.option(
    "--unsupported",
    type=click.Choice(("mark", "drop")),
    help="Sentences that stand in no source: marked with (?), or left out (default: as set).",
)
@click.option("--fresh", is_flag=True, help="Ask engine and sites again, though kept replies do.")
@click.option(
    "--ledger", type=CRAWL_LOG, metavar="FILE", help="Add a JSON line for every page asked."
)
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="NAME",
    help="Answer from this collection alone, with --web also from what was read on the web for "
    "questions (may be repeated; default: from all).",
)
@click.option("--private", is_flag=True, help="Keep nothing for explain and history.")
@click.option("--quiet", is_flag=True, help="No progress, only the answer and its sources.")
def ask(question: str, **options: Any) -> None:
    """Answer QUESTION with numbered sources. "-" reads the question from standard input.

    \b
    assistant ask "无人机夜间飞行需要什么条件？" --web
    assistant ask "How long may robots.txt be cached?" --web --deadline 5
    assistant ask "最新的无人机管理规定" --web --fresh --ledger crawl.jsonl
    echo "What is UTC?" | assistant ask - --json | jq -r .type

    Exit 3: nothing was found, neither in the index nor (with --web) on the web.
    """
    from assistant.cli.ask import print_answer
    from assistant.values import Question
    from ingest.foundation.startup import decode_argument, read_stdin

    text = read_stdin() if question == "-" else decode_argument(question)
    language = message_language(options["lang"], text)
    run_async(
        print_answer(
            Question(
                text,
                web=options["web"],
                fresh=options["fresh"],
                model=options["model"],
                top_k=options["top_k"],
                deadline_s=options["deadline"],
                collections=_collections(options),
                private=options["private"],
            ),
            overrides=_overrides(options),
            crawl_log=options["ledger"],
            as_json=options["as_json"],
            thinking=_shows_thinking(options),
            quiet=options["quiet"],
            language=language,
        ),
        language,
    )


def _overrides(options: "Mapping[str, Any]") -> dict[str, dict[str, Any]]:
    """Return the options that are settings: table -> key -> value."""
    given = {"language": options["lang"], "unsupported": options["unsupported"]}
    answer = {key: value for key, value in given.items() if value}
    return {"answer": answer} if answer else {}


def _collections(options: "Mapping[str, Any]") -> tuple[str, ...]:
    """Return the collections that are named, or leave the process if one cannot be a name."""
    from ingest.errors import CollectionError
    from ingest.foundation.command_line.cli_runner import print_error
    from ingest.settings import collection_name

    try:
        return tuple(collection_name(name) for name in options["collections"])
    except CollectionError as error:
        sys.exit(print_error(error, message_language(options["lang"])))


def _shows_thinking(options: "Mapping[str, Any]") -> bool:
    chosen: bool | None = options.get("show_thinking")
    return sys.stderr.isatty() if chosen is None else chosen


@main.command()
@click.option("--web/--no-web", default=False, help="Search the web for every question.")
@click.option("--model", metavar="NAME", help="Chat model, e.g. deepseek-r1:1.5b.")
@click.option("--top-k", type=click.IntRange(1, 30), metavar="N", help="Passages to answer from.")
@click.option("--show-thinking/--hide-thinking", default=None, help="Show the model's thinking.")
@click.option("--lang", type=LANGUAGE, help="Language of answers and messages.")
@click.option(
    "--deadline",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds for searching and reading; then answer from what is here.",
)
@click.option(
    "--unsupported",
    type=click.Choice(("mark", "drop")),
    help="Sentences that stand in no source: marked with (?), or left out (default: as set).",
)
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="NAME",
    help="Answer from this collection alone, with --web also from what was read on the web for "
    "questions (may be repeated; default: from all).",
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value="last",
    metavar="[ID]",
    help="Go on with a conversation, also one of the page: the last, or that of this id or of "
    "these words.",
)
@click.option("--private", is_flag=True, help="Keep nothing: no answer, no conversation.")
@click.option("--quiet", is_flag=True, help="No progress, only answers and sources.")
def chat(**options: Any) -> None:
    """Keep a conversation, in which "它的重量限制呢？" is understood from what came before.

    \b
    assistant chat --web
    assistant chat --resume
    /web  switches the web on and off      /new  forgets the conversation
    /quit leaves (so does Ctrl-D)          Ctrl-C stops an answer, or leaves
    """
    from assistant.cli.chat import converse
    from assistant.values import Question

    settings = settings_or_exit(_overrides(options), message_language(options["lang"]))
    answer_language = settings.answer.language
    run_async(
        converse(
            settings=settings,
            question=Question(
                "",
                web=options["web"],
                model=options["model"],
                top_k=options["top_k"],
                deadline_s=options["deadline"],
                collections=_collections(options),
                private=options["private"],
            ),
            thinking=_shows_thinking(options),
            quiet=options["quiet"],
            language=None if answer_language == "auto" else answer_language,
            spoken=message_language(answer_language),
            resume=options["resume"],
        ),
        message_language(answer_language),
    )


@main.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 50), metavar="N", help="Results wanted.")
@click.option("--json", "as_json", is_flag=True, help="One result a line, as JSON.")
def search(query: str, limit: int | None, as_json: bool) -> None:
    """Show what the web search finds, without reading any page.

    \b
    assistant search "民用无人驾驶航空器 管理条例"
    assistant search "robots.txt RFC 9309" --limit 5 --json
    """
    from assistant.cli.search import print_results
    from ingest.foundation.startup import decode_argument

    query = decode_argument(query).strip()
    language = message_language(None, query)
    run_async(print_results(query, limit=limit, as_json=as_json, language=language), language)


@main.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@click.option(
    "--json", "as_json", is_flag=True, help="One object a line, also for what is skipped."
)
@click.option(
    "--fetcher",
    type=click.Choice(["auto", "http", "browser"]),
    default="auto",
    help="auto: the browser opens only what plain HTTP cannot show.",
)
@click.option(
    "--ledger", type=CRAWL_LOG, metavar="FILE", help="Add a JSON line for every page asked."
)
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def read(
    urls: tuple[str, ...],
    as_json: bool,
    fetcher: "FetcherChoice",
    ledger: Path | None,
    lang: str | None,
) -> None:
    """Show what we make of each URL: Markdown on stdout, or why there is none. Stores nothing.

    \b
    assistant read https://www.rfc-editor.org/rfc/rfc9309.html
    assistant read https://example.com/app --fetcher browser
    assistant read - --json < urls.txt | jq -r 'select(.skipped) | .url + " " + .skipped'
    """
    from assistant.cli.read import read_pages

    language = message_language(lang)
    run_async(
        read_pages(
            urls,
            settings=settings_or_exit({}, language),
            as_json=as_json,
            fetcher=fetcher,
            crawl_log=ledger,
            language=language,
        ),
        language,
    )


for command in (explain, replay, history, feedback, forget, index):
    main.add_command(command)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--lang", type=LANGUAGE, help="Language of the report.")
def doctor(as_json: bool, lang: str | None) -> None:
    """Name each part, its state, and the command that fixes it. Exit 1: no answer is possible.

    \b
    assistant doctor
    assistant doctor --json | jq '.[] | select(.state != "ok")'
    """
    language = message_language(lang)
    run_async(_doctor(as_json, language), language)


async def _doctor(as_json: bool, language: "Language") -> int:
    from assistant.cli.doctor import examine, report

    checks = await examine(_settings({}))
    report(checks, language=language, as_json=as_json)
    return 1 if any(check.state == "fail" for check in checks) else 0


@main.command()
@click.option("--model", metavar="NAME", help="Chat model to pull (default: the one in force).")
@click.option("--embed-model", metavar="NAME", help="Embedding model to pull.")
@click.option("--lang", type=LANGUAGE, help="Language of the messages.")
def setup(model: str | None, embed_model: str | None, lang: str | None) -> None:
    """Pull the models through Ollama, fetch the built-in encoder, and write assistant.toml.

    \b
    assistant setup
    assistant setup --model qwen3:4b --embed-model bge-m3
    """
    language = message_language(lang)
    run_async(_setup(model, embed_model, language), language)


async def _setup(model: str | None, embed_model: str | None, language: "Language") -> int:
    from assistant.cli.setup import set_up

    overrides = {
        "model": {"name": model} if model else {},
        "embed": {"model": embed_model} if embed_model else {},
    }
    return await set_up(_settings(overrides), language=language)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("streamlit_options", nargs=-1, type=click.UNPROCESSED)
def ui(streamlit_options: tuple[str, ...]) -> None:
    """Open the chat page in the browser. Further options go to `streamlit run`.

    \b
    assistant ui
    assistant ui --server.port 8600 --server.headless true
    """
    import importlib.util

    from ingest.foundation.extras import install_command

    # find_spec does not import: Streamlit takes a second, and is only needed by the new process.
    page = importlib.util.find_spec("ui")
    if importlib.util.find_spec("streamlit") is None or page is None or page.origin is None:
        # English: --help is, and no question tells us a language yet.
        click.echo(f"the page needs streamlit: {install_command('ui')}", err=True)
        sys.exit(1)
    app = str(Path(page.origin).with_name("app.py"))
    quiet = ["--browser.gatherUsageStats", "false"]
    # In place of this process: Ctrl-C and signals then reach Streamlit, and nothing is left over.
    command = [sys.executable, "-m", "streamlit", "run", app, *quiet, *streamlit_options]
    os.execv(sys.executable, command)  # noqa: S606  our own interpreter, no shell


main.add_command(evaluate_command)

if __name__ == "__main__":
    main()
