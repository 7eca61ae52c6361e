"""Remedies for a word that is not known: the nearest known one, or the list of them."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A remedy for ``word``: up to three known words that look like it, else all of them ("" where none is known)."""
    by_lower_case = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower_case, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(by_lower_case[name] for name in close)}?"
    return f"use one of: {', '.join(sorted(by_lower_case.values()))}" if by_lower_case else ""
