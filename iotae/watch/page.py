"""The page: one HTML file with its style and its script in it, and the policy that allows only these."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from iotae._version import __version__
from iotae.report.style import STYLE

__all__ = ["page_of"]


@cache
def page_of() -> tuple[bytes, str]:
    """Return the page and its ``Content-Security-Policy``.

    It holds no word of any stream: what there is to tell comes later, as JSON, and is shown as text.

    Examples
    --------
    >>> page, policy = page_of()
    >>> page[:15], policy.split(";")[0], b"https:" in page
    (b'<!doctype html>', "default-src 'none'", False)
    """
    parts = {name: (files("iotae.watch") / "browser" / name).read_text("utf-8") for name in _PARTS}
    style, script = STYLE + parts["page.css"], parts["chart.js"] + parts["page.js"]
    page = parts["page.html"].replace("/* style */", style).replace("/* script */", script)
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page.replace("{version}", __version__).encode(), policy


_PARTS = ("page.html", "page.css", "chart.js", "page.js")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
