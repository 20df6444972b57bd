"""``c2o completions``: commands, options and values in bash, zsh and fish.

- ``command``  ``install``, ``show``, ``uninstall``
- ``files``    where shells look for the scripts, and which of those there are ours
- ``tree``     the command tree as completions see it: a new option that takes text has its row there
- ``scripts``  the scripts, made of the tree by ``bash``, ``zsh`` and ``fish``; ``cases``: what bash and fish share

``__main__`` (``python -m c2o.cli.completions``) writes ``completions/``.
"""
