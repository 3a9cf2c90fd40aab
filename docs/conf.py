"""The documentation: ``sphinx-build -W -b html docs site`` writes it to site/, which asks nothing of other hosts."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

import convex_core  # noqa: E402

project = "convex core"
author = "The convex_core authors"
copyright = author
release = version = convex_core.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "docs_site",
]
exclude_patterns = ["_ext", "_static", "conf.py"]
default_role = "literal"  # `names` in docstrings
nitpicky = True  # a reference to something that is not there is a warning, and warnings are errors
nitpick_ignore_regex = [
    (r"py:.*", r"(?:numpy|np|threading|collections|typing|datetime)\..*"),  # what others own
]
# public objects are shown, and linked, under the name that people import
for _name in convex_core.__all__:
    _object = getattr(convex_core, _name)
    if isinstance(_object, type) or callable(_object):
        _object.__module__ = "convex_core"

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath", "html_image"]
myst_heading_anchors = 3
myst_links_external_new_tab = True

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # types, with shapes and ranges, stand in the docstrings
autodoc_class_signature = "mixed"
python_maximum_signature_line_length = 80
add_module_names = False
toc_object_entries = False
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

# KaTeX comes with the site and sets what Sphinx marks as mathematics
mathjax_path = "katex/katex.min.js"
mathjax_options = {"defer": "defer"}

copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = "convex core"
html_favicon = "../assets/icon.png"
html_logo = "../assets/icon.svg"
html_static_path = ["_static"]
html_css_files = ["katex/katex.min.css", "site.css"]
html_js_files = [("math.js", {"defer": "defer"})]
html_use_index = False
html_domain_indices = False
html_copy_source = False
html_show_sphinx = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#00694f",
        "color-brand-content": "#00694f",
        "color-brand-visited": "#00694f",
        "color-foreground-primary": "#22262b",
        "color-foreground-secondary": "#5c6067",
        "color-api-name": "#00694f",
        "color-api-pre-name": "#5c6067",
        "color-background-secondary": "#faf9f6",
        "color-background-border": "#e2e0d9",
        "color-code-background": "#f7f6f2",
        "convex": "#009e73",
        "sgd": "#b9568f",
        "positive": "#b8560b",
        "negative": "#00629a",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5ad4b2",
        "color-brand-content": "#5ad4b2",
        "color-brand-visited": "#5ad4b2",
        "color-foreground-primary": "#e9e7e2",
        "color-foreground-secondary": "#b4b8bd",
        "color-api-name": "#5ad4b2",
        "color-api-pre-name": "#b4b8bd",
        "color-background-primary": "#14171b",
        "color-background-secondary": "#101317",
        "color-background-border": "#343a42",
        "color-code-background": "#1f242a",
        "convex": "#2cc79b",
        "sgd": "#e39cc5",
        "positive": "#f0a94b",
        "negative": "#7cc4ee",
    },
}
