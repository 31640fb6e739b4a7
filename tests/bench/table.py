"""The table of the README: a row a question, a column a figure. A run writes the cells that it measured."""

from pathlib import Path

BEGIN, END = "<!-- made by make bench -->", "<!-- end -->"
COLUMNS = ("a CPU-second", "× raw", "× tutorial", "× Datasette", "p50 at 10⁴", "p50 at 10⁶", "p99 ÷ p50")
Cells = dict[str, dict[str, str]]
"""By row, then by column."""


def read(text: str) -> Cells:
    """The cells of the table that stands between the marks."""
    lines = [line for line in _between(text)[1].splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    if len(rows) < 2:
        return {}
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:]}


def shown(cells: Cells, titles: list[str]) -> str:
    """The table, with the rows of these titles."""
    lines = [["question", *COLUMNS], ["---"] + ["--:"] * len(COLUMNS)]
    lines += [[title, *(cells[title].get(column, "") for column in COLUMNS)] for title in titles if title in cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def update(path: Path, measured: Cells, titles: list[str]) -> None:
    """Write what was measured into the table of a file, and leave its other cells as they are."""
    text = path.read_text("utf-8")
    before, _, after = _between(text)
    kept = read(text)
    merged = {title: {**kept.get(title, {}), **measured.get(title, {})} for title in titles}
    path.write_text(f"{before}\n{shown({t: row for t, row in merged.items() if row}, titles)}{after}", "utf-8")


def _between(text: str) -> tuple[str, str, str]:
    head, begin, rest = text.partition(BEGIN)
    inner, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"The table's place is not marked with {BEGIN} and {END}.")
    return head + begin, inner, end + tail
