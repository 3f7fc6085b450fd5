"""The report as one HTML page that needs nothing beside it: tables, charts, an image viewer, and provenance.

`page.py` collects what is shown, `pictures.py` the images, `charts.py` the figures; `page.html.j2`, `page.css` and
`page.js` are the page itself. Numbers come from the table that all formats share.
"""

from uaabench.reporting.html.page import page

__all__ = ["page"]
