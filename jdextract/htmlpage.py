"""What the HTML pages of jdextract share: one file without network access, in which scraped text is never more than text."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

# Pictures for characters that HTML does not allow or that turn the direction of the text behind them.
_PICTURES = {
    **{code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A, 0x0D)},
    **dict.fromkeys((*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD),
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),
}


def load_templates(folder: str) -> jinja2.Environment:
    """The templates of `data/{folder}`: everything is escaped; the filter `visible` shows what a page can't hold."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("jdextract", f"data/{folder}"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["visible"] = make_visible
    return made


def make_visible(text: str) -> str:
    """Text with pictures for control characters and marks that turn the direction. One character in, one out."""
    return text.translate(_PICTURES)


def load_part(templates: jinja2.Environment, name: str) -> Any:
    """A style or script of the package, put into a page as it is.

    The parser of a browser drops carriage returns, so the digest must too.
    """
    from markupsafe import Markup

    assert templates.loader is not None
    text = templates.loader.get_source(templates, name)[0].replace("\r\n", "\n")
    return Markup(text)


def make_policy(style: str, script: str) -> str:
    """Content-Security-Policy: nothing but this very style and this very script."""
    digests = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
