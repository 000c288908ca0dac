"""How far to believe a map, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

NOTES: Mapping[str, Both] = {}
