"""Made-up words, used as unevenly as real ones, and the text that the made-up records cite."""

from itertools import accumulate
from random import Random
from typing import NamedTuple

VOCABULARY = 40_000
SENTENCES = 4_000
PER_PASSAGE, PER_SECTION = 5, 200
SOURCE = "chronicle"

_SYLLABLES = [consonant + vowel for consonant in "bdfgjklmnprstvz" for vowel in "aiou"]
_STRIDE = 7_919
"""A prime that no number of syllables shares a factor with: words of neighbouring ranks are not alike."""


def word(rank: int) -> str:
    """The word of a rank, the most used first and shortest; no two are alike, nor are their stems."""
    syllables = 2 if rank < 3_000 else 3
    number = rank * _STRIDE % len(_SYLLABLES) ** syllables
    found = "kmp"[number % 3]
    for _ in range(syllables):
        number, syllable = divmod(number, len(_SYLLABLES))
        found = _SYLLABLES[syllable] + found
    return found


def zipf(count: int) -> list[float]:
    """Cumulative weights, the one of rank r having 1/r."""
    return list(accumulate(1 / rank for rank in range(1, count + 1)))


WORDS = [word(rank) for rank in range(VOCABULARY)]
_WEIGHTS = zipf(VOCABULARY)


def prose(draw: Random, count: int) -> str:
    """So many words, some of which are in every other text and most of which are in hardly any."""
    return " ".join(draw.choices(WORDS, cum_weights=_WEIGHTS, k=count))


class Text(NamedTuple):
    content: str
    headings: list[str]
    phrases: list[tuple[str, str]]
    """Of each sentence, the two that may be cited: each occurs once in all the text."""


def text(sentences: int) -> Text:
    lines, headings, phrases = list[str](), list[str](), list[tuple[str, str]]()
    for start in range(0, sentences, PER_PASSAGE):
        if start % PER_SECTION == 0:
            headings.append(f"Part {start // PER_SECTION + 1}")
            lines.append(headings[-1])
        told = [_sentence(number) for number in range(start, min(start + PER_PASSAGE, sentences))]
        lines.append(" ".join(sentence for sentence, _ in told))
        phrases += [both for _, both in told]
    return Text("\n\n".join(lines) + "\n", headings, phrases)


def _sentence(number: int) -> tuple[str, tuple[str, str]]:
    """A sentence and its phrases, each around a word that stands nowhere else."""
    parts = prose(Random(f"sentence {number}"), 12).split()
    parts[2], parts[8] = (word(VOCABULARY + 2 * number + each) for each in (0, 1))
    return " ".join(parts).capitalize() + ".", (" ".join(parts[1:4]), " ".join(parts[7:10]))
