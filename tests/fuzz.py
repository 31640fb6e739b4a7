"""`python -m tests.fuzz date [seconds]`: the readers of tests/test_fuzz.py under libFuzzer, which keeps what leads it
into code that it has not seen: a `date`, a `cursor`, a pack in `yaml` or in `lines`, a `search`.

It ends by itself after the seconds (60), or at the first fault with what led to it. It needs `pip install atheris`.
"""

import importlib
import sys
import tempfile
from functools import partial
from pathlib import Path


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    try:
        atheris = importlib.import_module("atheris")
    except ModuleNotFoundError:
        raise SystemExit("atheris is needed: .venv/bin/pip install atheris") from None
    with atheris.instrument_imports(include=["app", "yaml"]):
        tests = importlib.import_module("tests.test_fuzz")
    with tempfile.TemporaryDirectory() as folder:
        pack, known = Path(folder) / "pack", Path(folder) / "known"
        pack.mkdir()
        known.mkdir()
        date, cursor, search = (
            test.hypothesis.inner_test
            for test in (
                tests.test_a_date_is_read_or_refused,
                tests.test_a_cursor_is_of_its_list_or_refused,
                tests.test_what_is_searched_is_read_or_refused,
            )
        )
        # What reads the bytes, and what it is to begin with.
        read, begin = {
            "date": (lambda data: date(data.decode("utf-8", "replace")), [each.encode() for each in tests.DATES]),
            "cursor": (cursor, [tests.cursors.seal("x", [1, "a"]).encode()]),
            "yaml": (partial(tests.understood, pack, "pack.yaml"), [each[:2_000] for each in tests.PACKS]),
            "lines": (partial(tests.understood, pack, "events.ndjson"), tests.LINES),
            "search": (lambda data: search(*_halves(data)), [b'the famine killed\0"great leap" fam*']),
        }[name]
        for number, data in enumerate(begin):
            (known / str(number)).write_bytes(data)
        atheris.Setup([sys.argv[0], str(known), f"-max_total_time={seconds}", "-max_len=4096"], read)
        atheris.Fuzz()


def _halves(data: bytes) -> tuple[str, str]:
    text, _, query = data.decode("utf-8", "replace").partition("\0")
    return text, query


if __name__ == "__main__":
    main()
