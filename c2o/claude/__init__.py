"""Claude Code, and whatever else speaks to it in Anthropic's protocol: starting clients on c2o.

- ``environment``  the variables that lead a client to c2o, and those that would lead it elsewhere
- ``models``       which models a session is to have
- ``launch``       finding a command and becoming it
- ``settings``     what Claude Code's own settings say

Nothing here writes a file.
"""
