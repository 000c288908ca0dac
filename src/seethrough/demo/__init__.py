"""Demonstrations: the whole way from a network to a page, on material that we own."""

from seethrough.demo.leopards import LeopardsReport, leopards_report
from seethrough.demo.page import leopards_page

__all__ = ["LeopardsReport", "leopards_page", "leopards_report"]
