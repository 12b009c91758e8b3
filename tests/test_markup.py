"""Pages that stand alone."""

import base64
import hashlib
import re
from html.parser import HTMLParser

from fivestep.markup import around, element, page, prose, table


class Balance(HTMLParser):
    """Every element that is opened is closed, in the right order."""

    EMPTY = ("meta", "link", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_balanced_and_names_itself() -> None:
    text = page("a < b", element("p", "words"))
    assert Balance(text).open == []
    assert "<title>a &lt; b</title>" in text


def test_a_page_may_load_nothing() -> None:
    text = page("title", "")
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|<script|@import|url\(", text)


def test_text_cannot_become_markup() -> None:
    assert element("p", '<b> & "x"', css="a") == '<p class="a">&lt;b&gt; &amp; &quot;x&quot;</p>'
    assert 'id="&quot;&gt;"' in element("p", "", id='">')


def test_markup_stays_markup() -> None:
    assert around("div", "<b>x</b>", css="c") == '<div class="c">\n<b>x</b>\n</div>'


def test_a_table_sets_its_numbers_to_the_right() -> None:
    text = table(["name", "value"], [["a", "1"], ["b", "2"]], numbers=[1])
    assert text.count('<td class="number">') == 2
    assert '<th class="number">value</th>' in text
    assert Balance(text).open == []


def test_a_table_without_a_head_has_none() -> None:
    assert "<th" not in table(["", ""], [["a", "b"]])


def test_only_the_scripts_of_a_page_may_run() -> None:
    text = page("title", "", scripts=["const a = 1;"])
    digest = base64.b64encode(hashlib.sha256(b"const a = 1;").digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'" in text
    assert "<script>const a = 1;</script>" in text
    assert Balance(text).open == []


def test_what_stands_between_backticks_is_code() -> None:
    assert prose("p", "`momentum` < 1, a ` alone") == "<p><code>momentum</code> &lt; 1, a ` alone</p>"
