"""Lists in pages, as the page's language writes them."""

from collections.abc import Iterable

from django import template

from changedesk.channels.console.show import words

register = template.Library()


@register.filter
def listed(items: Iterable[object]) -> str:
    """Join things by the comma of the page's language."""
    return words.comma(items)
