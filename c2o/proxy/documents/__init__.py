"""PDFs as text, page by page, for upstreams that take no files.

- ``reader``     the service's side: finds the PDFs of a request, has them read, remembers what was in them
- ``__main__``   a process that reads one PDF and ends: PDFs come from anywhere, and a library may crash over one
- ``png``        a page as a picture
"""
