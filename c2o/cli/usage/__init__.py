"""``c2o usage``: what was used and what it cost.

- ``command``  the command and its table
- ``groups``   the sums by day, model, tier or session
"""
