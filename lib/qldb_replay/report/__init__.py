"""What people and programs read of a verification: the page and the evidence file.

Plain values in, text out: no lake, no Spark, no I/O but the package's own template. `page` needs
the extra `report`, `signing` the extra `sign`; neither is imported before it is asked for.
"""
