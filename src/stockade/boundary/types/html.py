"""Rich text: HTML less everything that acts.

Cleaned, not refused: editors and pasted documents bring much that is harmless to drop. What stays
is parsed and written anew by ammonia (html5ever), so that a browser reads what was checked.

Sources: ASVS 5.0 V1.3.1 (untrusted HTML is sanitised by a well-known library); CWE-79; RFC 6454.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from stockade.boundary.types.extras import needed
from stockade.boundary.validator import rejects

__all__ = ["Html", "html"]

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "dl", "dt", "em",
    "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre",
    "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}}


@rejects("Expected HTML of at most 100,000 characters.", min_length=0, max_length=100_000)
def html(value: str) -> str:
    """`value` without scripts, styles, forms, images, frames, handlers, ids, classes and comments.

    Links lead to http, https and mailto only, and tell nobody where they were followed from.
    """
    nh3 = needed("nh3", "Html")
    try:
        cleaned: str = nh3.clean(
            value,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow ugc",
            strip_comments=True,
        )
    except UnicodeEncodeError:  # a lone surrogate
        raise ValueError from None
    return cleaned


Html: TypeAlias = Annotated[str, html]
"""HTML that may stand in a page as it is."""
