"""Settings: each one described once (``schema``), read and written (``files``), brought up to date (``legacy``), and
checked against each other (``lint``).
"""
