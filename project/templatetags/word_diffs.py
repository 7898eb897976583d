"""How one text becomes another, for the templates of apps that lie below."""

from __future__ import annotations

from django import template

from annotation.word_diff import Segment, diff_words

register = template.Library()


@register.simple_tag
def word_diff(old: str, new: str) -> list[Segment]:
    """Segments for partials/diff.html: {% word_diff before after as segments %}."""
    return diff_words(old, new)
