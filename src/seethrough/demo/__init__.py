"""Demonstrations: the whole way from a network to a page, on material that we own."""

from seethrough.demo.leopards import LeopardsReport, leopards_report
from seethrough.demo.mended import Mended, leopards_mended
from seethrough.demo.mended_page import mended_page
from seethrough.demo.page import leopards_page

__all__ = ["LeopardsReport", "Mended", "leopards_mended", "leopards_page", "leopards_report", "mended_page"]
