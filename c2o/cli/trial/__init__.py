"""``c2o test``: real requests through the running service.  (``test`` would be taken for c2o's own tests.)

- ``command``    the command and its lines
- ``abilities``  what a model is tried with, and what its answer shows
- ``client``     a small client of the service
"""
