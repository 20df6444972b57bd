"""PDFs as text, page by page, for upstreams that take no files.

- ``reader``     the service's side: has PDFs read, remembers what was in them
- ``__main__``   a process that reads one PDF and ends: PDFs come from anywhere, and a library may crash over one
- ``png``        a page as a picture
"""
