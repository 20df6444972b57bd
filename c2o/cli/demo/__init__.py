"""``c2o demo``: the whole path on the embedded upstream of ``c2o.demo``, which it starts as a process.

- ``command``  what is shown, in its order
- ``stage``    the scratch home, the upstream and the service
- ``view``     panels, plain lines, or nothing
"""
