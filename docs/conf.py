"""How `make docs` builds the site: the course, the guides, the reference; nothing in it is fetched from elsewhere."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "src")]

import fivestep  # noqa: E402  (these sources, not those of another checkout)

project = "fivestep"
author = "the authors of fivestep"
release = version = fivestep.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_gallery.gen_gallery",
    "formulas",
    "lessons",
    "links",
    "playground",
    "reference",
]
exclude_patterns = ["_ext", "**/sg_execution_times.rst", "sg_execution_times.rst", "lessons/README.md"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

sphinx_gallery_conf = {
    "examples_dirs": "../lessons",
    "gallery_dirs": "lessons",
    "backreferences_dir": "reference/uses",
    "copyfile_regex": r"index\.rst",
    "filename_pattern": r"/\d\d_\w+\.py$",
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": (),  # what is not printed is a picture
    "image_scrapers": ("lessons.shown_figure",),
    "reset_modules": (),
    "first_notebook_cell": "%matplotlib inline",
    "plot_gallery": os.environ.get("FIVESTEP_DOCS_RUN", "1") == "1",
    "inspect_global_variables": False,  # it reads every attribute that a page names, and some warn
    "show_signature": False,
    "download_all_examples": True,
    "remove_config_comments": True,
}

smartquotes = False  # a name in quotes is meant to be typed
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "fivestep"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
