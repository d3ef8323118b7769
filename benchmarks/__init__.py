"""Comparisons of iotae with its peers: ``python -m benchmarks streams|tables|paper|speed|nslkdd|shuttle``."""
