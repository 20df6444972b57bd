"""``c2o claude``: leading a plainly started Claude Code to c2o by its settings.  ``c2o.claude`` changes the files.

- ``command``  ``on``, ``off``, ``status``
- ``change``   what a change did and who hangs on it, as data and as lines; ``stop``, ``doctor`` and others show it, too
- ``status``   where a plain ``claude`` goes, and which file decides it
"""
