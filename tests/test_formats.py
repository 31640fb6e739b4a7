"""Which form an answer takes, and how it looks in it."""

import pytest

from app.formats import JSON, Format, negotiate

CSV = Format("csv", "text/csv")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", JSON),
        ("", JSON),
        ("text/csv", CSV),
        ("text/*, application/json;q=0.9", CSV),
        ("text/*;q=0.5, */*;q=0.4, application/json;q=0.6", JSON),
        ("application/json;q=0, */*", CSV),
        ("*/*, application/json;q=0.1", CSV),
        ("TEXT/CSV; q=1.000", CSV),
        ("application/json;q=0, text/csv;q=0.0", None),
        ("image/png", None),
        ("nonsense", None),
        ("application/json;q=2", JSON),
    ],
)
def test_the_most_specific_range_decides_and_the_first_of_equals_is_sent(accept, chosen):
    assert negotiate(accept, [JSON, CSV]) == chosen
