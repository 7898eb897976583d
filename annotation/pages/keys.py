"""The keys of the review desk, as the list behind `?` shows them. static/js/review-keys.js does what they say."""

from __future__ import annotations

DECIDE = [
    (["a"], "Approve: the text in the editor is right"),
    (["Ctrl Enter"], "Approve while typing"),
    (["n"], "Needs revision"),
    (["r"], "Reject: do not learn from this"),
    (["s"], "Skip: leave it to somebody else"),
    (["f"], "Flag: ask a manager to look at it"),
    (["u"], "Undo your last review"),
]
WRITE = [
    (["e"], "Edit the right output"),
    (["1", "2", "3", "4"], "Go to a score; the arrow keys set it, Enter goes to its number"),
    (["q"], "Go to the questions"),
    (["c"], "Add a category"),
    (["m"], "Write a note"),
    (["t"], "Use it for training, or not"),
    (["j", "k"], "Next field, field before"),
    (["Esc"], "Leave a field, so that the letters work again"),
]
LOOK = [(["d"], "Changes inline or side by side"), (["?"], "This list")]
COMPARE = [
    (["1", "2", "3"], "Output A is much, clearly, a little better"),
    (["4"], "Both are equally good"),
    (["5", "6", "7"], "Output B is a little, clearly, much better"),
]
SHORTCUTS = [("Decide", DECIDE), ("Write", WRITE), ("Two outputs", COMPARE), ("Look", LOOK)]
