"""``c2o trace``: what went over the wire for single requests.  ``c2o.trace_file`` has the form of the files.

- ``command``  ``on``, ``off``, ``show`` and the others
- ``view``     how a trace looks
- ``export``   a trace as a recording, for c2o's own tests
- ``replay``   the request once more; ``answer``: what a client was told, read back to compare
"""
