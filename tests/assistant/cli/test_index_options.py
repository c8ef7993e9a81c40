"""What the commands of `assistant index` take."""

from assistant.cli.index.commands import TEXT, GivenText


def test_classes_of_options_are_those_of_the_oldest_click() -> None:
    # `click.ParamType[str]`, as the base class, is an error in click 8.1.
    assert "__orig_bases__" not in vars(GivenText)
    assert TEXT.convert(" a ", None, None) == " a "
