"""``c2o logs``: what the service has logged, and logs.

- ``command``  the command
- ``lines``    the log's lines, read from its files
- ``running``  the requests that run at this moment
- ``story``    ``--request ID``: what became of one, in sentences
- ``view``     how a line looks
"""
