"""``c2o doctor``: what the checks of ``c2o.doctor`` find, shown and put right.

- ``command``  the command and its lines
- ``fix``      ``--fix``: shown, asked about, done
- ``probe``    ``--probe``: what each upstream's model can do; ``c2o init --probe`` asks the same
- ``bundle``   ``--bundle``: what a bug report needs, without secrets
"""
