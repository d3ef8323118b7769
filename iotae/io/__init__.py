"""Tables from files and to files: CSV as people write it, and Parquet, whole or chunk by chunk."""
