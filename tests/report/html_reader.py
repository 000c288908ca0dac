"""A page as a test reads it."""

from html.parser import HTMLParser


class Reader(HTMLParser):
    """Tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.raw, self._open = [], "", {}, None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self._open = (tag, attributes.get("type", "")) if tag in ("script", "style") else None
        if self._open:
            self.raw[self._open] = ""

    def handle_data(self, data):
        if self._open:
            self.raw[self._open] += data
        else:
            self.text += data

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._open = None
