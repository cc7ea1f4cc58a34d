"""Domains from their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genomes.domains.categorical import Boolean, Choice, Fixed
from genomes.domains.domain import Domain
from genomes.domains.numeric import Float, Int
from genomes.errors import GenomeError, shown

_KINDS: dict[str, type[Domain]] = {d.__name__: d for d in (Int, Float, Choice, Boolean, Fixed)}


def domain_from_json(json: Mapping[str, Any], path: str = "") -> Domain:
    """The domain that :meth:`Domain.to_json` wrote.

    Raises:
        GenomeError: an unknown kind of domain, or arguments that it refuses.
    """
    kind = _KINDS.get(str(json.get("domain"))) if isinstance(json, Mapping) else None
    if kind is None:
        raise GenomeError(f"expected a domain ({', '.join(_KINDS)}), got {shown(json)}", path)
    arguments = {name: value for name, value in json.items() if name != "domain"}
    try:
        return kind(**arguments)
    except TypeError as error:
        raise GenomeError(f"{kind.__name__}: {error}", path) from None
