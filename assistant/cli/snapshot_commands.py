"""`assistant explain`, `replay`, `history` and `forget`: the commands about kept answers."""

import click

from assistant.cli.command_base import (
    LANGUAGE,
    message_language,
    run_async,
    run_plain,
    settings_or_exit,
)
from ingest.foundation.messages import Message


@click.command()
@click.argument("name", metavar="[ID]", default="last")
@click.option("--prompt", is_flag=True, help="Show what the model was given, word for word.")
@click.option("--json", "as_json", is_flag=True, help="All that is kept, as one JSON object.")
@click.option("--lang", type=LANGUAGE, help="Language of the explanation.")
def explain(name: str, prompt: bool, as_json: bool, lang: str | None) -> None:
    """Say how an answer came about: pages, passages, evidence, and what supports each sentence.

    ID is what `ask` shows on its last line; its beginning is enough. Without it: the last answer.

    \b
    assistant explain
    assistant explain 7f3a --prompt
    assistant explain last --json | jq .passages[].ranks
    """
    from assistant.cli.explain import print_explanation

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    run_plain(
        lambda: print_explanation(
            settings, name=name, with_prompt=prompt, as_json=as_json, chosen=lang
        ),
        language,
    )


@click.command()
@click.argument("name", metavar="[ID]", default="last")
@click.option("--model", metavar="NAME", help="Another model (default: the one that answered).")
@click.option(
    "--temperature",
    type=click.FloatRange(0, 2),
    metavar="T",
    help="Another temperature (default: that of the answer).",
)
@click.option("--json", "as_json", is_flag=True, help="Events, then the comparison, as JSON lines.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
@click.option("--quiet", is_flag=True, help="No progress, only the answer and the comparison.")
def replay(
    name: str,
    model: str | None,
    temperature: float | None,
    as_json: bool,
    lang: str | None,
    quiet: bool,
) -> None:
    """Ask a model again over the passages of an answer, and say what came out differently.

    Nothing is searched for or read. The new answer is kept, too, as a replay of the old one.

    \b
    assistant replay
    assistant replay 7f3a --model qwen3:4b
    assistant replay last --temperature 0 --json | tail -n 1
    """
    from assistant.cli.replay import print_replay

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    run_async(
        print_replay(
            settings,
            name=name,
            model=model,
            temperature=temperature,
            as_json=as_json,
            quiet=quiet,
            chosen=lang,
        ),
        language,
    )


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    metavar="N",
    help="Answers to show.",
)
@click.option("--json", "as_json", is_flag=True, help="One answer a line, as JSON.")
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def history(limit: int, as_json: bool, lang: str | None) -> None:
    """List the answers that are kept, the newest first: id, when, trust, question.

    \b
    assistant history
    assistant history --limit 100 --json | jq -r .question
    """
    from assistant.cli.explain import print_history

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    run_plain(
        lambda: print_history(settings, limit=limit, as_json=as_json, language=language), language
    )


@click.command()
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def feedback(lang: str | None) -> None:
    """Write what readers of the page said of answers, one JSON object a line, for training.

    A row holds what the model was given and what it should say; "rejected" is the answer that a
    correction replaces. `finetune prepare` reads the file.

    \b
    assistant feedback > feedback.jsonl
    assistant feedback | jq .question
    """
    from assistant.conversations.store import ConversationStore, conversations_path

    language = message_language(lang)

    def write_rows() -> int:
        with ConversationStore(conversations_path()) as store:
            rows = store.feedback_rows()
        for row in rows:
            click.echo(row)
        text = Message("judged answers: {count}", count=len(rows))
        if not rows:
            text = Message("no answer was judged yet: thumbs stand below each answer on the page")
        click.echo(text.localize(language), err=True)
        return 0

    run_plain(write_rows, language)


@click.command()
@click.argument("names", metavar="[ID]...", nargs=-1)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="All kept answers, conversations, searches and runs of ingest.",
)
@click.option("--lang", type=LANGUAGE, help="Language of messages.")
def forget(names: tuple[str, ...], everything: bool, lang: str | None) -> None:
    """Delete kept answers. The pages that they were made of stay in the index.

    With --all also the conversations of the page, the replies of search engines, and which pages
    and files runs of ingest have named.

    \b
    assistant forget 7f3a
    assistant forget last
    assistant forget --all
    """
    from assistant.cli.forget import forget_answers

    language = message_language(lang)
    settings = settings_or_exit({}, language)
    run_plain(
        lambda: forget_answers(settings, names=names, everything=everything, language=language),
        language,
    )
