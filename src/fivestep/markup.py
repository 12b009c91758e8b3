"""Self-contained HTML pages: one file with its styles, and scripts if any; nothing is fetched."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1f2328; --soft: #57606a; --line: #d5d9de;
  --card: #f6f8fa; --accent: #0060a0; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181d; --ink: #e8eaed; --soft: #a4abb5; --line: #3b4149;
  --card: #1d2128; --accent: #6cc0f0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 68rem; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; line-height: 1.25; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.1rem; margin: 1.8rem 0 .4rem; color: var(--accent); }
h4 { font-size: 1rem; margin: 1.2rem 0 .2rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; max-width: 46rem; }
.soft, figcaption { color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .8rem 0; }
a { color: var(--accent); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top; }
th { font-weight: 600; }
td.number, th.number { text-align: right; }
tbody tr { border-top: 1px solid var(--line); }
figure { margin: 1rem 0 1.6rem; }
img { max-width: 100%; height: auto; display: block; background: #ffffff; border-radius: 6px; }
pre { margin: .2rem 0 .6rem; padding: .5rem .7rem; background: var(--card); border-radius: 6px; overflow-x: auto;
  font: 13px/1.45 ui-monospace, monospace; }
code { font: .9em ui-monospace, monospace; }
.entry { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin-top: .5rem; }
.entry b { font: 600 .95em ui-monospace, monospace; color: var(--accent); }
.sources { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: .3rem 1rem; }
.sources pre { font-size: 12px; height: calc(100% - 2.2rem); }
summary { cursor: pointer; padding: .3rem 0; }
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a browser may load for the page: its own styles, and embedded images."""

CODE = re.compile(r"`([^`\n]+)`")


def page(title: str, body: str, style: str = "", scripts: Sequence[str] = ()) -> str:
    """The whole page as text, with extra styles, and with `scripts`, the only ones that may run."""
    policy = f"{POLICY}; script-src {' '.join(map(_hash, scripts))}" if scripts else POLICY
    run = "".join(f"<script>{script}</script>\n" for script in scripts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n{body}\n{run}</body>\n</html>\n"
    )


def _hash(script: str) -> str:
    """The hash that allows a script in the policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def element(name: str, text: str, **attributes: str) -> str:
    """An element around `text`, which is escaped; `css` is its class."""
    return f"<{name}{_written(attributes)}>{escape(text)}</{name}>"


def prose(name: str, text: str, **attributes: str) -> str:
    """The same around words of a docstring, in which what stands between backticks is code."""
    written = CODE.sub(r"<code>\1</code>", escape(text))
    return f"<{name}{_written(attributes)}>{written}</{name}>"


def around(name: str, content: str, **attributes: str) -> str:
    """An element around `inner` markup."""
    return f"<{name}{_written(attributes)}>\n{content}\n</{name}>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table of texts; the columns in `numbers` are right-aligned."""

    def line(cells: Sequence[str], kind: str) -> str:
        return "".join(
            element(kind, text, **({"css": "number"} if k in numbers else {})) for k, text in enumerate(cells)
        )

    top = f"<thead><tr>{line(head, 'th')}</tr></thead>" if any(head) else ""
    body = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table>{top}<tbody>\n{body}\n</tbody></table></div>'


def _written(attributes: dict[str, str]) -> str:
    return "".join(f' {"class" if key == "css" else key}="{escape(value)}"' for key, value in attributes.items())
