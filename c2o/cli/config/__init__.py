"""``c2o config``: looking at the configuration, and changing it without breaking it.

- ``command``  ``get``, ``set``, ``edit`` and the others
- ``file``     reading, changing and saving the file, with its comments
- ``edit``     a person's editor on a copy
- ``keys``     keys and values as people write them
- ``schema``   the file's JSON Schema, for editors
"""
