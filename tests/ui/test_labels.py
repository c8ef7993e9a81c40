"""Words with figures in them."""

import pytest

from ui import labels


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0.0 秒"), (0.34, "0.3 秒"), (9.94, "9.9 秒"), (9.96, "10 秒"), (75.6, "76 秒")],
)
def test_time_taken_has_a_decimal_below_ten_seconds(seconds: float, shown: str) -> None:
    assert labels.format_seconds(seconds, "zh") == shown


def test_time_taken_is_said_in_english_too() -> None:
    assert labels.format_seconds(1.26, "en") == "1.3 s"
