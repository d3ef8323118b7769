"""A live page about what ``iotae stream`` writes: its rows are followed, summed up and sent to browsers.

The stream knows nothing of it: it is a process of its own, which only reads.
"""
