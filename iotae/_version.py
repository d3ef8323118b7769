"""The version, alone in its room so that building the package imports nothing."""

__version__ = "0.2.0"
