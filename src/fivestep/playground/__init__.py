"""The playground: one more engine with the same five steps, in a browser.

    playground_html("moons")

The page is one file without a network: hand-derived gradients in JavaScript (`engine.js`), in float64, with the same
numbers as `scratch`, step for step. The JavaScript is plain scripts that share one scope, in the order of `_page.py`;
what is offered lies in folders, one file for each item, under the names of the Python package.
"""

from ._page import playground_html, scripts
from ._settings import TASKS, offered, settings_of

__all__ = ["TASKS", "offered", "playground_html", "scripts", "settings_of"]
