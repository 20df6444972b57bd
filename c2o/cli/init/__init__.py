"""``c2o init``: find what is there, ask little, try it for real, write the configuration.

Each step makes a new Plan of the one before; nothing is changed until the last one is carried out.

- ``command``        the flags, and who answers: a person or they alone
- ``plan``           what is known and has been told so far
- ``choice``         what is to be set up: an upstream, its key and models
- ``detect``         what is here already
- ``file``           the configuration file as it was, and as it is to be
- ``flags``          without a person
- ``wizard``         with a person: the steps below in their order, and the way back through them

  - ``again``          there is a configuration already: what of it is to change
  - ``upstream``       which upstream
  - ``key``            where its key comes from; ``imported_keys``: those of a configuration that is imported
  - ``models``         which models; ``suggest``: which suits which tier, by its name
  - ``trial``          asking for the list of models, trying those that were chosen
  - ``mishap``         it doesn't work: the ways on from there
  - ``offers``         a service manager, Claude's settings, completions

- ``probe``          asking the upstream for real, and what its answers mean
- ``doing``          carrying out the plan
- ``result``         what was done, as data and as lines
"""
