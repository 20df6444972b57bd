"""``c2o uninstall``: all that c2o has put onto this machine, taken away again.

- ``command``  the plan, the question, and what was done
- ``files``    which files are c2o's, and taking them away
"""
