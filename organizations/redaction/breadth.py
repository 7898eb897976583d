"""How much of ordinary text a pattern would change. Pure.

What is replaced is gone for good, so a pattern that changes every other word must not be kept by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from organizations.redaction.findings import Recognizer

WORD = re.compile(r"\s*\S+\s?")
# What people write to a support desk; there is nothing in it that only some of them would write.
ORDINARY = """
Hello, I ordered a lamp on the 3rd of May and it has not arrived yet. The page still says that it is on its way. Could
you please look where it is, or send me another one? I would also like to know how I can change my address, because we
are moving at the end of the month. Last time the parcel came after 5 days, so I am a little worried. Thanks a lot!

Thank you for writing to us. Your order left our warehouse on Monday and should reach you within 2 or 3 working days.
You can change the address in your account under "Settings" until the parcel has been handed over. If it is not there by
Friday, write to us again and we will send you a new lamp at no cost, or give you your money back (49.90 in all).

def total(prices):
    return round(sum(price * 1.19 for price in prices), 2)
"""


def share_changed(texts: Iterable[str], recognizer: Recognizer) -> float:
    """The share of characters (0-1) in words that a recognizer would change; 0 without texts.

    A word counts whole: a pattern that takes one letter out of it destroys it.
    """
    total = changed = 0
    for text in texts:
        marks = bytearray(len(text))
        for found in recognizer.find(text):
            marks[found.start : found.end] = b"\1" * (found.end - found.start)
        total += len(text)
        changed += sum(len(word[0]) for word in WORD.finditer(text) if marks.find(1, *word.span()) >= 0)
    return changed / total if total else 0.0
