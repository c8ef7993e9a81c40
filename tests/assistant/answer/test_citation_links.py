"""Addresses in an answer are those of its passages or of the question."""

from dataclasses import replace

import pytest

from assistant.answer.citations import CitationStream
from tests.citation_samples import PASSAGES, cited


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("See https://made.up/x for more", "See for more"),
        ("See (https://made.up/x), too", "See, too"),
        ("See <https://made.up/x>.", "See."),
        ("See [the rules](https://made.up/x?y=[9]) here", "See the rules here"),
        ("See https://1.example/ for more", "See https://1.example/ for more"),
        ("See [rules](https://2.example) here", "See [rules](https://2.example) here"),
        ("See [rules](<https://made.up/x>) here", "See rules here"),
        ("See [rules](//made.up/x) here", "See rules here"),
        ("See [rules](javascript:alert(1)) here", "See rules here"),
        ("See [rules](data:text/html,x) here", "See rules here"),
        ("See [rules](ftp://made.up/x) here", "See rules here"),
        ("See [rules](/login) here", "See rules here"),
        ("See [rules](//made.up/x 'now (or) here') here", "See rules here"),
        ("See [rules](https://2.example.made.up/) here", "See rules here"),
        ("See [rules](https://2.exampl) here", "See rules here"),
        ("See [the [new] rules](//made.up/x) here", "See [the [new] rules] here"),
        ("See [a" + "a" * 300 + "](//made.up/x) here", "See [a" + "a" * 300 + "] here"),
        (
            "See [rules](//made.up/" + "x" * 300 + ") here",
            "See [rules] (//made.up/" + "x" * 300 + ") here",
        ),
        ("See [rules](https://made.up/" + "x" * 300 + ") here", "See [rules] () here"),
        ("See a[0](//made.up/x) here", "See a[0] here"),
        ("See <ftp://made.up/x> or ftp://made.up/x here", "See or here"),
        ("See <javascript:alert(1)> here", "See here"),
        ("See [rules](<https://2.example/>) here", "See [rules](<https://2.example/>) here"),
        ("See [rules](https://2.example 'x') here", "See [rules](https://2.example 'x') here"),
        ("Run `curl https://made.up/x` now", "Run `curl https://made.up/x` now"),
    ],
)
def test_addresses_that_no_passage_has_are_left_out(said: str, shown: str) -> None:
    assert cited(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("See [rules][x].\n\n[x]: http://evil.test/a", "See [rules][x].\n\n"),
        ('See [rules].\n\n[rules]: //evil.test/a "Rules"', "See [rules].\n\n"),
        ("See [rules].\n\n[rules]: <evil.test/a b> (T)", "See [rules].\n\n"),
        ("See [rules].\n\n[rules]:\n  javascript:alert(1)\n", "See [rules].\n\n\n"),
        ("> [a\\]b]: evil.test/x?d=1", "> "),
        ('[1]: https://evil.test/a "Title"\nYes', "\nYes"),
        ("[1]: javascript:alert(1)\nYes", "\nYes"),
        ("[Note]: keep away.\n[Weight]: 3.5", "[Note]: keep away.\n[Weight]: 3.5"),
        (f"[{'x' * 990}]: //evil.test/{'y' * 990}", f"\\[{'x' * 990}]: //evil.test/{'y' * 990}"),
        ('Go <a href="https://evil.test/x">here</a>.', "Go here."),
        ("Go <A\nclass=x HREF=//evil.test/x>here</A>.", "Go here."),
        ("Go <a title='>' href=//evil.test>here</a>.", "Go here."),
        ("See <img src=//evil.test/x.png alt=x> it", "See it"),
        ("See <img/onerror=alert(1) src=x> it", "See it"),
        ("<script>alert(1)</script> it", "alert(1) it"),
        ("<iframe src='//evil.test'></iframe> it", "it"),
        ("<img src=//evil.test/x onerror=alert(1) ", "< img src=//evil.test/x onerror=alert(1) "),
        (f"<a {'x ' * 120}href=//evil.test>", f"< a {'x ' * 120}href=//evil.test>"),
        (
            "List<int> is <b>not</b> x<y <br> or 3 <x and y",
            "List<int> is <b>not</b> x<y <br> or 3 < x and y",
        ),
        ("Mail joe@evil.test or <joe@evil.test>.", "Mail joe or <joe>."),
        ("ask@faa.test knows, 3@5 and pkg@1.2.3 stay", "ask knows, 3@5 and pkg@1.2.3 stay"),
        ("Go to h&#116;tp://evil.test; AT&amp;T", "Go to h& #116;tp://evil.test; AT&amp;T"),
        # What only looks like code to us must not pass as code.
        ("\\`<a href=//evil.test>`x", "\\``x"),
        ("```x``` [go](http://evil.test)\n[go](http://evil.test)", "```x``` go\ngo"),
        (
            "```\n[a](http://evil.test)\n``` x\n```\n[go](http://evil.test)",
            "```\n[a](http://evil.test)\n``` x\n```\ngo",
        ),
    ],
)
def test_links_in_other_dresses_are_checked_too(said: str, shown: str) -> None:
    assert cited(said) == shown
    by_character = CitationStream(PASSAGES)
    assert "".join(map(by_character.feed, said)) + by_character.close() == shown


def test_links_that_a_passage_has_stay_in_definitions() -> None:
    text = "See [rules].\n\n[rules]: https://www.faa.gov/night\n"
    passage = replace(PASSAGES[0], text="More at https://www.faa.gov/night", url="https://a.test/")
    stream = CitationStream([passage], attach=False)
    assert stream.feed(text) + stream.close() == text


def test_addresses_of_the_question_stay() -> None:
    stream = CitationStream(PASSAGES, question="What is https://asked.example/x?")
    assert stream.feed("It is https://asked.example/x here") + stream.close() == (
        "It is https://asked.example/x here"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Open http://localhost:8501/page and log in.",
        "打开 http://127.0.0.1:11434 即可。",
        "Clone git@github.com:example/drones.git first.",
        "Log in with ssh -p 2222 root@drones.example.com now.",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 400])
def test_logins_and_addresses_of_ones_own_machine_stay(text: str, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert cited(*pieces, attach=False) == text


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost.evil.example/x",
        "http://127.0.0.1.evil.example/x",
        "http://localhost@evil.example/x",
    ],
)
def test_what_only_begins_like_ones_own_machine_goes(text: str) -> None:
    assert "evil" not in cited(f"See {text} there.", attach=False)
