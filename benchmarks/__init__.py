"""Comparisons of iotae with its peers: ``python -m benchmarks streams|tables|speed|nslkdd|shuttle``."""
