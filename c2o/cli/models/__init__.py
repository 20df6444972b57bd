"""``c2o models``: which models there are.

- ``command``    the command and its table
- ``asked``      what upstreams list
- ``knowledge``  what is known of a model, and from where
"""
