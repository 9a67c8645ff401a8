"""How hard a text is to read: words, sentences, syllables, and the Flesch-Kincaid grade that is made of them.

The counter is our own and small, since the usual package fetches a dictionary when it first runs. Counters differ by a
grade or two on the same text, so a grade is a coarse alarm and no mark for quality.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"\d+(?:[.,:]\d+)+|\w+(?:['’-]\w+)*")
_END = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’)\]]))\s+(?=[\"'“‘(\[]?\w)")
_ABBREVIATED = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|St|e\.g|i\.e|vs|etc)\.$", re.IGNORECASE)
_VOWELS = re.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüý]+")
_SILENT = re.compile(
    r"(?:[^laeiouycgszx]es|[^aeiouytdl]ed|[aeiouy]led|[^laeiouy]e|[aeiou]le)$|^(?:some|every)(?=[a-z]{3})|(?<=[aeiouy])[^aeiouy]e(?=ful|less|ness|ly$)"
)
_SPLIT = re.compile(
    r"ia(?!l)|ial$|io(?![un])|iu|(?<!p)eo(?!u)|ua(?!r)|[aeiou]ing|ier$|iest$|iet|oe[mt]|(?<=cr)ea|(?<=[a-z])ya|ie(?=n[ct])"
)


def words_in(text: str) -> list[str]:
    """Return the words of *text*; a hyphen or an apostrophe inside a word does not end it, nor a point in a number."""
    return _WORD.findall(text)


def sentences_in(text: str) -> list[str]:
    """Return the sentences of *text*: they end at `.`, `!` or `?`, never at a colon, an abbreviation or inside a number."""
    sentences: list[str] = []
    for piece in _END.split(text):
        if sentences and _ABBREVIATED.search(sentences[-1]):
            sentences[-1] += f" {piece.strip()}"
        elif words_in(piece):
            sentences.append(piece.strip())
    return sentences


def syllables_in(word: str) -> int:
    """Return how many syllables *word* has, as nearly as its spelling tells; never less than one."""
    parts = [part for part in re.split(r"[^\w]|['’]", word.lower()) if part]
    return max(1, sum(_spelled(part) for part in parts))


def _spelled(part: str) -> int:
    if part.isdigit():
        return len(part)
    if len(part) <= 3:
        return 1 if _VOWELS.search(part) else len(part) if len(part) == 1 else 1
    count = len(_VOWELS.findall(part))
    return max(1, count - len(_SILENT.findall(part)) + len(_SPLIT.findall(part)))


def grade_of(sentences: Sequence[str]) -> float:
    """Return the Flesch-Kincaid grade of *sentences*, 0.0 where there are none: the school year that reads them with ease."""
    words = [word for sentence in sentences for word in words_in(sentence)]
    if not words:
        return 0.0
    syllables = sum(map(syllables_in, words))
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59
