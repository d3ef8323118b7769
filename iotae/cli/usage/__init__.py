"""The help page and the options of each subcommand: a module for each, named as it.

Each has ``PURPOSE`` (half a sentence, which the list of commands shows too), ``DETAIL`` (a sentence),
``EXAMPLES`` (whole commands) and ``add_options``.
"""
