"""Layer forms, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {}

NOTES: Mapping[str, Both] = {}
