"""Claude Code, and whatever else speaks to it in Anthropic's protocol: starting clients on c2o.

- ``environment``  the variables that lead a client to c2o, and those that would lead it elsewhere
- ``models``       which models a session is to have
- ``launch``       finding a command and becoming it
- ``settings``     what Claude Code's own settings say, in each scope, and which of them leads where
- ``takeover``     leading plain ``claude`` to c2o by a settings file, and back again, with

  - ``patch``          the change itself, pure: bytes in, bytes out, and a record of what was there
  - ``json_text``      editing JSON without touching what isn't edited; ``loose_settings``: with comments in it
  - ``settings_file``  the file: links, owners, permissions, and others who write at the same time
  - ``swap``           exchanging two files in one step
  - ``journal``        the records, so that everything can be taken back

``takeover`` alone writes.
"""
