"""An extension of Griffe: what docstrings hold of Sphinx becomes Markdown.

Roles, such as ``:class:`evo.Data```, become code; an ``Example:`` the section of examples that Griffe knows.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|exc|ref):`~?([^`<]+?)(?:\s*<[^`]*>)?`")
_EXAMPLE = re.compile(r"^( *)Example:$", re.MULTILINE)


class Roles(griffe.Extension):
    """Rewrites every docstring once, when it is read."""

    def on_instance(self, *, obj: Any, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(r"\1Examples:", _ROLE.sub(r"`\1`", obj.docstring.value))
