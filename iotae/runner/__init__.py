"""The loop behind ``iotae stream``: rows from a source, judged, to sinks, with checkpoints to go on from."""
